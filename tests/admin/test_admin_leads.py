"""Leads at the admin, by its pages: moving along, and taking tables along."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from webchatagent.core import plugins
from webchatagent.core.db.records import AuditEntry
from webchatagent.core.tenants import load_tenant
from webchatagent.plugins.lead_capture import leads
from webchatagent.plugins.lead_capture.forms import read_form
from webchatagent.plugins.lead_capture.models import Lead

PATH = "/lead_capture-leads"


@pytest.fixture(scope="module")
def owner(house: Any) -> Any:
    """An owner of the first tenant; both tenants have two leads, one of which agreed to marketing."""
    for tenant in (house.acme, house.globex):
        plugins.configure(tenant, "lead_capture", {"marketing": True})
        plugins.enable(tenant, "lead_capture")
        for name, agreed in (("yes", True), ("no", False)):
            sent = {"name": "=1+1", "email": f"{name}@{tenant.slug}.example", "phone": "+49 30 1", "marketing": agreed}
            now = load_tenant(house.platform, slug=tenant.slug)
            leads.take(now, read_form(now, sent, "en"), language="en", channel="api")
    return house.browser("owner@example.org")


def rows(house: Any, slug: str = "acme") -> list[Lead]:
    """The leads of a tenant."""
    with load_tenant(house.platform, slug=slug).read() as db:
        return list(db.scalars(select(Lead).order_by(Lead.id)))


@pytest.mark.seed("SR-163")
def test_tables_are_taken_along_by_who_may(house: Any, owner: Any) -> None:
    page = owner.get(f"{PATH}/list/").text
    assert f"{PATH}/export/marketing.xlsx" in page and "yes@acme.example" in page and "globex.example" not in page
    table = owner.get(f"{PATH}/export/leads.csv")
    assert table.content_type == "text/csv; charset=utf-8" and "attachment" in table.headers["Content-Disposition"]
    assert "'=1+1" in table.text and "+49 30 1" in table.text and "globex" not in table.text
    assert table.text.count("acme.example") == 2
    assert owner.get(f"{PATH}/export/marketing.csv").text.count("acme.example") == 1
    with house.acme.read() as db:
        entries = list(db.scalars(select(AuditEntry).where(AuditEntry.action == "table.exported")))
    assert [e.target for e in entries][:2] == ["lead_capture-leads:leads", "lead_capture-leads:marketing"]
    for wrong in ("leads.html", "everything.csv", "leads.csv.csv"):
        assert owner.get(f"{PATH}/export/{wrong}").status_code == 404
    assert owner.get("/jobs/export/leads.csv").status_code == 404
    assert house.browser("privacy@example.org").get(f"{PATH}/list/").status_code == 200
    for who in ("privacy@example.org", "viewer@example.org"):
        assert house.browser(who).get(f"{PATH}/export/leads.csv").status_code == 403


def test_a_lead_is_moved_along(house: Any, owner: Any) -> None:
    row = rows(house)[0]
    path = f"{PATH}/edit/{row.id}"
    assert 'name="c_state"' in owner.get(path).text
    form = {"c_state": "qualified", "c_owner": "Grace", "c_notes": "Call on Monday"}
    assert owner.post(path, form).status_code == 302
    moved = rows(house)[0]
    assert (moved.state, moved.owner, moved.notes) == ("qualified", "Grace", "Call on Monday")
    other = house.browser("owner@example.net")
    assert other.get(path).status_code == 404 and other.post(path, form).status_code == 404
    assert house.browser("viewer@example.org").get(path).status_code == 403
    assert owner.post(f"{PATH}/delete/{row.id}").status_code == 302 and len(rows(house)) == 1
    assert len(rows(house, "globex")) == 2
