"""Signing in at another company: whose account opens, who is asked for proof, and what nobody can do."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import sqlalchemy as sa

from webchatagent.admin import accounts, external, members, totp
from webchatagent.admin.app import create_admin
from webchatagent.app import guard_egress
from webchatagent.core import egress, mail, plugins
from webchatagent.core.db.accounts import OutboxMail
from webchatagent.core.db.records import AuditEntry
from webchatagent.core.tenants import load_tenant, operator_tenant

from ..identity.running import IdentityProvider

PASSWORD = "a long enough secret"
KEY = "google_login-google"
BEGIN = f"/sign-in/{KEY}"


class Google:
    """The real provider, and people at a browser of the house."""

    def __init__(self, house: Any, provider: IdentityProvider) -> None:
        self.house, self.provider = house, provider
        here = operator_tenant(house.platform)
        plugins.configure(here, "google_login", provider.config)
        plugins.enable(load_tenant(house.platform, slug="platform"), "google_login")

    def person(self, email: str, **claims: Any) -> dict[str, Any]:
        """The claims of somebody."""
        named = {"sub": f"sub-{email}", "name": "Ann Example", "picture": "https://example.org/a.png"}
        return {**named, "email": email, "email_verified": True, **claims}

    def go(self, browser: Any, person: dict[str, Any] | None, begin: str = BEGIN) -> Any:
        """Press the button, be somebody there, and come back."""
        return browser.get(self.way_back(browser, person, begin))

    def way_back(self, browser: Any, person: dict[str, Any] | None, begin: str = BEGIN) -> str:
        """The path on which the provider sends somebody back."""
        address = browser.get(begin).headers["Location"]
        back = urlsplit(self.provider.visit(address, person))
        assert back.netloc == "localhost"
        return back.path.removeprefix("/admin") + "?" + back.query

    def account(self, email: str) -> int:
        """An account with a password, as a viewer of the first tenant."""
        return accounts.create_user(
            self.house.platform, email, tenant=self.house.acme, role="viewer", password=PASSWORD
        )[0]

    def rows(self, user_id: int | None) -> list[Any]:
        """What is kept of a person's links."""
        with self.house.platform.database.read() as db:
            return list(db.execute(sa.select(external.EXTERNAL).where(external.EXTERNAL.c.user_id == user_id)))

    def mails(self, address: str) -> list[str]:
        """The texts of the mails to an address."""
        here = operator_tenant(self.house.platform)
        with here.read() as db:
            rows = db.query(OutboxMail).filter_by(recipient=address, kind="sign_in").order_by(OutboxMail.id).all()
        return [mail.read_mail(here, row.id)[1] for row in rows]


@pytest.fixture
def google(house: Any, identity_provider: IdentityProvider) -> Iterator[Google]:
    """Google is on."""
    yield Google(house, identity_provider)
    plugins.disable(load_tenant(house.platform, slug="platform"), "google_login")


def said(answer: Any, browser: Any) -> str:
    """Where somebody is sent, and what stands there."""
    assert answer.status_code == 302, answer.text
    return str(browser.get(answer.headers["Location"].removeprefix("/admin")).text)


def test_the_button_is_there_while_the_plugin_is_on(house: Any, google: Google) -> None:
    for header, words in (("en", "Sign in with Google"), ("de", "Mit Google anmelden"), ("hi", "Google से साइन इन")):
        page = house.browser().get("/login/?next=/admin/bots/list/", headers={"Accept-Language": header}).text
        assert words in page and f"/admin{BEGIN}?next=/admin/bots/list/" in page
    plugins.disable(load_tenant(house.platform, slug="platform"), "google_login")
    assert "Google" not in house.browser().get("/login/").text
    assert house.browser().get(BEGIN).status_code == 404


