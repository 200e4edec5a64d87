"""Support: in with a reason and for a time, seen and ended by the tenant, everything written down."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from webchatagent.core import support
from webchatagent.core.db.accounts import OutboxMail
from webchatagent.core.db.operating import SupportVisit
from webchatagent.core.db.records import AuditEntry
from webchatagent.core.tenants import operator_tenant

REASON = "The owner asked why a page is not found"
MARK, FOREIGN = "ACME-ONLY", "GLOBEX-ONLY"


@pytest.fixture
def root(house: Any) -> Any:
    """An operator who is nowhere but at home; visits of earlier tests are over."""
    for tenant in (house.acme, house.globex):
        support.end_visits(tenant)
    return house.browser("root@example.org")


def enter(root: Any, slug: str = "acme", reason: str = REASON, minutes: str = "30") -> Any:
    """The form of a visit, sent."""
    root.get(f"/support/{slug}")
    return root.post(f"/support/{slug}/begin", {"reason": reason, "minutes": minutes})


def trail(tenant: Any, action: str) -> list[AuditEntry]:
    """Entries of an action in a tenant's own trail, oldest first."""
    with tenant.read() as db:
        return list(db.scalars(select(AuditEntry).where(AuditEntry.action == action).order_by(AuditEntry.id)))


@pytest.mark.seed("SR-182")
def test_without_a_visit_an_operator_sees_nothing_of_a_tenant(house: Any, root: Any) -> None:
    with root.client.session_transaction() as kept:
        kept["tenant_id"] = house.acme.id
    assert MARK not in root.get("/").text
    assert root.get(f"/bots/show/{house.bot.id}").status_code == 404


@pytest.mark.seed("SR-182")
@pytest.mark.parametrize(("reason", "minutes"), [("", "30"), ("because", "30"), ("   " * 9, "30"), (REASON, "9999")])
def test_a_visit_needs_a_reason_and_a_time_box(house: Any, root: Any, reason: str, minutes: str) -> None:
    assert enter(root, reason=reason, minutes=minutes).status_code == 200
    assert not support.current_visits(house.acme)


@pytest.mark.seed("SR-182")
def test_a_visit_is_seen_written_down_and_bounded(house: Any, root: Any) -> None:
    owner, neighbour = house.browser("owner@example.org"), house.browser("owner@example.net")
    assert enter(root).status_code == 302
    page = root.get("/").text
    assert "You are here for support until" in page and REASON in page and MARK in page and FOREIGN not in page
    root.get(f"/conversations/{house.ids['acme']['talk']}")
    for browser in (owner, house.browser("viewer@example.org")):
        assert "root@example.org of support may look" in browser.get("/").text and REASON in browser.get("/").text
    assert "of support may look" not in neighbour.get("/").text
    begun, opened = trail(house.acme, "support.begun")[-1], trail(house.acme, "support.opened")
    assert begun.detail["reason"] == REASON and begun.detail["minutes"] == 30
    assert [e.target for e in opened[-2:]] == ["GET /", f"GET /conversations/{house.ids['acme']['talk']}"]
    assert not trail(house.globex, "support.opened")
    assert trail(operator_tenant(house.platform), "support.begun")[-1].target == "acme"
    assert "root@example.org" in owner.get("/support-visits/list/").text
    assert "opened as support" in owner.get("/audit/").text
    with house.acme.read() as db:
        told = [m.recipient for m in db.query(OutboxMail) if m.kind == "support"]
    assert "owner@example.org" in told


@pytest.mark.seed("SR-182")
def test_what_support_may_do_is_what_an_editor_may_without_keys_and_links(house: Any, root: Any) -> None:
    enter(root)
    ids = house.ids["acme"]
    for path in (
        "/keys/",
        "/outbox/",
        f"/outbox/{ids['mail']}",
        "/contacts/list/",
        "/tenants/",
        "/people/",
        "/health/",
    ):
        assert root.get(path).status_code == 403, path
    for path, form in (
        ("/members/invite", {"email": "x@example.org", "role": "owner"}),
        (f"/members/{ids['person']}/change", {"role": "owner"}),
        ("/settings/save", {"name": "Mine"}),
        ("/closing/close", {"name": "Acme"}),
        ("/marketplace/website/disable", {}),
        (f"/conversations/{ids['talk']}/delete", {}),
    ):
        assert root.post(path, form).status_code == 403, path
    for path in ("/settings/", "/members/", "/audit/", "/jobs/list/", f"/bots/edit/{ids['bot']}", "/marketplace/"):
        assert root.get(path).status_code == 200, path
    assert root.get(f"/bots/show/{house.ids['globex']['bot']}").status_code == 404


@pytest.mark.seed("SR-182")
@pytest.mark.parametrize("who", ["owner@example.org", "privacy@example.org", "root"])
def test_either_side_ends_it_at_once(house: Any, root: Any, who: str) -> None:
    enter(root)
    assert MARK in root.get("/").text
    ending = root if who == "root" else house.browser(who)
    ending.get("/")
    assert ending.post("/support/end").status_code == 302
    assert (
        MARK not in root.get("/").text and "of support may look" not in house.browser("owner@example.org").get("/").text
    )
    assert trail(house.acme, "support.ended")[-1].actor.startswith("user:")


@pytest.mark.seed("SR-182")
def test_it_ends_by_itself(house: Any, root: Any) -> None:
    enter(root, minutes="15")
    with house.acme.write() as db:
        for row in db.scalars(select(SupportVisit).where(SupportVisit.ended_at.is_(None))):
            assert row.until - row.begun_at == timedelta(minutes=15)
            row.until = row.begun_at
    assert MARK not in root.get("/").text
    assert root.post(f"/bots/delete/{house.bot.id}").status_code == 404


def test_a_visit_is_of_one_operator_and_one_tenant(house: Any, root: Any) -> None:
    from webchatagent.admin.accounts import create_user

    create_user(house.platform, "other-root@example.org", tenant=None, role="operator", password="a long enough secret")
    enter(root)
    other = house.browser("other-root@example.org")
    with other.client.session_transaction() as kept:
        kept["tenant_id"] = house.acme.id
    assert MARK not in other.get("/").text
    with root.client.session_transaction() as kept:
        kept["tenant_id"] = house.globex.id
    assert FOREIGN not in root.get("/").text


def test_others_cannot_begin_one(house: Any, root: Any) -> None:
    owner = house.browser("owner@example.net")
    owner.get("/")
    assert owner.get("/support/acme").status_code == 403
    assert owner.post("/support/acme/begin", {"reason": REASON, "minutes": "30"}).status_code == 403
    assert root.get("/support/nobody").status_code == 404
    assert "run this server" in enter(root, "platform").text


def test_a_page_that_refreshes_itself_is_written_down_once(house: Any, root: Any) -> None:
    enter(root)
    path = f"/sources/{house.bot.id}/state"
    for _ in range(3):
        root.get(path, headers={"X-Requested-With": "XMLHttpRequest"})
    assert [e.target for e in trail(house.acme, "support.opened")].count(f"GET {path}") == 1
    root.get("/")
    root.get(path, headers={"X-Requested-With": "XMLHttpRequest"})
    assert [e.target for e in trail(house.acme, "support.opened")].count(f"GET {path}") == 2
