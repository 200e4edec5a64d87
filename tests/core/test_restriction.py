"""A person's data that must not be used: kept, and neither shown, counted, added to nor sent to a model."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from webchatagent.core import retention
from webchatagent.core.accept import accept_turn
from webchatagent.core.clock import now
from webchatagent.core.conversations import count_conversations, list_conversations, read_transcript
from webchatagent.core.db.chats import ChatSession, Contact, ContactLink, Message
from webchatagent.core.errors import InvalidRequest, NotFound
from webchatagent.core.privacy import Subject
from webchatagent.core.sessions import end_session, history, locate_session, rate_answer
from webchatagent.core.turns import TurnRunner

EMAIL = "visitor@example.org"
CANARY = "When does the canary of the shop sing in the morning?"
MESSAGE = "11111111-2222-3333-4444-555555555555"


def ask(bot, text=CANARY, key=None, message_id=None):
    turn = accept_turn(bot, key, text, message_id)
    asyncio.run(TurnRunner().reply(turn))
    return turn


@pytest.fixture
def person(asked, scripted_model):
    """A turn of a visitor who left an address, in the first tenant; a function restricts it, or lifts that."""
    scripted_model.enqueue("At nine [1].")
    turn = ask(asked, message_id=MESSAGE)
    with asked.tenant.write() as db:
        contact = Contact(email=EMAIL)
        db.add(contact)
        db.flush()
        db.add(ContactLink(session_id=turn.session.id, contact_id=contact.id))
    return turn


@pytest.fixture
def restrict(asked):
    """A function that restricts everything on the person, or lifts that."""

    def call(restricted=True):
        tenant = asked.tenant
        tenant.hooks.call("subject_restrict", tenant=tenant, subject=Subject(email=EMAIL), restricted=restricted)

    return call


def messages(bot):
    with bot.tenant.read() as db:
        return db.scalar(select(func.count(Message.id)))


def test_it_is_in_no_list_no_count_and_no_transcript(asked, foreign_bot, person, restrict):
    accept_turn(foreign_bot, None, "Hallo?")
    since = now() - timedelta(hours=1)
    assert list_conversations(asked.tenant)[1] == 1 and count_conversations(asked.tenant, since)[0] == {asked.id: 1}
    restrict()
    assert list_conversations(asked.tenant) == ([], 0) and count_conversations(asked.tenant, since) == ({}, 0)
    assert read_transcript(asked.tenant, person.session.id).messages == []
    assert list_conversations(foreign_bot.tenant)[1] == 1
    restrict(False)
    assert list_conversations(asked.tenant)[0][0].opening == CANARY
    assert len(read_transcript(asked.tenant, person.session.id).messages) == 2


def test_the_visitor_gets_a_new_conversation_and_nothing_is_sent_or_added(asked, scripted_model, person, restrict):
    restrict()
    before = messages(asked)
    scripted_model.enqueue("At nine [1].")
    again = ask(asked, "And when does the shop close in the evening?", person.session.key)
    assert again.session.key != person.session.key and again.session.id != person.session.id
    assert "canary" not in repr(scripted_model.requests[-1])
    with asked.tenant.read() as db:
        kept = db.scalar(select(func.count(Message.id)).where(Message.session_id == person.session.id))
    assert kept == before == 2


def test_its_answers_are_neither_read_rated_nor_made_again(asked, platform, person, restrict):
    restrict()
    located = locate_session(platform, person.session.key)
    assert history(located) == []
    with pytest.raises(NotFound):
        rate_answer(located, person.public_id, "up", "a comment")
    for key in (person.session.key, None):
        with pytest.raises(InvalidRequest):
            accept_turn(asked, key, CANARY, MESSAGE)
    assert messages(asked) == 2
    restrict(False)
    assert len(history(locate_session(platform, person.session.key))) == 2


def test_the_visitor_can_still_erase_it(asked, platform, person, restrict, run_jobs):
    restrict()
    end_session(locate_session(platform, person.session.key), erase=True)
    run_jobs()
    assert messages(asked) == 0


def test_the_deletion_in_time_leaves_it_until_it_is_lifted(asked, person, restrict):
    restrict()
    later = now() + timedelta(days=1000)
    assert retention.purge_conversations(asked.tenant, later) == 0
    with asked.tenant.read() as db:
        assert db.scalar(select(Contact.email)) == EMAIL and db.scalar(select(ChatSession.id)) == person.session.id
    restrict(False)
    assert retention.purge_conversations(asked.tenant, later) == 1
    with asked.tenant.read() as db:
        assert db.scalar(select(func.count(Contact.id))) == 0