@pytest.mark.seed("SR-036", "SR-037")
def test_a_verified_address_is_linked_once_the_password_was_entered(house: Any, google: Google) -> None:
    user_id = google.account("link@example.org")
    browser, person = house.browser(), google.person("Link@Example.org")
    answer = google.go(browser, person)
    assert answer.headers["Location"] == "/admin/sign-in/finish" and not google.rows(user_id)
    page = browser.get("/sign-in/finish").text
    assert "link@example.org" in page and "Google" in page and browser.get("/").status_code == 302
    assert "not the password" in browser.post("/sign-in/finish", {"password": "a wrong long secret"}).text
    assert not google.rows(user_id)
    assert browser.post("/sign-in/finish", {"password": PASSWORD}).headers["Location"] == "/admin/"
    assert "is linked to your account" in browser.get("/").text
    (row,) = google.rows(user_id)
    assert (row.provider, row.issuer, row.subject) == (KEY, google.provider.url, person["sub"])
    assert (row.email, row.name, row.picture) == ("Link@Example.org", "Ann Example", "")
    assert "token" not in set(row._mapping) and len(row._mapping) == 8

    other = house.browser()
    answer = google.go(
        other, {**person, "name": "Ann Newname", "email": "moved@example.org"}, BEGIN + "?next=/admin/bots/list/"
    )
    assert answer.headers["Location"] == "/admin/bots/list/" and other.get("/").status_code == 200
    assert google.rows(user_id)[0].name == "Ann Newname"
    with operator_tenant(house.platform).read() as db:
        actions = [e.action for e in db.query(AuditEntry).filter_by(target=f"user:{user_id}")]
    assert actions.count("account.login_linked") == 1


@pytest.mark.seed("SR-037")
@pytest.mark.parametrize("address", ["unverified@example.org", "unverified-nobody@example.com"])
def test_an_address_that_is_not_verified_is_never_used(house: Any, google: Google, address: str) -> None:
    user_id = google.account(address) if address.endswith(".org") else None
    browser = house.browser()
    answer = google.go(browser, google.person(address, email_verified=False))
    assert answer.headers["Location"] == "/admin/login/" and "has not verified" in said(answer, browser)
    assert browser.get("/sign-in/finish").status_code == 302 and browser.get("/").status_code == 302
    assert not google.rows(user_id)
    assert accounts.find_user(house.platform, address) == user_id


@pytest.mark.seed("SR-037")
def test_a_link_by_mail_is_proof_in_the_same_browser_only(house: Any, google: Google) -> None:
    user_id = google.account("mailed@example.org")
    browser = house.browser()
    google.go(browser, google.person("mailed@example.org"))
    browser.get("/sign-in/finish")
    assert "look into your mail" in browser.post("/sign-in/mail").text
    (text,) = google.mails("mailed@example.org")
    found = re.search(r"http://localhost/admin(/sign-in/confirm/[\w-]{43})", text)
    assert found and "Google" in text
    stranger = house.browser()
    assert "in which you began" in said(stranger.get(found[1]), stranger)
    foreign = house.browser()
    google.go(foreign, google.person("foreign@example.com"))
    assert "in which you began" in said(foreign.get(found[1]), foreign) and not google.rows(user_id)
    assert "Link and sign in" in browser.get(found[1]).text and not google.rows(user_id), "reading links nothing"
    assert browser.post(found[1]).headers["Location"] == "/admin/"
    assert len(google.rows(user_id)) == 1 and browser.get("/").status_code == 200
    assert house.browser().get(found[1]).status_code == 404, "it works once"


@pytest.mark.seed("SR-030")
def test_somebody_new_names_a_workspace_and_owns_it(house: Any, google: Google) -> None:
    browser = house.browser()
    google.go(browser, google.person("Founder@new.example.com"))
    assert "no account" in browser.get("/sign-in/finish").text
    assert accounts.find_user(house.platform, "founder@new.example.com") is None
    assert 'class="error"' in browser.post("/sign-in/finish", {"company": "", "locale": "de"}).text
    assert 'class="error"' in browser.post("/sign-in/finish", {"company": "  ", "locale": "de"}).text
    assert accounts.find_user(house.platform, "founder@new.example.com") is None
    answer = browser.post("/sign-in/finish", {"company": "Founders", "locale": "de"})
    assert answer.headers["Location"] == "/admin/" and "Übersicht" in browser.get("/").text
    made = load_tenant(house.platform, slug="founders")
    assert [(m.email, m.role) for m in members.list_members(made)] == [("founder@new.example.com", "owner")]
    again = house.browser()
    assert google.go(again, google.person("Founder@new.example.com")).headers["Location"] == "/admin/"
    assert "Founders" in again.get("/").text


