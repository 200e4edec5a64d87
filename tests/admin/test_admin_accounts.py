"""Registering, forgotten passwords, the second step, leaving."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from webchatagent.admin import accounts, links, members, registration, totp
from webchatagent.admin.app import create_admin
from webchatagent.core import mail
from webchatagent.core.clock import now
from webchatagent.core.db.accounts import AccountLink, OutboxMail
from webchatagent.core.db.records import AuditEntry
from webchatagent.core.db.tenants import TenantRow
from webchatagent.core.errors import NotFound
from webchatagent.core.retention import purge_links
from webchatagent.core.tenants import load_tenant, operator_tenant

PASSWORD = "a long enough secret"


def mails(house: Any, address: str) -> list[tuple[str, str]]:
    """Kind and text of the mails to an address, of the operator's tenant, oldest first."""
    here = operator_tenant(house.platform)
    with here.read() as db:
        rows = db.query(OutboxMail).filter_by(recipient=address).order_by(OutboxMail.id).all()
    return [(row.kind, mail.read_mail(here, row.id)[1]) for row in rows]


def link_in(text: str) -> str:
    """The path of the link in a mail."""
    found = re.search(r"http://localhost/admin(/[\w-]+/[\w-]{43})", text)
    assert found, text
    return found[1]


def ask(house: Any, page: str, address: str) -> Any:
    """Enter an address on a page without a log-in."""
    browser = house.browser()
    browser.get(page)
    return browser.post(page, {"email": address})


@pytest.mark.seed("SR-030")
def test_somebody_registers_confirms_and_owns_a_workspace(house: Any) -> None:
    assert "/admin/register/" in house.browser().get("/login/").text
    assert "look into your mail" in ask(house, "/register/", "Boss@New.example.com").text
    ((kind, text),) = mails(house, "boss@new.example.com")
    assert kind == "register"
    browser, link = house.browser(), link_in(text)
    assert "boss@new.example.com" in browser.get(link).text
    assert "longer password" in browser.post(link, {"company": "Neü & Söhne", "new": "short", "locale": "de"}).text
    assert "enter a name" in browser.post(link, {"company": " ", "new": PASSWORD, "locale": "de"}).text
    assert accounts.find_user(house.platform, "boss@new.example.com") is None
    answer = browser.post(link, {"company": "Neü & Söhne", "new": PASSWORD, "locale": "de"})
    assert answer.headers["Location"] == "/admin/"
    page = browser.get("/").text
    assert "Neü &amp; Söhne" in page and "Übersicht" in page and "ACME-ONLY" not in page
    made = load_tenant(house.platform, slug="neue-soehne")
    assert made.locale == "de" and "files" in made.enabled
    assert [(m.email, m.role) for m in members.list_members(made)] == [("boss@new.example.com", "owner")]
    assert house.browser().get(link).status_code == 404
    with made.read() as db:
        assert [e.action for e in db.query(AuditEntry).order_by(AuditEntry.id)] == ["tenant.created", "member.joined"]


@pytest.mark.seed("SR-031")
def test_an_address_that_registers_is_used_for_that_alone(house: Any) -> None:
    from webchatagent.core.db.records import BackgroundJob, ConsentRecord

    ask(house, "/register/", "only@example.com")
    browser, link = house.browser(), link_in(mails(house, "only@example.com")[0][1])
    browser.get(link)
    browser.post(link, {"company": "Only", "new": PASSWORD, "locale": "en"})
    house.run_jobs()
    made = load_tenant(house.platform, slug="only")
    with made.read() as db:
        assert not db.query(ConsentRecord).count() and not db.query(OutboxMail).count()
        assert not db.query(BackgroundJob).filter(BackgroundJob.kind != "purge").count()
    assert [kind for kind, _ in mails(house, "only@example.com")] == ["register"]
    recipients = {p for p in made.enabled if house.platform.registry.manifests[p].recipient}
    assert not recipients, "nothing that is on from the start hands anything to anybody"


