"""A deleted bot or source can be brought back for a time; until then nobody sees it, and then it is gone."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from webchatagent.core import bots, discarded, sources
from webchatagent.core.clock import now
from webchatagent.core.conversations import list_conversations
from webchatagent.core.db.chats import ChatSession, Message
from webchatagent.core.db.records import AuditEntry
from webchatagent.core.db.sources import Document, Source
from webchatagent.core.db.tenants import Bot
from webchatagent.core.document_list import count_documents, page_documents
from webchatagent.core.errors import Conflict, NotFound
from webchatagent.core.retention import sweep_blobs
from webchatagent.core.retrieval import retrieve
from webchatagent.core.tenancy import see_discarded

LATER = timedelta(days=discarded.DAYS, minutes=1)
WORDS = b"The lighthouse keeper feeds seven cormorants every morning."


@pytest.fixture
def taught(bot, foreign_bot, run_jobs):
    """Both tenants' bots have read the same file, and talked to somebody."""
    for one in (bot, foreign_bot):
        sources.upload_file(one.tenant, one.id, "birds.txt", WORDS)
        with one.tenant.write() as db:
            row = ChatSession(bot_id=one.id, key_hash=str(one.id).rjust(64, "0"))
            db.add(row)
            db.flush()
            db.add(Message(session_id=row.id, role="visitor", text="Hello"))
    run_jobs()
    return bot


def source_of(bot):
    """The id of the bot's only source."""
    with bot.tenant.read() as db:
        see_discarded(db)
        return db.scalar(select(Source.id).where(Source.bot_id == bot.id))


def finds(bot):
    """Whether the bot's search finds the file."""
    return bool(retrieve(bot.tenant, bot.id, "Who feeds the cormorants?", language="en").ranked)


def kept_bytes(bot):
    """How many blobs the tenant has."""
    folder = bot.tenant.platform.settings.folder / "blobs" / str(bot.tenant.id)
    return len([p for p in folder.rglob("*") if p.is_file()])


@pytest.mark.seed("SR-180")
def test_a_discarded_source_is_forgotten_at_once_and_comes_back_without_being_read_again(taught, foreign_bot, run_jobs):
    tenant, number = taught.tenant, source_of(taught)
    discarded.discard_source(tenant, number)
    run_jobs()
    assert not finds(taught) and finds(foreign_bot)
    assert tenant.platform.chunks.stats(tenant.id).chunks == 0
    assert sources.list_sources(tenant, taught.id) == [] and taught.id not in count_documents(tenant)
    assert page_documents(tenant, taught.id).total == 0
    assert kept_bytes(taught) == 1 and sweep_blobs(tenant) == 0
    (line,) = discarded.list_discarded(tenant)
    assert (line.kind, line.id, line.bot) == ("source", number, "Acme Help")
    assert discarded.list_discarded(foreign_bot.tenant) == []
    assert discarded.restore_source(tenant, number) == taught.id
    run_jobs()
    assert finds(taught) and count_documents(tenant)[taught.id].group("searchable") == 1
    assert discarded.list_discarded(tenant) == []


@pytest.mark.seed("SR-180", "SR-123")
def test_after_its_time_a_discarded_source_is_gone(taught, foreign_bot, run_jobs):
    tenant, number = taught.tenant, source_of(taught)
    discarded.discard_source(tenant, number)
    run_jobs()
    assert discarded.purge_discarded(tenant, now()) == 0
    assert discarded.purge_discarded(foreign_bot.tenant, now() + LATER) == 0
    tenant.hooks.call("retention_purge", tenant=tenant, now=now() + LATER)
    run_jobs()
    with tenant.read() as db:
        see_discarded(db)
        assert db.scalar(select(func.count(Document.id))) == 0 and db.get(Source, number) is None
    assert kept_bytes(taught) == 0 and kept_bytes(foreign_bot) == 1
    with pytest.raises(NotFound):
        discarded.restore_source(tenant, number)


@pytest.mark.seed("SR-180")
def test_a_discarded_bot_answers_nobody_and_comes_back_whole(platform, taught, foreign_bot, run_jobs):
    tenant = taught.tenant
    discarded.discard_bot(tenant, taught.id)
    run_jobs()
    for find in (
        lambda: bots.find_bot(platform, taught.public_id),
        lambda: bots.find_bot(platform, "acme/bot"),
        lambda: bots.find_own_bot(tenant, taught.public_id),
        lambda: bots.change_settings(tenant, taught.id, teaser="x"),
        lambda: bots.delete_bot(tenant, taught.id),
    ):
        with pytest.raises(NotFound):
            find()
    assert bots.list_bots(tenant) == [] and list_conversations(tenant) == ([], 0)
    assert count_documents(tenant) == {}
    with pytest.raises(Conflict):
        bots.create_bot(tenant, "bot", "Another")
    assert bots.find_bot(platform, foreign_bot.public_id).id == foreign_bot.id
    assert [(d.kind, d.id) for d in discarded.list_discarded(tenant)] == [("bot", taught.id)]
    discarded.restore_bot(tenant, taught.id)
    run_jobs()
    assert bots.find_bot(platform, taught.public_id).name == "Acme Help" and finds(taught)
    assert list_conversations(tenant)[1] == 1