def test_nobody_registers_where_registration_is_closed(
    tmp_path: Any, migrated_database: Any, identity_provider: IdentityProvider
) -> None:
    from .conftest import House, make_platform

    platform = make_platform(tmp_path, migrated_database, registration="closed")
    closed = House(platform, create_admin(platform), None, None, None, None, {})  # type: ignore[arg-type]
    google, browser = Google(closed, identity_provider), closed.browser()
    google.go(browser, google.person("late@example.com"))
    answer = browser.get("/sign-in/finish")
    assert answer.status_code == 403 and "Registration is closed" in answer.text


def test_the_second_step_is_asked_for_all_the_same(house: Any, google: Google) -> None:
    user_id, secret = google.account("careful@example.org"), totp.new_secret()
    external.link(house.platform, user_id, KEY, identity(google, "careful@example.org"))
    totp.enrol(house.platform, user_id, secret)
    browser = house.browser()
    answer = google.go(browser, google.person("careful@example.org"))
    assert answer.headers["Location"] == "/admin/second-step/" and browser.get("/").status_code == 302
    browser.get("/second-step/")
    browser.post("/second-step/", {"code": totp.code_at(secret, int(time.time()) // totp.STEP)})
    assert browser.get("/").status_code == 200


def identity(google: Google, email: str) -> Any:
    """An identity, as the plugin would give it."""
    return external.Identity(google.provider.url, f"sub-{email}", email, True, "Ann Example")


def test_a_locked_account_stays_locked(house: Any, google: Google) -> None:
    user_id = google.account("locked@example.org")
    external.link(house.platform, user_id, KEY, identity(google, "locked@example.org"))
    accounts.set_active(house.platform, user_id, False)
    browser = house.browser()
    assert "is locked" in said(google.go(browser, google.person("locked@example.org")), browser)
    assert browser.get("/").status_code == 302


def test_somebody_links_and_unlinks_under_their_account(house: Any, google: Google) -> None:
    user_id = google.account("member@example.org")
    browser = house.browser("member@example.org")
    assert "Not linked" in browser.get("/account/").text
    google.go(browser, google.person("private@example.com"))
    assert "member@example.org" in browser.get("/sign-in/finish").text, "it is about the account that is signed in"
    browser.post("/sign-in/finish", {"password": PASSWORD})
    assert "private@example.com" in browser.get("/account/").text and len(google.rows(user_id)) == 1
    other_id = google.account("second@example.org")
    other = house.browser("second@example.org")
    assert "another account" in said(google.go(other, google.person("private@example.com")), other)
    assert not google.rows(other_id)
    other.post(BEGIN + "/unlink")
    assert len(google.rows(user_id)) == 1, "nobody unlinks others"
    browser.get("/account/")
    assert "not linked any more" in said(browser.post(BEGIN + "/unlink"), browser)
    assert not google.rows(user_id)
    assert google.go(house.browser(), google.person("private@example.com")).headers["Location"].endswith("/finish")


@pytest.mark.seed("SR-038")
def test_deleting_the_account_deletes_what_came_from_the_provider(house: Any, google: Google) -> None:
    user_id = google.account("leaving@example.org")
    external.link(house.platform, user_id, KEY, identity(google, "leaving@example.org"))
    browser, copied = house.browser(), house.browser()
    for each in (browser, copied):
        google.go(each, google.person("leaving@example.org"))
        assert each.get("/").status_code == 200
    browser.get("/account/")
    assert browser.post("/account/delete", {"present": PASSWORD}).status_code == 302
    assert not google.rows(user_id) and copied.get("/").status_code == 302
    assert google.go(house.browser(), google.person("leaving@example.org")).headers["Location"].endswith("/finish")


def test_a_way_back_counts_in_the_browser_that_began_and_once(house: Any, google: Google) -> None:
    user_id = google.account("csrf@example.org")
    external.link(house.platform, user_id, KEY, identity(google, "csrf@example.org"))
    attacker, victim = house.browser(), house.browser()
    back = google.way_back(attacker, google.person("csrf@example.org"))
    assert "begun elsewhere" in said(victim.get(back), victim), "log-in CSRF"
    victim.get(BEGIN)
    assert "begun elsewhere" in said(victim.get(back), victim), "the state of another"
    assert victim.get("/").status_code == 302
    assert attacker.get(back).headers["Location"] == "/admin/"
    attacker.post("/logout/")
    assert "begun elsewhere" in said(attacker.get(back), attacker), "a replay"


def test_a_code_is_exchanged_once(house: Any, google: Google) -> None:
    browser = house.browser()
    back = google.way_back(browser, google.person("replay@example.com"))
    with browser.client.session_transaction(base_url="http://localhost/admin") as before:
        kept = dict(before)
    browser.get(back)
    with browser.client.session_transaction(base_url="http://localhost/admin") as after:
        after.clear()
        after.update(kept)  # a copied cookie
    assert "was not valid" in said(browser.get(back), browser)


def test_what_was_begun_as_one_person_does_not_end_as_another(house: Any, google: Google) -> None:
    google.account("before@example.org")
    browser = house.browser()
    back = google.way_back(browser, google.person("before@example.org"))
    browser.login("before@example.org")
    assert "begun elsewhere" in said(browser.get(back), browser)


def test_what_was_begun_by_a_session_that_ended_does_not_go_on_without_it(house: Any, google: Google) -> None:
    user_id = google.account("ended@example.org")
    browser = house.browser("ended@example.org")
    back = google.way_back(browser, google.person("ended-private@example.com"))
    accounts.set_active(house.platform, user_id, True)  # ends every session
    assert "begun elsewhere" in said(browser.get(back), browser)


@pytest.mark.parametrize("params", [{}, {"error": "access_denied"}, {"state": "x" * 900}, {"code": "\0", "state": ""}])
def test_a_way_back_that_nobody_began_is_a_sentence(house: Any, google: Google, params: dict[str, str]) -> None:
    browser = house.browser()
    assert "begun elsewhere" in said(browser.get(f"{BEGIN}/back?{urlencode(params)}"), browser)


def test_saying_no_is_a_sentence(house: Any, google: Google) -> None:
    browser = house.browser()
    assert "did not allow" in said(google.go(browser, None), browser)


def test_too_late_is_a_sentence(house: Any, google: Google) -> None:
    browser = house.browser()
    back = google.way_back(browser, google.person("slow@example.com"))
    with browser.client.session_transaction(base_url="http://localhost/admin") as kept:
        kept["signing_in"] = {**kept["signing_in"], "until": int(time.time()) - 1}
    assert "took too long" in said(browser.get(back), browser)


def test_a_provider_that_is_down_is_a_sentence(house: Any, google: Google, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEBCHATAGENT_PRIVATE_HOSTS", "")
    browser = house.browser()
    assert "does not answer" in said(browser.get(BEGIN), browser)


@pytest.mark.parametrize(
    "evil", ["https://evil.example.com", "//evil.example.com", "/admin/\\evil", "/\\evil", "javascript:1"]
)
def test_nobody_is_sent_to_another_host_afterwards(house: Any, google: Google, evil: str) -> None:
    user_id = accounts.find_user(house.platform, "redirect@example.org") or google.account("redirect@example.org")
    if not google.rows(user_id):
        external.link(house.platform, user_id, KEY, identity(google, "redirect@example.org"))
    answer = google.go(house.browser(), google.person("redirect@example.org"), f"{BEGIN}?{urlencode({'next': evil})}")
    place = urlsplit(answer.headers["Location"])
    assert not place.netloc and place.path.startswith("/admin/") and "evil" not in place.netloc + place.scheme


def test_the_address_of_the_way_back_is_the_public_one(
    tmp_path: Any, migrated_database: Any, identity_provider: IdentityProvider
) -> None:
    from .conftest import House, make_platform

    platform = make_platform(tmp_path, migrated_database, public_url="https://chat.example.org")
    here = House(platform, create_admin(platform), None, None, None, None, {})  # type: ignore[arg-type]
    Google(here, identity_provider)
    address = here.browser().get(BEGIN, headers={"Host": "evil.example.com"}).headers["Location"]
    (sent,) = parse_qs(urlsplit(address).query)["redirect_uri"]
    assert sent == f"https://chat.example.org/admin{BEGIN}/back"


def test_a_plugin_that_crashes_is_a_sentence(house: Any, google: Google, monkeypatch: pytest.MonkeyPatch) -> None:
    from webchatagent.plugins.google_login.method import GoogleLogin

    def crash(*_: Any) -> None:
        raise RuntimeError("boom")

    browser = house.browser()
    back = google.way_back(browser, google.person("crash@example.com"))
    monkeypatch.setattr(GoogleLogin, "finish", crash)
    assert "was not valid" in said(browser.get(back), browser)
    monkeypatch.setattr(GoogleLogin, "begin", crash)
    assert "was not valid" in said(browser.get(BEGIN), browser)


def test_ways_back_are_limited(limited: Any) -> None:
    browser = limited.browser()
    answers = [browser.get(f"{BEGIN}/back").status_code for _ in range(61)]
    assert answers == [302] * 60 + [429]


@pytest.mark.parametrize("listed", [True, False])
def test_it_calls_what_is_declared_and_nothing_else(
    tmp_path: Any, migrated_database: Any, identity_provider: IdentityProvider, listed: bool
) -> None:
    from .conftest import House, make_platform

    platform = make_platform(tmp_path, migrated_database, private_hosts=identity_provider.host if listed else "")
    here = House(platform, create_admin(platform), None, None, None, None, {})  # type: ignore[arg-type]
    google = Google(here, identity_provider)
    guard_egress(platform)
    try:
        browser = here.browser()
        if listed:
            assert google.go(browser, google.person("out@example.com")).headers["Location"].endswith("/finish")
            called = {(plugin, host) for plugin, _, host in egress.recent() if plugin}
            assert called == {("google_login", "127.0.0.1")}
        else:
            assert "does not answer" in said(browser.get(BEGIN), browser)
    finally:
        egress.reset()


def test_somebody_invited_is_taken_to_the_invitation(house: Any, google: Google) -> None:
    from webchatagent.admin import members
    from webchatagent.admin.accounts import find_user

    address = "invited-first@example.com"
    members.invite_member(house.globex, address, "viewer", inviter="x", base="http://localhost/")
    members.invite_member(house.acme, address, "agent", inviter="x", base="http://localhost/")
    browser, person = house.browser(), google.person("Invited-First@example.com")
    assert google.go(browser, person).headers["Location"] == "/admin/sign-in/finish"
    page = browser.get("/sign-in/finish").text
    assert "Join Acme" in page and "Agent" in page and "Globex" not in page and 'name="company"' not in page
    assert find_user(house.platform, address) is None, "nothing happens before the button"
    assert browser.post("/sign-in/finish").headers["Location"] == "/admin/"
    assert "Acme" in browser.get("/").text
    roles = {m.email: m.role for m in members.list_members(house.acme)}
    assert roles[address] == "agent" and address not in {m.email for m in members.list_members(house.globex)}
    assert not [i for i in members.list_invitations(house.acme) if i.email == address]
    (row,) = google.rows(find_user(house.platform, address))
    assert row.subject == person["sub"]


def test_an_invitation_counts_where_registration_is_closed(house: Any, google: Google, monkeypatch: Any) -> None:
    from webchatagent.admin import members

    monkeypatch.setitem(house.platform.settings._values, "REGISTRATION", "closed")
    stranger = house.browser()
    google.go(stranger, google.person("stranger-closed@example.com"))
    assert stranger.get("/sign-in/finish").status_code == 403
    members.invite_member(house.acme, "closed@example.com", "viewer", inviter="x", base="http://localhost/")
    browser = house.browser()
    google.go(browser, google.person("closed@example.com"))
    browser.get("/sign-in/finish")
    browser.post("/sign-in/finish")
    assert "closed@example.com" in {m.email for m in members.list_members(house.acme)}