def test_two_companies_of_one_name_get_two_short_names(house: Any) -> None:
    for number in (1, 2):
        ask(house, "/register/", f"twin{number}@example.com")
        browser, link = house.browser(), link_in(mails(house, f"twin{number}@example.com")[0][1])
        browser.get(link)
        browser.post(link, {"company": "Platform", "new": PASSWORD, "locale": "en"})
    with house.platform.database.read() as db:
        slugs = {s for (s,) in db.query(TenantRow.slug).filter(TenantRow.name == "Platform")}
    assert slugs == {"platform-2", "platform-3"}


@pytest.mark.parametrize("page", ["/register/", "/reset/"])
def test_answers_do_not_tell_who_has_an_account(house: Any, page: str, statements: list[str]) -> None:
    texts, counts = [], []
    for address in ("owner@example.org", f"nobody{page.strip('/')}@example.com"):
        browser = house.browser()
        browser.get(page)
        statements.clear()
        text = browser.post(page, {"email": address}).text
        counts.append(len([s for s in statements if not s.startswith(("INSERT INTO outbox", "UPDATE outbox"))]))
        texts.append(re.sub(r'csrf[^>]*|nonce="[^"]*"', "", text.replace(address, "ADDRESS")))
    assert texts[0] == texts[1]
    assert counts[0] == counts[1]
    kinds = [kind for kind, _ in mails(house, "owner@example.org")]
    assert kinds[-1] == ("known" if page == "/register/" else "reset")


def test_a_forgotten_password_is_chosen_anew_once(house: Any) -> None:
    accounts.create_user(house.platform, "forgot@example.org", tenant=house.acme, role="viewer", password=PASSWORD)
    old = house.browser("forgot@example.org")
    ask(house, "/reset/", "Forgot@example.org")
    first = link_in(mails(house, "forgot@example.org")[-1][1])
    ask(house, "/reset/", "forgot@example.org")
    second = link_in(mails(house, "forgot@example.org")[-1][1])
    browser = house.browser()
    assert browser.get(first).status_code == 404, "only the last link counts"
    browser.get(second)
    assert "longer password" in browser.post(second, {"new": "short"}).text
    assert browser.post(second, {"new": "another long secret"}).headers["Location"] == "/admin/login/"
    assert old.get("/").status_code == 302, "every session has ended"
    assert house.browser().get(second).status_code == 404
    assert house.browser().login("forgot@example.org", "another long secret").status_code == 302
    assert "do not match" in house.browser().login("forgot@example.org", PASSWORD).text
    assert mails(house, "forgot@example.org")[-1][0] == "password_changed"
    assert mails(house, "nobody@example.com") == []


def test_a_link_ends_in_time_and_is_swept(house: Any) -> None:
    ask(house, "/register/", "slow@example.com")
    link = link_in(mails(house, "slow@example.com")[0][1])
    with house.platform.database.write() as db:
        db.query(AccountLink).filter_by(email="slow@example.com").one().expires_at = now() - timedelta(seconds=1)
    assert house.browser().get(link).status_code == 404
    assert purge_links(house.platform) == 1
    with pytest.raises(NotFound):
        links.find_link(house.platform, "register", link.rpartition("/")[2])
    with house.platform.database.read() as db:
        assert not db.query(AccountLink).filter_by(token_hash=link.rpartition("/")[2]).count(), "the token is not kept"


def test_a_link_of_one_kind_opens_no_other(house: Any) -> None:
    ask(house, "/register/", "kinds@example.com")
    token = link_in(mails(house, "kinds@example.com")[0][1]).rpartition("/")[2]
    for page in ("reset", "invitation"):
        assert house.browser().get(f"/{page}/{token}").status_code == 404


@pytest.mark.parametrize("address", ["", "no address", "a@b@c", "x" * 400 + "@example.com", "a b@example.com"])
def test_what_is_no_address_is_refused_at_its_field(house: Any, address: str) -> None:
    for page in ("/register/", "/reset/"):
        assert 'class="error"' in ask(house, page, address).text


