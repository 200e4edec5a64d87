"""What a plan allows: bots, people, pages; over a limit nothing is added, and nothing is lost."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from webchatagent.admin.members import invite_member
from webchatagent.core import entitlements, plugins
from webchatagent.core.bots import change_settings, create_bot
from webchatagent.core.caps import Caps
from webchatagent.core.clock import now
from webchatagent.core.db.sources import Document, Source
from webchatagent.core.documents import FoundDocument
from webchatagent.core.entitlements import Entitlements, PlanLimit, PlanLocked
from webchatagent.core.sources import add_text, ensure_source, take_findings, upload_file
from webchatagent.core.tenants import change_caps, load_tenant, operator_tenant


@pytest.fixture
def allow(platform, monkeypatch):
    """A function `(tenant, **entitlements)` that gives the tenant as it is with a plan."""
    monkeypatch.setattr(platform.registry, "everywhere", frozenset({"offline"}))

    def write(tenant, **values):
        entitlements.set_entitlements(tenant, Entitlements(by="offline", plan="Small", **values))
        return load_tenant(platform, slug=tenant.slug)

    return write


def count(tenant, model):
    with tenant.read() as db:
        return db.scalar(select(func.count(model.id)))


def test_bots_and_people(allow, acme, bot, globex, foreign_bot):
    here = allow(acme, limits={"bots": 1, "members": 1})
    with pytest.raises(PlanLimit):
        create_bot(here, "second", "Second")
    invite_member(here, "first@example.org", "viewer", inviter="x", base="http://localhost/")
    invite_member(here, "first@example.org", "viewer", inviter="x", base="http://localhost/")  # again, in its place
    with pytest.raises(PlanLimit):
        invite_member(here, "second@example.org", "viewer", inviter="x", base="http://localhost/")
    create_bot(globex, "second", "Second")


def test_pages_beyond_the_plan_are_left_out_and_said(allow, acme, bot):
    here = allow(acme, limits={"pages": 3})
    pages = [FoundDocument(f"p{n}", title=f"P{n}", text=f"Page {n}") for n in range(5)]
    source = ensure_source(here, bot.id, "website", "https://www.example.org/")
    added = take_findings(here, source, pages)
    assert (len(added.documents), added.left_out, count(here, Document)) == (3, 2, 3)
    with here.read() as db:
        assert "2 pages are left out" in db.get(Source, source).error
    assert take_findings(here, source, pages[:4]).left_out == 1, "those that are there are brought up to date"
    with pytest.raises(PlanLimit):
        add_text(here, bot.id, FoundDocument("more", title="More", text="More"))
    with pytest.raises(PlanLimit):
        upload_file(here, bot.id, "more.md", b"# More\n\nMore text.")
    assert count(here, Document) == 3


def test_who_is_locked_changes_nothing(allow, acme, bot, platform):
    here = allow(acme, locked_from=now() - timedelta(seconds=1))
    for change in (
        lambda: create_bot(here, "second", "Second"),
        lambda: change_settings(here, bot.id, instructions="Be short."),
        lambda: add_text(here, bot.id, FoundDocument("more", title="More", text="More")),
        lambda: upload_file(here, bot.id, "more.md", b"# More"),
        lambda: plugins.enable(here, "http_action"),
    ):
        with pytest.raises(PlanLocked):
            change()
    assert not allow(acme, locked_from=now() + timedelta(minutes=1)).entitlements.locked


def test_plugins_of_the_plan(allow, acme):
    here = allow(acme, plugins=("files", "offline"))
    with pytest.raises(PlanLimit):
        plugins.enable(here, "http_action")
    plugins.enable(here, "files")


@pytest.mark.parametrize(("own", "plan", "most"), [(0, 0, 0), (0, 5, 5), (7, 5, 5), (3, 5, 3), (3, 0, 3)])
def test_the_narrower_cap_counts(allow, acme, own, plan, most):
    change_caps(acme, Caps(month_messages=own))
    here = allow(acme, limits={"messages": plan} if plan else {})
    assert here.caps.month_messages == most and here.own_caps.month_messages == own


def test_it_counts_while_its_plugin_is_on(allow, acme, platform):
    here = allow(acme, limits={"bots": 1})
    assert here.entitlements.limits == {"bots": 1}
    for tenant in (here, operator_tenant(platform)):
        plugins.disable(tenant, "offline")
    assert load_tenant(platform, slug="acme").entitlements.limits == {}


def test_writing_the_same_again_changes_nothing(allow, acme):
    allow(acme, limits={"bots": 1})
    found = Entitlements(by="offline", plan="Small", limits={"bots": 1})
    assert entitlements.set_entitlements(acme, found) is False
