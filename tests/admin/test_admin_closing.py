"""Closing a workspace in the admin, and deleting the account of somebody who owns it alone."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from webchatagent.admin import members
from webchatagent.admin.accounts import create_user, find_user
from webchatagent.core import closing, mail
from webchatagent.core.db.accounts import OutboxMail
from webchatagent.core.db.tenants import TenantRow
from webchatagent.core.tenancy import system_scope
from webchatagent.core.tenants import Tenant, create_tenant, load_tenant

PASSWORD = "a long enough secret"


@pytest.fixture
def shop(house: Any, request: Any) -> Tenant:
    """A workspace of its own for a test, with an owner and a viewer."""
    slug = f"shop{abs(hash(request.node.name)) % 10**8}"
    made = create_tenant(house.platform, slug, f"Shop {slug}")
    for role in ("owner", "viewer"):
        create_user(house.platform, f"{role}@{slug}.example.org", tenant=made, role=role, password=PASSWORD)
    return made


def browser_of(house: Any, shop: Tenant, role: str) -> Any:
    """A browser of one of the people of the workspace."""
    return house.browser(f"{role}@{shop.slug}.example.org")


def erase_at(shop: Tenant) -> Any:
    """From when on it is erased."""
    return load_tenant(shop.platform, slug=shop.slug).erase_at


@pytest.mark.seed("SR-180")
def test_an_owner_closes_and_opens_again(house: Any, shop: Tenant) -> None:
    owner, viewer = browser_of(house, shop, "owner"), browser_of(house, shop, "viewer")
    assert "/closing/" in owner.get("/settings/").text
    assert "/closing/close" not in viewer.get("/closing/").text
    assert viewer.post("/closing/close", {"name": shop.name}).status_code == 403
    owner.get("/closing/")
    assert "not the name" in owner.post("/closing/close", {"name": "something else"}).text and erase_at(shop) is None
    assert owner.post("/closing/close", {"name": shop.name}).headers["Location"] == "/admin/closing/"
    for browser in (owner, viewer):
        for path in ("/", "/bots/list/", "/conversations/", "/members/"):
            assert browser.get(path).headers["Location"] == "/admin/closing/", path
    assert "Open it again" in owner.get("/closing/").text
    page = viewer.get("/closing/").text
    assert "Open it again" not in page and f"owner@{shop.slug}.example.org" in page
    assert viewer.get("/account/").status_code == 200
    assert viewer.post("/closing/undo").status_code == 403
    assert owner.post("/members/invite", {"email": "new@example.org", "role": "viewer"}).status_code == 410
    assert owner.post("/closing/undo").status_code == 302 and erase_at(shop) is None
    assert "Nothing was lost" in owner.get("/").text and viewer.get("/bots/list/").status_code == 200


def test_other_workspaces_notice_nothing(house: Any, shop: Tenant) -> None:
    closing.close_tenant(shop)
    assert house.browser("owner@example.net").get("/bots/list/").status_code == 200
    create_user(house.platform, f"both@{shop.slug}.example.org", tenant=shop, role="viewer", password=PASSWORD)
    create_user(house.platform, f"both@{shop.slug}.example.org", tenant=house.globex, role="viewer")
    browser = house.browser(f"both@{shop.slug}.example.org")
    assert browser.get("/bots/list/").status_code == 200, "an open workspace comes first"
    browser.post("/account/tenant", {"tenant": str(shop.id)})
    assert "Globex" in browser.get("/closing/").text
    browser.post("/account/tenant", {"tenant": str(house.globex.id)})
    assert browser.get("/bots/list/").status_code == 200


def test_the_owners_are_told_by_mail_with_the_date(house: Any, shop: Tenant) -> None:
    owner = browser_of(house, shop, "owner")
    owner.get("/closing/")
    owner.post("/closing/close", {"name": shop.name})
    with shop.read() as db:
        row = db.query(OutboxMail).one()
    _, text = mail.read_mail(shop, row.id)
    assert row.recipient == f"owner@{shop.slug}.example.org" and "/admin/closing/" in text
    assert str(erase_at(shop).year) in text


def test_the_operator_closes_and_opens_any_but_the_own(house: Any, shop: Tenant) -> None:
    root = house.browser("root@example.org")
    assert f"/tenants/{shop.slug}/close" in root.get("/tenants/").text
    assert "/tenants/platform/close" not in root.get("/tenants/").text
    root.post(f"/tenants/{shop.slug}/close")
    assert erase_at(shop) is not None
    page = root.get("/tenants/").text
    assert f"/tenants/{shop.slug}/reopen" in page and "Erased on" in page
    root.post(f"/tenants/{shop.slug}/reopen")
    assert erase_at(shop) is None
    assert "run this server" in root.post("/tenants/platform/close", follow_redirects=True).text


def test_what_is_being_erased_cannot_be_undone(house: Any, shop: Tenant) -> None:
    owner = browser_of(house, shop, "owner")
    closing.close_tenant(shop)
    with system_scope("let time pass"), house.platform.database.write() as db:
        db.get(TenantRow, shop.id).erase_at -= timedelta(days=31)
    owner.get("/closing/")
    assert "time to undo it is over" in owner.post("/closing/undo").text
    assert erase_at(shop) is not None


@pytest.mark.seed("SR-180")
def test_the_only_owner_hands_the_workspace_over_with_the_account(house: Any, shop: Tenant) -> None:
    owner, viewer = browser_of(house, shop, "owner"), find_user(house.platform, f"viewer@{shop.slug}.example.org")
    page = owner.get("/account/").text
    assert f'name="fate_{shop.id}"' in page and f'value="{viewer}"' in page
    for wrong in ("", "999999", str(find_user(house.platform, "owner@example.net")), "x"):
        answer = owner.post("/account/delete", {"present": PASSWORD, f"fate_{shop.id}": wrong}, follow_redirects=True)
        assert "hand it over to somebody, or close it" in answer.text
    assert find_user(house.platform, f"owner@{shop.slug}.example.org")
    owner.post("/account/delete", {"present": PASSWORD, f"fate_{shop.id}": str(viewer)})
    assert find_user(house.platform, f"owner@{shop.slug}.example.org") is None
    assert {m.email: m.role for m in members.list_members(shop)} == {f"viewer@{shop.slug}.example.org": "owner"}
    assert erase_at(shop) is None


@pytest.mark.seed("SR-180", "SR-038")
def test_the_only_owner_closes_the_workspace_with_the_account(house: Any, shop: Tenant) -> None:
    owner, viewer = browser_of(house, shop, "owner"), browser_of(house, shop, "viewer")
    owner.get("/account/")
    owner.post("/account/delete", {"present": PASSWORD, f"fate_{shop.id}": "close"})
    assert find_user(house.platform, f"owner@{shop.slug}.example.org") is None and erase_at(shop) is not None
    assert "people who run this server can undo" in viewer.get("/closing/").text
    root = house.browser("root@example.org")
    root.get("/tenants/")
    assert "e-mail address" in root.post(f"/tenants/{shop.slug}/reopen", follow_redirects=True).text
    assert erase_at(shop) is not None, "somebody must own it"
    root.post(f"/tenants/{shop.slug}/reopen", {"email": f"heir@{shop.slug}.example.org"})
    assert erase_at(shop) is None
    with shop.read() as db:
        kinds = [row.kind for row in db.query(OutboxMail).order_by(OutboxMail.id)]
    assert kinds == ["tenant_closed", "invitation"]


def test_a_workspace_of_two_owners_needs_no_fate(house: Any, shop: Tenant) -> None:
    create_user(house.platform, f"second@{shop.slug}.example.org", tenant=shop, role="owner", password=PASSWORD)
    owner = browser_of(house, shop, "owner")
    assert not re.search(r'name="fate_', owner.get("/account/").text)
    owner.post("/account/delete", {"present": PASSWORD})
    assert [m.email for m in members.list_members(shop) if m.role == "owner"] == [f"second@{shop.slug}.example.org"]


def test_a_foreign_workspace_gets_no_fate_from_here(house: Any, shop: Tenant) -> None:
    owner = browser_of(house, shop, "owner")
    owner.get("/account/")
    fates = {f"fate_{shop.id}": "close", f"fate_{house.globex.id}": "close"}
    owner.post("/account/delete", {"present": PASSWORD, **fates})
    assert erase_at(shop) is not None and erase_at(house.globex) is None
