"""Trying a bot out keeps nothing, counts what it costs, and shows what is sent; what was sent can be made again."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import func, select, update

from webchatagent.core import usage
from webchatagent.core.accept import accept_turn
from webchatagent.core.bots import change_caps, find_bot, own_bot, save_settings
from webchatagent.core.breaker import Breakers
from webchatagent.core.caps import Caps, QuotaExceeded
from webchatagent.core.db.chats import ChatSession, Message, TurnRow
from webchatagent.core.errors import NotFound
from webchatagent.core.models import ModelFailed, TokenUsage
from webchatagent.core.playground import bot_of_version, prepare_trial, run_trial
from webchatagent.core.prices import Price, Prices
from webchatagent.core.prompting import chat_messages
from webchatagent.core.rebuilt import rebuild_request
from webchatagent.core.statistics import read_statistics
from webchatagent.core.tenants import change_prices, load_tenant
from webchatagent.core.turns import TurnRunner
from webchatagent.testing.turns import collect

QUESTION = "When does the shop open? I am karl.weber@example.com"


def try_out(bot, question=QUESTION):
    """A trial and its events."""
    trial = prepare_trial(bot, question)

    async def read():
        return [event async for event in run_trial(trial, Breakers())]

    return trial, asyncio.run(read())


def rows(tenant):
    """How many rows of conversations there are."""
    with tenant.read() as db:
        return [db.scalar(select(func.count()).select_from(m)) for m in (ChatSession, Message, TurnRow)]


def test_a_trial_shows_what_is_sent_and_what_it_took_and_leaves_no_conversation(asked, scripted_model):
    change_prices(asked.tenant, Prices(models={"scripted": Price(tokens_in=2_000_000, tokens_out=4_000_000)}))
    scripted_model.enqueue("At ", "nine [1].", TokenUsage(100, 10))
    bot = own_bot(load_tenant(asked.tenant.platform, slug="acme"), asked.id)
    trial, events = try_out(bot)
    assert "".join(e["delta"] for e in events[:-1]) == "At nine [1]."
    done = events[-1]
    assert (done["type"], done["model"], done["tokens_in"], done["cost"]) == ("done", "scripted", 100, 240)
    assert done["sources"][0]["title"] in ("opening", "returns") and done["first_ms"] <= done["total_ms"]
    assert list(trial.sent) == chat_messages(scripted_model.requests[0])
    assert "karl.weber" not in str(trial.sent) and "<EMAIL_1>" in str(trial.sent)
    assert {"stem", "trigram", "dense"} >= set(trial.turn.found.ranked[0].legs) > set()
    assert rows(asked.tenant) == [0, 0, 0] and read_statistics(asked.tenant).total.turns == 0
    with asked.tenant.read() as db:
        assert usage.totals(db, asked.id) == {"trials": 1, "tokens_in": 100, "tokens_out": 10, "cost_EUR": 240}


def test_a_version_answers_with_its_own_settings(asked, scripted_model):
    save_settings(asked.tenant, asked.id, {"instructions": "Be formal.", "temperature": 1.5})
    for number, heat, formal in ((1, 0.2, False), (2, 1.5, True), (0, 1.5, True)):
        try_out(bot_of_version(asked.tenant, asked.id, number))
        sent = scripted_model.requests[-1]
        assert (sent.temperature, "Be formal." in sent.instructions) == (heat, formal)
    with pytest.raises(NotFound):
        bot_of_version(asked.tenant, asked.id, 9)


def test_a_failure_says_which_and_costs_what_was_said(asked, scripted_model):
    scripted_model.enqueue(ModelFailed("key", "The key is refused."))
    _, events = try_out(asked)
    assert events == [{"type": "error", "error": {"code": "model_key", "message": "The key is refused."}}]


def test_a_trial_cannot_get_around_a_cap(asked, scripted_model):
    change_caps(asked.tenant, asked.id, Caps(day_tokens=10_000))
    scripted_model.enqueue("At nine [1].", TokenUsage(9_000, 900))
    bot = own_bot(asked.tenant, asked.id)
    try_out(bot)
    with pytest.raises(QuotaExceeded):
        prepare_trial(bot, QUESTION)
    with pytest.raises(QuotaExceeded):
        accept_turn(bot, None, QUESTION)


def answered(bot, question, key=None):
    """A stored answer: (session key, session id, message id)."""
    turn = accept_turn(bot, key, question)
    asyncio.run(collect(TurnRunner(), turn))
    with bot.tenant.read() as db:
        return turn.session.key, turn.session.id, db.scalar(select(TurnRow.answer_id).where(TurnRow.id == turn.id))


def test_what_was_sent_is_made_again_with_its_version_and_without_personal_data(asked, scripted_model, foreign_bot):
    scripted_model.enqueue("At nine [1].")
    key, _, _ = answered(asked, QUESTION)
    scripted_model.enqueue("")  # the question is not said in full: its passages are those of both questions
    scripted_model.enqueue("Karl Weber, at nine [1].")
    _, session, message = answered(asked, "And on Monday in the morning does the shop open?", key)
    save_settings(asked.tenant, asked.id, {"instructions": "Be formal."})
    rebuilt = rebuild_request(asked.tenant, session, message)
    assert list(rebuilt.sent) == chat_messages(scripted_model.requests[-1])
    assert "karl.weber" not in str(rebuilt.sent) and rebuilt.row.bot_version == 1
    with pytest.raises(NotFound):
        rebuild_request(foreign_bot.tenant, session, message)
    with pytest.raises(NotFound):
        rebuild_request(asked.tenant, session + 1, message)


def test_nothing_is_made_again_of_a_restricted_conversation(asked, scripted_model):
    _, session, message = answered(asked, QUESTION)
    with asked.tenant.write() as db:
        db.execute(update(ChatSession).where(ChatSession.id == session).values(restricted=True))
    with pytest.raises(NotFound):
        rebuild_request(asked.tenant, session, message)


def test_the_bot_in_force_is_found_by_its_row(asked, foreign_bot):
    assert find_bot(asked.tenant.platform, asked.public_id).version == own_bot(asked.tenant, asked.id).version == 1
    with pytest.raises(NotFound):
        own_bot(foreign_bot.tenant, asked.id)
