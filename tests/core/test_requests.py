"""Requests of persons: done everywhere, incomplete where a plugin fails, settled once, and without a name afterwards."""

from __future__ import annotations

from datetime import timedelta
from types import ModuleType

import pytest
from sqlalchemy import func, select

from webchatagent.core import requests
from webchatagent.core.accept import accept_turn
from webchatagent.core.clock import now
from webchatagent.core.db.chats import ChatSession, Contact, ContactLink, Message
from webchatagent.core.db.desk import RightsRequest
from webchatagent.core.errors import Conflict, InvalidRequest, NotFound
from webchatagent.core.hookspecs import hookimpl
from webchatagent.core.manifest import Manifest
from webchatagent.core.privacy import ErasureReport, Subject
from webchatagent.core.registry import Registry

EMAIL = "visitor@example.org"


def talk(bot, question="Where is my parcel?"):
    """A conversation of a known person; returns the session's id."""
    turn = accept_turn(bot, None, question)
    with bot.tenant.write() as db:
        contact = Contact(name="A visitor", email=EMAIL)
        db.add(contact)
        db.flush()
        db.add(ContactLink(session_id=turn.session.id, contact_id=contact.id))
    return turn.session.id


def count(tenant, model):
    with tenant.read() as db:
        return db.scalar(select(func.count(model.id)))


@pytest.fixture
def flaky(platform):
    """A plugin that fails in erasing until it is told not to; it is off for everybody."""
    module = ModuleType("webchatagent.plugins.flaky")
    state = {"fails": True, "calls": 0}

    @hookimpl
    def subject_erase(tenant, subject):
        state["calls"] += 1
        if state["fails"]:
            raise RuntimeError("secret-person@example.org cannot be reached")
        return ErasureReport({"letters": 2}, {"invoice": "the law wants it until 2035-12-31"})

    module.subject_erase = subject_erase
    known = platform.registry
    plugins = {n: (m, known.module(n)) for n, m in known.manifests.items()}
    manifest = Manifest(id="flaky", name="Flaky", summary="Fails.", category="tools")
    platform.registry = Registry({**plugins, "flaky": (manifest, module)}, known._always, known.broken)
    return state


def test_erasing_is_done_everywhere_and_names_nobody_afterwards(bot, foreign_bot):
    session, other = talk(bot), talk(foreign_bot)
    number = requests.file_request(bot.tenant, "erase", Subject(email=EMAIL.upper()), channel="email")
    row = requests.settle_request(bot.tenant, number)
    assert (row.state, row.email, row.session_id, row.closed_at is not None) == ("done", "", None, True)
    assert row.receipt["core"]["done"]["contacts"] == 1
    assert count(bot.tenant, Message) == count(bot.tenant, Contact) == 0
    assert count(foreign_bot.tenant, Message) and count(foreign_bot.tenant, Contact) == 1
    assert session and other
    assert requests.settle_request(bot.tenant, number).closed_at == row.closed_at, "once"


def test_a_plugin_that_fails_makes_it_incomplete_until_it_has_answered(bot, flaky, run_jobs, monkeypatch, caplog):
    session = talk(bot)
    number = requests.file_request(bot.tenant, "erase", Subject(session_id=session), channel="widget")
    row = requests.settle_request(bot.tenant, number)
    assert (row.state, row.missing, row.closed_at) == ("incomplete", "flaky", None)
    assert "core" in row.receipt and count(bot.tenant, ChatSession) == 0
    flaky["fails"] = False
    later = now() + timedelta(seconds=requests.AGAIN + 1)
    for name in ("jobs.ledger", "core.requests"):
        monkeypatch.setattr(f"webchatagent.{name}.now", lambda: later)
    run_jobs()
    row = requests.find_request(bot.tenant, number)
    assert (row.state, row.missing, flaky["calls"]) == ("done", "", 2)
    assert row.receipt["flaky"] == {
        "done": {"letters": 2},
        "kept": {"invoice": "the law wants it until 2035-12-31"},
    }


@pytest.mark.parametrize(("kind", "restricted"), [("restrict", True), ("object", True), ("release", False)])
def test_restricting_and_lifting_it(bot, kind, restricted):
    session = talk(bot)
    requests.settle_request(
        bot.tenant, requests.file_request(bot.tenant, kind, Subject(session_id=session), channel="widget")
    )
    with bot.tenant.read() as db:
        assert db.get(ChatSession, session).restricted is restricted


def test_a_correction_reaches_the_contact(bot):
    session = talk(bot)
    changes = {"name": "Another name", "email": "new@example.org"}
    number = requests.file_request(
        bot.tenant, "rectify", Subject(session_id=session), channel="widget", changes=changes
    )
    assert requests.settle_request(bot.tenant, number).changes == {}
    with bot.tenant.read() as db:
        found = db.scalars(select(Contact)).one()
        assert (found.name, found.email) == ("Another name", "new@example.org")


def test_what_is_asked_for_must_make_sense(bot):
    for kind, changes in (("forget", None), ("rectify", None), ("rectify", {"iban": "x"}), ("", None)):
        with pytest.raises(InvalidRequest):
            requests.file_request(bot.tenant, kind, Subject(email=EMAIL), channel="email", changes=changes)
    with pytest.raises(InvalidRequest):
        requests.file_request(
            bot.tenant, "erase", Subject(email=EMAIL), channel="email", received_at=now() + timedelta(hours=1)
        )


def test_refusing_needs_a_reason_and_a_request_that_is_open(bot, foreign_bot):
    number = requests.file_request(bot.tenant, "erase", Subject(email=EMAIL), channel="email")
    with pytest.raises(InvalidRequest):
        requests.refuse_request(bot.tenant, number, " ")
    with pytest.raises(NotFound):
        requests.refuse_request(foreign_bot.tenant, number, "It is not yours.")
    requests.refuse_request(bot.tenant, number, "Nobody proved who it is.")
    assert requests.find_request(bot.tenant, number).state == "refused"
    done = requests.file_request(bot.tenant, "restrict", Subject(email=EMAIL), channel="email")
    requests.settle_request(bot.tenant, done)
    with pytest.raises(Conflict):
        requests.refuse_request(bot.tenant, done, "Too late.")


def test_the_list_has_what_is_due_first_and_forgets_after_three_years(bot, foreign_bot):
    tenant = bot.tenant
    late = requests.file_request(
        tenant, "erase", Subject(email=EMAIL), channel="email", received_at=now() - timedelta(days=40)
    )
    soon = requests.file_request(tenant, "export", Subject(email=EMAIL), channel="email")
    done = requests.file_request(tenant, "restrict", Subject(email=EMAIL), channel="email")
    requests.settle_request(tenant, done)
    assert [row.id for row in requests.list_requests(tenant)] == [late, soon, done]
    assert requests.list_requests(tenant)[0].due_at < now() and requests.list_requests(foreign_bot.tenant) == []
    assert requests.purge_requests(tenant, now() + requests.KEPT - timedelta(days=1)) == 0
    assert requests.purge_requests(tenant, now() + requests.KEPT + timedelta(days=1)) == 1
    assert count(tenant, RightsRequest) == 2, "what is open stays"
