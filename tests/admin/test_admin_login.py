"""Logging in and out, sessions that end, limits, headers."""

from __future__ import annotations

import time
from typing import Any

import pytest

from webchatagent.admin import accounts
from webchatagent.admin.app import create_admin
from webchatagent.core.errors import InvalidRequest


def test_login_shows_the_overview_and_logout_ends_it(house: Any) -> None:
    browser = house.browser()
    assert browser.get("/").headers["Location"].startswith("/admin/login/")
    answer = browser.login("owner@example.org")
    assert answer.headers["Location"] == "/admin/"
    assert "ACME-ONLY Help" in browser.get("/").text
    assert browser.post("/logout/").status_code == 302
    assert browser.get("/").status_code == 302


@pytest.mark.parametrize("email", ["OWNER@Example.org", "  owner@example.org "])
def test_the_case_of_an_address_does_not_matter(house: Any, email: str) -> None:
    browser = house.browser()
    browser.login(email)
    assert browser.get("/").status_code == 200


@pytest.mark.parametrize(
    "email, password",
    [
        ("owner@example.org", "wrong"),
        ("nobody@example.org", "wrong"),
        ("owner@example.org", "\0\0"),
        ("' or 1=1 --", "x"),
    ],
)
def test_a_wrong_password_and_an_unknown_address_look_the_same(house: Any, email: str, password: str) -> None:
    browser = house.browser()
    answer = browser.login(email, password)
    assert answer.status_code == 200
    assert "do not match" in answer.text
    assert browser.get("/").status_code == 302


def test_next_leads_inside_only(house: Any) -> None:
    for wanted, reached in [
        ("/admin/bots/list/", "/admin/bots/list/"),
        ("https://evil.example.com/admin/x", "/admin/x"),
        ("//evil.example.com", "/admin/"),
        ("/\\evil.example.com", "/admin/"),
        ("/elsewhere", "/admin/"),
        ("javascript:alert(1)", "/admin/"),
        ("/admin//evil.example.com", "/admin//evil.example.com"),
    ]:
        browser = house.browser()
        browser.get("/login/")
        answer = browser.post(
            f"/login/?next={wanted}", {"email": "owner@example.org", "password": "a long enough secret"}
        )
        assert answer.headers["Location"] == reached


def test_logging_out_ends_copied_cookies_too(house: Any) -> None:
    browser, thief = house.browser("editor@example.org"), house.browser()
    cookie = browser.client.get_cookie("wca_admin", path="/admin")
    thief.client.set_cookie("wca_admin", cookie.value, path="/admin")
    assert thief.get("/").status_code == 200
    browser.post("/logout/")
    assert thief.get("/").status_code == 302


def test_a_new_password_ends_every_session(house: Any) -> None:
    browser = house.browser("agent@example.org")
    user = accounts.find_user(house.platform, "agent@example.org")
    accounts.set_password(house.platform, user, "another long secret")
    assert browser.get("/").status_code == 302
    assert house.browser().login("agent@example.org", "another long secret").status_code == 302


def test_a_person_changes_their_own_password(house: Any) -> None:
    browser = house.browser("viewer@example.org")
    browser.get("/account/")
    assert "present password" in browser.post("/account/", {"present": "wrong", "new": "quite a new secret"}).text
    assert "longer password" in browser.post("/account/", {"present": "a long enough secret", "new": "short"}).text
    assert (
        browser.post("/account/", {"present": "a long enough secret", "new": "quite a new secret"}).status_code == 302
    )
    assert browser.get("/").status_code == 302
    house.browser().login("viewer@example.org", "quite a new secret")


def test_removal_from_a_tenant_counts_at_once(house: Any) -> None:
    accounts.create_user(
        house.platform, "gone@example.org", tenant=house.acme, role="owner", password="a long enough secret"
    )
    browser = house.browser("gone@example.org")
    assert browser.get("/").status_code == 200
    from webchatagent.core.db.tenants import Membership

    with house.platform.database.write() as db:
        user = accounts.find_user(house.platform, "gone@example.org")
        db.delete(db.query(Membership).filter_by(user_id=user).one())
    answer = browser.get("/")
    assert answer.status_code == 403
    assert "no workspace yet" in answer.text
    assert browser.get("/bots/list/").status_code == 403


@pytest.mark.seed("SR-081")
def test_the_cookie_goes_with_the_browser_and_a_log_in_ends_after_twelve_hours(house: Any) -> None:
    browser = house.browser()
    browser.get("/login/")
    answer = browser.post("/login/", {"email": "owner@example.org", "password": "a long enough secret"})
    cookie = answer.headers["Set-Cookie"]
    assert "Expires" not in cookie and "Max-Age" not in cookie
    assert browser.get("/").status_code == 200
    with browser.client.session_transaction() as kept:
        kept["since"] -= 12 * 3600
    assert browser.get("/").status_code == 302