def test_registration_can_be_closed(tmp_path: Any, migrated_database: Any) -> None:
    from .conftest import House, make_platform

    platform = make_platform(tmp_path, migrated_database, registration="closed")
    browser = House(platform, create_admin(platform), None, None, None, None, {}).browser()  # type: ignore[arg-type]
    assert "/register/" not in browser.get("/login/").text
    assert browser.get("/register/").status_code == 403
    assert browser.get("/register/" + "x" * 43).status_code == 403
    assert browser.get("/reset/").status_code == 200


def test_mails_to_strangers_are_limited(limited: Any) -> None:
    browser = limited.browser()
    browser.get("/reset/")
    answers = [browser.post("/reset/", {"email": f"n{n}@example.com"}).status_code for n in range(21)]
    assert answers == [200] * 20 + [429]


def test_limits_are_those_of_the_person_behind_a_trusted_proxy(tmp_path: Any, migrated_database: Any) -> None:
    from .conftest import build

    house = build(tmp_path, migrated_database, rate_limits="on", trusted_proxies="1")
    answers = []
    for n in range(12):
        browser = house.browser()
        browser.client.environ_base["HTTP_X_FORWARDED_FOR"] = f"198.51.100.{n}"
        answers.append(browser.login(f"n{n}@example.org", "wrong").status_code)
    assert answers == [200] * 12
    browser = house.browser()
    browser.client.environ_base["HTTP_X_FORWARDED_FOR"] = "203.0.113.9, 198.51.100.200"
    answers = [browser.login(f"m{n}@example.org", "wrong").status_code for n in range(11)]
    assert answers[-1] == 429


