"""Every hook, called for real: what it gives, and that it stays within its tenant."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pytest
from sqlalchemy import func, select

from webchatagent.core import own_hooks, privacy
from webchatagent.core.accept import accept_turn
from webchatagent.core.clock import now
from webchatagent.core.db.actions import ActionRow
from webchatagent.core.db.chats import ChatSession, Contact, ContactLink, Message, TurnRow
from webchatagent.core.db.records import BackgroundJob, ConsentRecord
from webchatagent.core.db.sources import Document
from webchatagent.core.db.tenants import TenantRow
from webchatagent.core.documents import Blob, FoundDocument, SourceSpec
from webchatagent.core.errors import DocumentProblem, InvalidRequest
from webchatagent.core.models import ModelRequest
from webchatagent.core.privacy import ExportPart, Subject
from webchatagent.core.registry import load_plugins
from webchatagent.core.sessions import locate_session
from webchatagent.core.tenancy import system_scope
from webchatagent.core.tenants import load_tenant
from webchatagent.core.turns import TurnRunner

EMAIL = "visitor@example.org"
PERSONAL = (ChatSession, Message, TurnRow, ActionRow, Contact, ContactLink, ConsentRecord)


@dataclass
class Person:
    """A visitor of one tenant: a conversation, a contact, a consent."""

    tenant: object
    key: str
    session_id: int
    contact_id: int


def visit(bot, email: str = EMAIL) -> Person:
    """Ask a bot something, leave a contact and a consent."""

    async def ask():
        turn = await asyncio.to_thread(accept_turn, bot, None, f"Is {bot.tenant.slug}-canary open?")
        await TurnRunner().reply(turn)
        return turn

    turn = asyncio.run(ask())
    session = turn.session
    with bot.tenant.write() as db:
        contact = Contact(name=f"{bot.tenant.slug}-canary Name", email=email, phone="1")
        db.add(contact)
        db.flush()
        db.add(ContactLink(session_id=session.id, contact_id=contact.id))
        db.add(
            ActionRow(
                bot_id=bot.id,
                session_id=session.id,
                turn_id=turn.id,
                plugin="tester",
                tool="book",
                title="Book",
                arguments={"name": f"{bot.tenant.slug}-canary Name"},
                expires_at=now(),
            )
        )
        db.add(ConsentRecord(session_id=session.id, contact_id=contact.id, purpose="leads", granted=True))
        return Person(bot.tenant, session.key, session.id, contact.id)


def count(tenant) -> dict[str, int]:
    """How many rows of each personal table a tenant has."""
    with tenant.read() as db:
        return {m.__tablename__: db.scalar(select(func.count(m.id))) for m in PERSONAL}


@pytest.fixture
def person(bot):
    """A visitor of the first tenant."""
    return visit(bot)


@pytest.fixture
def namesake(foreign_bot):
    """A visitor of the second tenant, with the same e-mail address."""
    return visit(foreign_bot)


@pytest.fixture
def real(platform):
    """The platform with the plugins as they are shipped, not as the test kit replaces them."""
    platform.registry = load_plugins({"core": own_hooks})
    return platform


SUBJECTS = {
    "session": lambda p: Subject(session_id=p.session_id),
    "contact": lambda p: Subject(contact_id=p.contact_id),
    "e-mail": lambda p: Subject(email=EMAIL),
    "e-mail in capitals": lambda p: Subject(email=f" {EMAIL.upper()} "),
}


@pytest.fixture(params=SUBJECTS)
def subject(request, person):
    """The same person, named in each way."""
    return SUBJECTS[request.param](person)


# -- a person's rights --------------------------------------------------------------------------------------------


@pytest.mark.seed("SR-158")
def test_hook_subject_export_gives_everything_of_one_person_and_nothing_else(acme, subject, namesake):
    parts = {p.name: p for _, p in acme.hooks.each("subject_export", tenant=acme, subject=subject)}
    assert {n: p.count for n, p in parts.items()} == {
        "contacts": 1,
        "sessions": 1,
        "messages": 2,
        "actions": 1,
        "consents": 1,
        "mails": 0,
        "attachments": 0,
    }
    assert parts["actions"].rows[0]["arguments"] == {"name": "acme-canary Name"}
    assert parts["messages"].rows[0]["text"] == "Is acme-canary open?"
    assert parts["contacts"].rows[0]["email"] == EMAIL
    assert "globex" not in repr([p.rows for p in parts.values()])
    assert all(p.retention_days == 180 and p.purpose in privacy.PURPOSES for p in parts.values())


def test_hook_subject_locate_counts_without_content(acme, subject):
    parts = acme.hooks.each("subject_locate", tenant=acme, subject=subject)
    assert {p.name: p.count for _, p in parts} == {
        "contacts": 1,
        "sessions": 1,
        "messages": 2,
        "actions": 1,
        "consents": 1,
        "mails": 0,
        "attachments": 0,
    }
    assert all(isinstance(p, ExportPart) and not p.rows for _, p in parts)


def test_a_subject_of_another_tenant_is_nobody(globex, person, foreign_bot):
    for subject in (Subject(session_id=person.session_id), Subject(contact_id=person.contact_id), Subject(email=EMAIL)):
        parts = globex.hooks.each("subject_export", tenant=globex, subject=subject)
        assert all(p.count == 0 for _, p in parts)


def test_hook_subject_rectify_corrects_the_contact(acme, globex, subject, person, namesake):
    for _ in range(2):  # safe to repeat, as long as the person is still found
        acme.hooks.call("subject_rectify", tenant=acme, subject=subject, changes={"name": "New Name", "phone": "22"})
    with acme.read() as db:
        contact = db.get(Contact, person.contact_id)
        assert (contact.name, contact.phone, contact.email) == ("New Name", "22", EMAIL)
    with globex.read() as db:
        assert db.get(Contact, namesake.contact_id).name == "globex-canary Name"


def test_rectifying_an_unknown_field_is_refused(acme, person):
    with pytest.raises(Exception, match="colour") as caught:
        acme.hooks.call("subject_rectify", tenant=acme, subject=Subject(email=EMAIL), changes={"colour": "red"})
    assert isinstance(caught.value.failures[0][1], InvalidRequest)


def test_hook_subject_restrict_marks_and_lifts(acme, globex, subject, person, namesake):
    def marks(p):
        with p.tenant.read() as db:
            return db.get(ChatSession, p.session_id).restricted, db.get(Contact, p.contact_id).restricted

    acme.hooks.call("subject_restrict", tenant=acme, subject=subject, restricted=True)
    assert marks(person) == (True, True) and marks(namesake) == (False, False)
    acme.hooks.call("subject_restrict", tenant=acme, subject=subject, restricted=False)
    assert marks(person) == (False, False)


@pytest.mark.seed("SR-161")
def test_hook_subject_erase_leaves_nothing_of_the_person(acme, globex, platform, subject, person, namesake):
    before = count(globex)
    for _ in range(2):
        receipts = acme.hooks.call("subject_erase", tenant=acme, subject=subject)
    assert dict(receipts[0][1].done)["sessions"] == 0, "the second time there is nothing left"
    assert set(count(acme).values()) == {0}
    assert count(globex) == before
    assert locate_session(platform, person.key) is None
    assert locate_session(platform, namesake.key) is not None
    for path in platform.settings.folder.rglob("*"):
        if path.is_file():
            assert b"acme-canary" not in path.read_bytes(), path.name


@pytest.mark.seed("SR-159")
def test_cutting_the_link_leaves_an_anonymous_conversation(acme, person):
    with acme.write() as db:
        db.delete(db.scalar(select(ContactLink).where(ContactLink.session_id == person.session_id)))
    parts = {p.name: p for _, p in acme.hooks.each("subject_export", tenant=acme, subject=Subject(email=EMAIL))}
    assert parts["contacts"].count == 1 and parts["messages"].count == 0
    with acme.read() as db:
        assert db.scalar(select(func.count(Message.id))) == 2


@pytest.mark.seed("SR-158", "SR-159")
def test_the_tables_of_a_conversation_hold_no_other_personal_column():
    columns = {m.__tablename__: set(m.__table__.columns.keys()) for m in PERSONAL}
    assert columns["message"] == {
        "id",
        "tenant_id",
        "public_id",
        "session_id",
        "role",
        "text",
        "language",
        "sources",
        "parts",
        "personal",
        "rating",
        "comment",
        "created_at",
    }
    assert columns["chat_session"] == {
        "id",
        "tenant_id",
        "bot_id",
        "key_hash",
        "language",
        "channel",
        "restricted",
        "created_at",
        "last_at",
        "ended_at",
    }
    personal = {"name", "email", "phone"}
    assert personal <= columns["contact"]
    assert not personal & set().union(*(c for n, c in columns.items() if n != "contact"))


# -- time and tenants ---------------------------------------------------------------------------------------------


@pytest.mark.seed("SR-160")
def test_hook_retention_purge_deletes_what_is_too_old_in_one_tenant(acme, globex, person, namesake):
    acme.hooks.call("retention_purge", tenant=acme, now=now() + timedelta(days=179))
    assert count(acme)["message"] == 2
    other = count(globex)
    for _ in range(2):
        acme.hooks.call("retention_purge", tenant=acme, now=now() + timedelta(days=181))
        assert set(count(acme).values()) == {0}
    assert count(globex) == other


@pytest.mark.seed("SR-160")
def test_a_tenant_that_keeps_for_ever_loses_nothing(acme, person):
    with system_scope("change a tenant's retention"), acme.platform.database.write() as db:
        db.get(TenantRow, acme.id).retention_days = 0
    acme.hooks.call("retention_purge", tenant=acme, now=now() + timedelta(days=4000))
    assert count(acme)["message"] == 2


def test_finished_jobs_are_purged_after_fourteen_days(acme, bot, add_texts):
    add_texts(bot, {"a": "The shop opens at nine."})

    def jobs():
        with acme.read() as db:
            return db.scalar(select(func.count(BackgroundJob.id)))

    assert jobs()
    acme.hooks.call("retention_purge", tenant=acme, now=now() + timedelta(days=13))
    assert jobs()
    acme.hooks.call("retention_purge", tenant=acme, now=now() + timedelta(days=15))
    assert not jobs()


def test_hook_tenant_erase_leaves_the_other_tenant_untouched(
    platform, acme, globex, bot, foreign_bot, add_texts, person, namesake
):
    add_texts(bot, {"a": "The acme-canary sleeps."})
    add_texts(foreign_bot, {"g": "The globex-canary sleeps."})
    before, stats = count(globex), platform.chunks.stats(globex.id)
    for _ in range(2):
        acme.hooks.call("tenant_erase", tenant=acme)
    with pytest.raises(Exception, match="There is no tenant acme"):
        load_tenant(platform, slug="acme")
    with system_scope("look for leftovers"), platform.database.read() as db:
        for model in (*PERSONAL, Document, BackgroundJob):
            assert db.scalar(select(func.count()).select_from(model).where(model.tenant_id == acme.id)) == 0
    assert platform.chunks.stats(acme.id).chunks == 0
    assert count(globex) == before and platform.chunks.stats(globex.id) == stats
    assert load_tenant(platform, slug="globex").id == globex.id


# -- declarations -------------------------------------------------------------------------------------------------


def test_hook_privacy_disclosures_speak_of_core_with_the_tenants_days(acme):
    with system_scope("change a tenant's retention"), acme.platform.database.write() as db:
        db.get(TenantRow, acme.id).retention_days = 30
    found = {d.id: d for plugin, d in acme.hooks.each("privacy_disclosures", tenant=acme) if plugin == "core"}
    assert set(found) == {"conversation", "contact", "access_log", "limits", "index"}
    assert found["conversation"].retention_days == 30 and found["access_log"].retention_days == 14
    assert not any(d.recipient for d in found.values())


def test_hook_health_checks_tell_how_search_works(real):
    ((name, check),) = [(c.name, c) for _, c in real.registry.platform.each("health_checks")]
    found = check.run()
    assert name == "embeddings_local" and found.state in ("ok", "degraded") and found.message
    assert found.state == "ok" or "pip install" in found.cure


def test_hook_plugin_check_finds_no_problem_or_says_the_cure(real, acme):
    from webchatagent.core import plugins

    for name in real.registry.manifests:
        for problem in plugins.check(acme, name):
            assert problem.message and problem.cure


def test_hook_connectors_claim_their_targets_only(real, acme, tmp_path):
    kinds = {c.kind: c for _, c in acme.hooks.each("connectors", tenant=acme)}
    assert set(kinds) == {"file", "website"}
    assert kinds["website"].claims("https://www.example.org") and not kinds["file"].claims("https://www.example.org")
    assert kinds["file"].claims(str(tmp_path)) and not kinds["website"].claims(str(tmp_path))
    assert kinds["website"].hosts("https://www.example.org/a") == {"example.org", "www.example.org"}
    folder = tmp_path / "texts"
    folder.mkdir()
    (folder / "a.md").write_text("# A\nText.", encoding="utf-8")
    found = list(kinds["file"].find(SourceSpec(str(folder))))
    assert [(type(f), f.external_id) for f in found] == [(FoundDocument, "a.md")]


def test_a_tenants_website_settings_reach_the_crawl(real, acme, monkeypatch):
    from webchatagent.core import plugins
    from webchatagent.plugins.website import connector

    seen = []
    monkeypatch.setattr(connector, "find", lambda spec: iter(seen.append(dict(spec.config)) or ()))
    plugins.configure(acme, "website", {"max_pages": 7})
    website = next(c for _, c in acme.hooks.each("connectors", tenant=acme) if c.kind == "website")
    list(website.find(SourceSpec("https://www.example.org", {"max_depth": 1})))
    assert seen == [{"max_pages": 7, "max_depth": 1, "crawl_delay": 0.0}]
    with pytest.raises(InvalidRequest) as caught:
        plugins.configure(acme, "website", {"max_pages": 0})
    assert caught.value.field == "max_pages"


def test_hook_extract_text_reads_what_it_knows_and_names_what_it_does_not(real, acme):
    read = acme.hooks.call("extract_text", tenant=acme, blob=Blob("a.md", b"# Title\n\nSome text.", "text/markdown"))
    assert "Some text." in read.markdown
    with pytest.raises(DocumentProblem) as caught:
        acme.hooks.call("extract_text", tenant=acme, blob=Blob("a.bin", b"\x7fELF" + bytes(range(256)) * 9))
    assert caught.value.state == "unsupported" and caught.value.message


def test_hook_chat_models_stream_an_answer_or_say_that_they_cannot(real, acme):
    ((plugin, model),) = acme.hooks.each("chat_models", tenant=acme)
    vault = acme.vault()

    async def events():
        return [e async for e in model.stream(ModelRequest("rules", vault.mask("What is the capital of Peru?")))]

    kinds = {type(e).__name__ for e in asyncio.run(events())}
    assert plugin == "offline" and model.info.local and kinds == {"CannotAnswer"}


def test_hook_embedding_models_give_unit_vectors_of_their_space(acme):
    ((_, model),) = acme.hooks.each("embedding_models", tenant=acme)
    vectors = model.embed_documents(["one text", "another text"])
    assert vectors.shape == (2, model.space.dimensions) and vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3)
    assert model.embed_query("one").shape == (model.space.dimensions,)


def test_a_plugin_that_is_off_does_not_run(real, acme, globex):
    from webchatagent.core import plugins

    plugins.disable(acme, "offline")
    assert not load_tenant(real, slug="acme").hooks.call("chat_models", tenant=acme)
    assert load_tenant(real, slug="globex").hooks.call("chat_models", tenant=globex)