def test_cookies_and_headers(house: Any) -> None:
    browser = house.browser()
    browser.get("/login/")
    answer = browser.post("/login/", {"email": "owner@example.org", "password": "a long enough secret"})
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("wca_admin=")
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie and "Path=/admin" in cookie and "Secure" not in cookie
    page = browser.get("/")
    policy = page.headers["Content-Security-Policy"]
    assert "unsafe" not in policy and "frame-ancestors 'none'" in policy
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert page.headers["Cache-Control"] == "no-store"
    nonce = policy.split("nonce-")[1].split("'")[0]
    assert page.text.count("<script") == page.text.count(f'nonce="{nonce}"')


def test_production_cookies_are_secure_and_hosts_fixed(house: Any, tmp_path: Any) -> None:
    from webchatagent.admin.app import settings
    from webchatagent.core.settings import load_settings

    chosen = settings(
        load_settings({}, env="production", secret_key="s", master_key="m", public_url="https://chat.example.org")
    )
    assert chosen["SESSION_COOKIE_SECURE"] is True
    assert chosen["TRUSTED_HOSTS"] == ["chat.example.org"]


def test_pages_load_nothing_from_elsewhere(house: Any) -> None:
    browser = house.browser("owner@example.org")
    for path in ("/", "/bots/list/", f"/sources/{house.bot.id}/", "/conversations/"):
        text = browser.get(path).text
        assert 'src="http' not in text and 'href="http' not in text.replace("http://localhost/chat", "")


def test_too_many_attempts_are_refused_per_address_and_per_account(limited: Any) -> None:
    browser = limited.browser()
    answers = [browser.login("owner@example.org", "wrong").status_code for _ in range(11)]
    assert answers == [200] * 10 + [429]
    other = limited.browser()
    other.client.environ_base["REMOTE_ADDR"] = "192.0.2.7"
    assert other.login("owner@example.org").status_code == 429
    assert other.login("owner@example.net").status_code == 302


def test_there_is_no_way_in_beside_the_form(house: Any) -> None:
    rules = {str(rule) for rule in house.app.url_map.iter_rules()}
    assert not [r for r in rules if "api" in r or "user" in r or "role" in r or "download" in r or "registeruser" in r]
    assert house.browser().client.post("/api/v1/security/login", json={}).status_code in (400, 404)


def test_accounts_make_people_without_the_admin(house: Any) -> None:
    user, password = accounts.create_user(house.platform, "New@Example.org", tenant=house.acme, role="viewer")
    assert len(password) == 23
    assert accounts.find_user(house.platform, "new@example.ORG") == user
    again, shown = accounts.create_user(house.platform, "new@example.org", tenant=house.globex, role="editor")
    assert (again, shown) == (user, "")
    with pytest.raises(InvalidRequest):
        accounts.create_user(house.platform, "x@example.org", tenant=house.acme, role="admin")
    with pytest.raises(InvalidRequest):
        accounts.create_user(house.platform, "x@example.org", tenant=house.acme, role="owner", password="short")
    with pytest.raises(InvalidRequest):
        accounts.create_user(house.platform, "not an address", tenant=house.acme, role="owner")


def test_the_switcher_offers_a_persons_own_tenants_only(house: Any) -> None:
    accounts.create_user(
        house.platform, "two@example.org", tenant=house.acme, role="viewer", password="a long enough secret"
    )
    accounts.create_user(house.platform, "two@example.org", tenant=house.globex, role="editor")
    browser = house.browser("two@example.org")
    assert "ACME-ONLY Help" in browser.get("/").text
    browser.post("/account/tenant", {"tenant": str(house.globex.id)})
    page = browser.get("/").text
    assert "GLOBEX-ONLY Hilfe" in page and "ACME-ONLY" not in page
    assert browser.get("/bots/add").status_code == 200  # editor there, viewer here
    browser.post("/account/tenant", {"tenant": str(house.acme.id)})
    assert browser.get("/bots/add").status_code == 403


def test_operators_work_in_their_own_tenant(house: Any) -> None:
    browser = house.browser("root@example.org")
    page = browser.get("/").text
    assert "ACME-ONLY" not in page and "WebChatAgent" in page
    assert browser.post("/account/tenant", {"tenant": str(house.acme.id)}).status_code == 302
    assert "ACME-ONLY" not in browser.get("/").text


def test_the_admin_boots_fast(house: Any) -> None:
    start = time.process_time()
    create_admin(house.platform)
    assert time.process_time() - start < 1.5