def test_a_link_in_a_mail_never_takes_a_foreign_host(house: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(house.platform.settings._values, "SMTP_URL", "smtp://127.0.0.1:1")
    for address in ("owner@example.org", "nobody-at-all@example.com"):
        browser = house.browser()
        browser.get("/reset/", base_url="http://evil.example.com/admin")
        answer = browser.post("/reset/", {"email": address}, base_url="http://evil.example.com/admin")
        assert "does not know its own address" in answer.text
    monkeypatch.setitem(house.platform.settings._values, "PUBLIC_URL", "https://chat.example.org")
    assert (
        links.link_to(house.platform.settings, "http://evil.example.com/", "/x") == "https://chat.example.org/admin/x"
    )


@pytest.mark.parametrize("time, code", [(59, "287082"), (1111111109, "081804"), (2000000000, "279037")])
def test_codes_are_those_of_the_standard(time: int, code: str) -> None:
    assert totp.code_at("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", time // 30) == code  # RFC 6238, appendix B


def enrol(house: Any, address: str) -> tuple[str, list[str]]:
    """Set the second step up in the browser; returns the secret and the spare codes."""
    accounts.create_user(house.platform, address, tenant=house.acme, role="viewer", password=PASSWORD)
    browser = house.browser(address)
    page = browser.get("/account/second-step").text
    secret = re.search(r"<code>([A-Z2-7]{32})</code>", page)
    assert secret and "data:image/svg+xml" in page
    assert "not right" in browser.post("/account/second-step", {"code": "000000"}).text
    at = int(now().timestamp()) // 30
    page = browser.post("/account/second-step", {"code": totp.code_at(secret[1], at)}).text
    codes = re.findall(r"<code>([0-9a-f]{6}-[0-9a-f]{6})</code>", page)
    assert len(codes) == 8
    assert "Second step" in browser.get("/account/").text, "this session goes on"
    return secret[1], codes


def test_the_second_step(house: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    secret, codes = enrol(house, "twostep@example.org")
    browser = house.browser()
    answer = browser.login("twostep@example.org")
    assert answer.headers["Location"].startswith("/admin/second-step/")
    assert browser.get("/").status_code == 302, "the password alone opens nothing"
    browser.get("/second-step/")
    assert "not right" in browser.post("/second-step/", {"code": "123456"}).text
    at = int(now().timestamp()) // 30
    code = totp.code_at(secret, at)
    assert browser.post("/second-step/", {"code": f"{code[:3]} {code[3:]}"}).status_code == 302
    assert browser.get("/").status_code == 200
    again = house.browser()
    again.login("twostep@example.org")
    again.get("/second-step/")
    assert "used already" in again.post("/second-step/", {"code": code}).text, "a code that was seen is worthless"
    assert again.post("/second-step/", {"code": codes[0]}).status_code == 302
    third = house.browser()
    third.login("twostep@example.org")
    third.get("/second-step/")
    assert third.post("/second-step/", {"code": codes[0]}).status_code == 200
    with house.platform.database.read() as db:
        stored = db.execute(accounts.USERS.select().where(accounts.USERS.c.email == "twostep@example.org")).one()
    assert secret not in str(stored) and codes[1] not in str(stored)
    again.get("/account/")
    again.post("/account/second-step/off", {"present": "wrong"})
    assert house.browser().login("twostep@example.org").headers["Location"].startswith("/admin/second-step/")
    again.post("/account/second-step/off", {"present": PASSWORD})
    assert house.browser().login("twostep@example.org").headers["Location"] == "/admin/"


def test_the_second_step_waits_five_minutes_and_ends_with_a_new_password(house: Any) -> None:
    enrol(house, "half@example.org")
    browser = house.browser()
    browser.login("half@example.org")
    with browser.client.session_transaction() as kept:
        user, epoch, until = kept["half"]
        assert until - datetime.now(UTC).timestamp() <= 300
        kept["half"] = [user, epoch, until - 400]
    assert browser.get("/second-step/").headers["Location"].startswith("/admin/login/")
    assert house.browser().get("/second-step/").status_code == 302


def test_few_attempts_at_a_code(limited: Any) -> None:
    enrol(limited, "guess@example.org")
    browser = limited.browser()
    browser.login("guess@example.org")
    browser.get("/second-step/")
    answers = [browser.post("/second-step/", {"code": f"{n:06}"}).status_code for n in range(11)]
    assert answers == [200] * 10 + [429]


def test_leaving_and_deleting_an_account(house: Any) -> None:
    owner = house.browser("owner@example.org")
    owner.get("/account/")
    assert "needs an owner" in owner.post("/account/leave", follow_redirects=True).text
    assert "needs an owner" in owner.post("/account/delete", {"present": PASSWORD}, follow_redirects=True).text
    accounts.create_user(house.platform, "bye@example.org", tenant=house.acme, role="owner", password=PASSWORD)
    number = accounts.find_user(house.platform, "bye@example.org")
    registration.request_reset(house.platform, "bye@example.org", "en", "http://localhost/")
    browser = house.browser("bye@example.org")
    browser.get("/account/")
    assert "present password" in browser.post("/account/delete", {"present": "wrong"}, follow_redirects=True).text
    assert accounts.find_user(house.platform, "bye@example.org") == number
    assert browser.post("/account/delete", {"present": PASSWORD}).headers["Location"].startswith("/admin/login/")
    assert accounts.find_user(house.platform, "bye@example.org") is None
    assert mails(house, "bye@example.org") == [] and browser.get("/").status_code == 302
    assert "bye@example.org" not in owner.get("/members/").text
    browser = house.browser("viewer@example.org")
    browser.get("/account/")
    browser.post("/account/leave")
    assert browser.get("/").status_code == 403
    assert house.browser().client.post("/account/delete").status_code == 400
    anonymous = house.browser()
    anonymous.get("/login/")
    for path in ("/account/delete", "/account/leave"):
        assert anonymous.post(path).headers["Location"].startswith("/admin/login/")


@pytest.mark.parametrize(
    "password",
    ["password1234", "Passwort-12345", "qwertzqwertz", "aaaaaaaaaaaa", "short", "person12example", "\0" * 20],
)
def test_weak_passwords_are_refused(password: str) -> None:
    from webchatagent.core.errors import InvalidRequest

    with pytest.raises(InvalidRequest):
        accounts.check_password(password, "person12@example.org")


@pytest.mark.seed("SR-034")
def test_passwords_are_hashed_with_scrypt() -> None:
    assert accounts.hash_password("a long enough secret").startswith("scrypt:32768:8:1$")
