"""Screens that core and plugins declare: built, guarded, complete."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest

from webchatagent.admin.views import BY_HAND, PAGES, SPECS
from webchatagent.admin.views.audit import ACTIONS
from webchatagent.core import contacts, plugins
from webchatagent.core.admin_views import AdminView
from webchatagent.core.conversations import delete_conversation
from webchatagent.core.db.base import Base
from webchatagent.core.db.chats import ChatSession, Contact
from webchatagent.core.db.records import AuditEntry, BackgroundJob
from webchatagent.core.errors import NotFound, Unavailable
from webchatagent.core.own_views import views
from webchatagent.core.tenancy import TenantOwned

ROOT = Path(__file__).resolve().parents[2]


def last_entry(tenant: Any) -> tuple[str, str]:
    """Action and target of the latest entry of a trail."""
    with tenant.read() as db:
        row = db.query(AuditEntry).order_by(AuditEntry.id.desc()).first()
    return row.action, row.target


def test_every_table_of_tenants_has_a_view_or_a_reason() -> None:
    mapped = [m.class_ for m in Base.registry.mappers if issubclass(m.class_, TenantOwned)]
    owned = {c.__name__ for c in mapped if c.__module__.startswith("webchatagent.core.")}  # a plugin shows its own
    generated = {spec.model.__name__ for spec in (*SPECS, *views())}
    assert generated | set(BY_HAND) >= owned
    assert not generated & set(BY_HAND) and set(BY_HAND) <= owned
    assert all(page in PAGES and len(reason) > 10 for page, reason in BY_HAND.values())


def test_every_recorded_action_has_words_and_every_word_is_recorded() -> None:
    recorded = set()
    for folder in ("platform", "admin"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Constant) and node.value in ACTIONS and path.name != "audit.py":
                    recorded.add(node.value)
                name = getattr(getattr(node, "func", None), "attr", "")
                if name == "record" and getattr(getattr(node.func, "value", None), "id", "") == "audit":
                    texts = {n.value for a in node.args[2:3] for n in ast.walk(a) if isinstance(n, ast.Constant)}
                    assert {t for t in texts if isinstance(t, str) and "." in t} <= set(ACTIONS), path
    assert recorded == set(ACTIONS)


def test_hook_admin_views_gives_the_declarations_of_core_and_plugins(house: Any) -> None:
    found = house.platform.registry.platform.each("admin_views")
    assert all(isinstance(spec, AdminView) for _, spec in found)
    assert {(plugin, spec.id) for plugin, spec in found} >= {("core", "jobs"), ("everything", "sheets")}


def test_a_plugins_screen_is_there_while_the_plugin_is_on(house: Any) -> None:
    rules = {str(r) for r in house.app.url_map.iter_rules()}
    assert "/everything-leak/list/" not in rules, "a declaration that would leak is left out"
    owner, foreign = house.browser("owner@example.org"), house.browser("owner@example.net")
    assert owner.get("/everything-sheets/list/").status_code == 403
    assert "everything-sheets" not in owner.get("/").text
    plugins.configure(house.acme, "everything", {"api_key": "right-key"})
    plugins.enable(house.acme, "everything")
    page = owner.get("/everything-sheets/list/")
    assert page.status_code == 200 and "ACME-ONLY-DOC" in page.text and "Sheets" in page.text
    assert owner.get(f"/everything-sheets/show/{house.ids['globex']['document']}").status_code == 404
    assert foreign.get("/everything-sheets/list/").status_code == 403
    plugins.disable(house.acme, "everything")
    assert owner.get("/everything-sheets/list/").status_code == 403


def test_a_filter_shows_the_rows_of_a_value(house: Any) -> None:
    with house.acme.write() as db:
        db.add(BackgroundJob(kind="purge", state="failed", error="FAILED-ONE"))
        db.add(BackgroundJob(kind="purge", state="done", error="DONE-ONE"))
    owner = house.browser("owner@example.org")
    page = owner.get("/jobs/list/").text
    assert "FAILED-ONE" in page and "DONE-ONE" in page and "Delete what is old" in page
    link = next(
        p.split('"')[0] for p in page.split('href="/admin') if p.startswith("/jobs/list/?_flt") and "failed" in p
    )
    page = owner.get(link).text
    assert "FAILED-ONE" in page and "DONE-ONE" not in page
    assert "GLOBEX-ONLY" not in owner.get("/jobs/list/?_flt_2_error=GLOBEX").text


def test_a_failed_job_is_run_again_by_the_button(house: Any) -> None:
    with house.acme.write() as db:
        failed = BackgroundJob(kind="purge", state="failed", attempts=3)
        done = BackgroundJob(kind="purge", state="done")
        db.add_all([failed, done])
        db.flush()
        ids = [failed.id, done.id]
    owner = house.browser("owner@example.org")
    owner.get("/jobs/list/")
    owner.post("/jobs/action_post", {"action": "retry", "rowid": ids})
    with house.acme.read() as db:
        assert [db.get(BackgroundJob, i).state for i in ids] == ["queued", "done"]
    assert last_entry(house.acme)[0] == "jobs.retried"


def test_a_waiting_job_is_cancelled_by_the_button(house: Any) -> None:
    with house.acme.write() as db:
        rows = [BackgroundJob(kind=kind, state="queued") for kind in ("sync_source", "erase_session")]
        db.add_all(rows)
        db.flush()
        ids = [row.id for row in rows]
    owner = house.browser("owner@example.org")
    owner.get("/jobs/list/")
    owner.post("/jobs/action_post", {"action": "cancel", "rowid": ids})
    with house.acme.read() as db:
        assert [db.get(BackgroundJob, i).state for i in ids] == ["cancelled", "queued"]  # erasing was promised
    assert last_entry(house.acme)[0] == "jobs.cancelled"


@pytest.mark.seed("SR-161")
def test_a_contact_is_corrected_restricted_and_erased_by_the_hooks(house: Any) -> None:
    with house.acme.write() as db:
        row = Contact(name="Old", email="old@example.com", phone="1")
        db.add(row)
        db.flush()
        number = row.id
    agent = house.browser("agent@example.org")
    agent.get(f"/contacts/edit/{number}")
    agent.post(f"/contacts/edit/{number}", {"name": "New <b>", "email": "old@example.com", "phone": "1"})
    page = agent.get(f"/contacts/show/{number}").text
    assert "New &lt;b&gt;" in page and "New <b>" not in page
    assert last_entry(house.acme) == ("contact.corrected", f"contact:{number}")
    agent.post(f"/contacts/action/restrict/{number}")
    with house.acme.read() as db:
        assert db.get(Contact, number).restricted
    assert agent.post(f"/contacts/delete/{number}").status_code == 403
    privacy = house.browser("privacy@example.org")
    privacy.get(f"/contacts/show/{number}")
    assert privacy.post(f"/contacts/delete/{number}").status_code == 302
    with house.acme.read() as db:
        assert db.get(Contact, number) is None
    assert last_entry(house.acme) == ("contact.erased", f"contact:{number}")
    with pytest.raises(NotFound):
        contacts.erase_contact(house.acme, number)
    with pytest.raises(NotFound):
        contacts.correct_contact(house.acme, house.ids["globex"]["contact"], {"name": "x"})


def test_a_plugin_that_fails_to_erase_is_named(house: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from webchatagent.core import own_hooks

    monkeypatch.setattr(own_hooks.rights, "restrict", lambda *a: 1 / 0)
    with pytest.raises(Unavailable, match="core"):
        contacts.restrict_contact(house.acme, house.ids["acme"]["contact"], True)


@pytest.mark.seed("SR-161")
def test_one_conversation_is_deleted_and_its_contact_stays(house: Any) -> None:
    ids = house.ids["acme"]
    privacy = house.browser("privacy@example.org")
    page = privacy.get(f"/contacts/show/{ids['contact']}").text
    assert f"/conversations/{ids['talk']}" in page
    privacy.get(f"/conversations/{ids['talk']}")
    assert privacy.post(f"/conversations/{ids['talk']}/delete").status_code == 302
    with house.acme.read() as db:
        assert db.get(ChatSession, ids["talk"]) is None and db.get(Contact, ids["contact"]) is not None
    assert last_entry(house.acme) == ("conversation.deleted", f"conversation:{ids['talk']}")
    with pytest.raises(NotFound):
        delete_conversation(house.acme, house.ids["globex"]["talk"])


def test_changes_in_the_admin_are_in_the_trail_with_the_person(house: Any) -> None:
    editor = house.browser("editor@example.org")
    editor.get("/bots/add")
    editor.post("/bots/add", {"name": "Trail bot", "locale": "en"})
    assert last_entry(house.acme) == ("bot.created", "trail-bot")
    editor.post(f"/sources/{house.bot.id}/website", {"url": "https://trail.example.org/"})
    assert last_entry(house.acme)[0] == "source.added"
    page = house.browser("owner@example.org").get("/audit/").text
    assert "editor@example.org" in page and "made a bot" in page and "trail-bot" in page
    only = house.browser("owner@example.org").get("/audit/?action=bot.created").text
    assert "<b>editor@example.org</b> made a bot" in only and "<b>editor@example.org</b> added a source" not in only


def test_the_buttons_of_actions_follow_the_role(house: Any) -> None:
    owner, editor = house.browser("owner@example.org"), house.browser("editor@example.org")
    assert 'value="retry"' in owner.get("/jobs/list/").text and 'name="rowid"' in owner.get("/jobs/list/").text
    assert 'value="restrict"' in owner.get("/contacts/list/").text
    assert 'value="restrict"' not in editor.get("/contacts/list/").text
    page = owner.get("/usage/list/").text
    assert 'name="rowid"' not in page and "Questions" in page