def test_what_was_discarded_before_its_bot_stays_discarded(taught, run_jobs):
    tenant, number = taught.tenant, source_of(taught)
    discarded.discard_source(tenant, number)
    discarded.discard_bot(tenant, taught.id)
    with pytest.raises(NotFound):
        discarded.restore_source(tenant, number)
    discarded.restore_bot(tenant, taught.id)
    run_jobs()
    assert not finds(taught)
    assert [(d.kind, d.id) for d in discarded.list_discarded(tenant)] == [("source", number)]
    discarded.restore_source(tenant, number)
    run_jobs()
    assert finds(taught)


def test_a_document_that_was_on_its_way_is_indexed_when_the_bot_is_back(bot, run_jobs):
    sources.upload_file(bot.tenant, bot.id, "birds.txt", WORDS)
    discarded.discard_bot(bot.tenant, bot.id)
    run_jobs()
    discarded.restore_bot(bot.tenant, bot.id)
    run_jobs()
    assert finds(bot)


def test_bringing_back_before_the_passages_are_deleted_leaves_them_searchable(taught, run_jobs):
    number = source_of(taught)
    discarded.discard_source(taught.tenant, number)
    discarded.restore_source(taught.tenant, number)
    run_jobs()
    assert finds(taught)


def test_adding_the_same_again_brings_it_back(taught, run_jobs):
    number = source_of(taught)
    discarded.discard_source(taught.tenant, number)
    run_jobs()
    added = sources.upload_file(taught.tenant, taught.id, "more.txt", b"The baker sings on Tuesdays.")
    run_jobs()
    assert added.source_id == number and finds(taught)
    assert count_documents(taught.tenant)[taught.id].group("searchable") == 2


@pytest.mark.seed("SR-180")
@pytest.mark.parametrize("kind", ["bot", "source"])
def test_it_can_be_deleted_for_good_before_its_time(taught, foreign_bot, run_jobs, kind):
    tenant = taught.tenant
    number = taught.id if kind == "bot" else source_of(taught)
    with pytest.raises(NotFound):
        discarded.delete_discarded(tenant, kind, number)
    (discarded.discard_bot if kind == "bot" else discarded.discard_source)(tenant, number)
    with pytest.raises(NotFound):
        discarded.delete_discarded(foreign_bot.tenant, kind, number)
    discarded.delete_discarded(tenant, kind, number)
    run_jobs()
    with tenant.read() as db:
        see_discarded(db)
        assert db.scalar(select(func.count(Document.id))) == 0
        assert db.scalar(select(func.count(Bot.id))) == (0 if kind == "bot" else 1)
    assert kept_bytes(taught) == 0 and kept_bytes(foreign_bot) == 1


def test_a_final_deletion_of_a_bot_takes_its_discarded_sources_along(taught, run_jobs):
    discarded.discard_source(taught.tenant, source_of(taught))
    bots.delete_bot(taught.tenant, taught.id)
    run_jobs()
    assert kept_bytes(taught) == 0


def test_the_trail_tells_what_was_undone(taught):
    number = source_of(taught)
    discarded.discard_source(taught.tenant, number)
    discarded.restore_source(taught.tenant, number)
    discarded.discard_bot(taught.tenant, taught.id)
    discarded.restore_bot(taught.tenant, taught.id)
    with taught.tenant.read() as db:
        said = list(db.scalars(select(AuditEntry.action).order_by(AuditEntry.id)))[-4:]
    assert said == ["source.discarded", "source.restored", "bot.discarded", "bot.restored"]


def test_a_visitor_can_still_erase_a_conversation_with_a_discarded_bot(client, taught, run_jobs):
    from webchatagent.web.parts import KEY

    header = "X-Chat-Session-Id"
    asked = client.post("/api/chat", json={"message": "Who feeds the birds?", "chatbotId": taught.public_id})
    discarded.discard_bot(taught.tenant, taught.id)
    client.application.extensions[KEY].bots.forget()
    key = {header: asked.headers[header]}
    assert client.get("/api/chat/history", headers=key).status_code == 404
    assert client.post("/api/chat/end", json={"erase": True}, headers=key).status_code == 200
    run_jobs()
    with taught.tenant.read() as db:
        assert db.scalar(select(func.count(ChatSession.id))) == 1, "the one of the fixture"
