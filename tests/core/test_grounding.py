"""Answers that must cite, and questions that lean on the one before."""

from __future__ import annotations

import asyncio

import pytest

from webchatagent.core.accept import accept_turn
from webchatagent.core.bots import change_settings, find_bot
from webchatagent.core.db.chats import Message
from webchatagent.core.models import ModelFailed, TokenUsage, ToolCall
from webchatagent.core.tools import Tool
from webchatagent.core.turns import TurnRunner
from webchatagent.core.usage import totals
from webchatagent.testing.turns import collect, kinds, text_of

QUESTION = "When does the shop open in the morning?"
DO_NOT_KNOW = "Please call us."


def ask(bot, question=QUESTION, key=None):
    turn = accept_turn(bot, key, question)
    return asyncio.run(collect(TurnRunner(), turn)), turn


@pytest.fixture
def strict(asked, tools):
    change_settings(asked.tenant, asked.id, strict=True, unknown_answer=DO_NOT_KNOW)
    return find_bot(asked.tenant.platform, asked.public_id)


def test_a_strict_bot_withdraws_an_answer_that_cites_nothing(strict, scripted_model, turn_rows):
    scripted_model.enqueue("The moon is made ", "of cheese [9].")
    events, _ = ask(strict)
    assert [e["text"] for e in events if e["type"] == "replace"] == [DO_NOT_KNOW]
    assert events[-1]["refused"] is True and "sources" not in kinds(events)
    with strict.tenant.read() as db:
        assert db.get(Message, turn_rows()[0].answer_id).text == DO_NOT_KNOW


def test_a_strict_bot_keeps_what_is_cited_and_another_bot_everything(strict, asked, scripted_model):
    scripted_model.enqueue("At nine [1].")
    scripted_model.enqueue("The moon is made of cheese.")
    assert "replace" not in kinds(ask(strict)[0])
    change_settings(asked.tenant, asked.id, strict=False)
    assert "replace" not in kinds(ask(find_bot(asked.tenant.platform, asked.public_id))[0])


def test_what_a_tool_gave_grounds_an_answer_and_a_tool_that_failed_does_not(strict, scripted_model, tools):
    tools["acme"] = [Tool("status", "", {"type": "object"}, lambda a, c: "sent")]
    for name, replaced in (("tester__status", False), ("tester__other", True)):
        scripted_model.enqueue(ToolCall("1", name, "{}"))
        scripted_model.enqueue("It was sent.")
        assert ("replace" in kinds(ask(strict)[0])) is replaced


def test_a_whole_answer_has_the_tenants_words(strict, scripted_model):
    scripted_model.enqueue("Cheese.")
    reply = asyncio.run(TurnRunner().reply(accept_turn(strict, None, QUESTION)))
    assert reply.text == DO_NOT_KNOW and reply.refused


# -- questions that lean on the one before ------------------------------------------------------------------------


def follow_up(asked, scripted_model, *condensed):
    scripted_model.enqueue("At nine [1].", TokenUsage(10, 2))
    _, first = ask(asked)
    scripted_model.enqueue(*condensed)
    scripted_model.enqueue("At six [1].", TokenUsage(10, 2))
    return ask(asked, "And when does it close?", first.session.key)


@pytest.mark.seed("SR-150")
def test_a_question_that_leans_is_said_in_full_by_one_short_call(asked, scripted_model):
    events, _ = follow_up(asked, scripted_model, "When can goods be returned to the shop?", TokenUsage(5, 3))
    _, condensing, answering = scripted_model.requests
    assert condensing.bare and not condensing.passages and condensing.max_tokens <= 80 and condensing.temperature == 0
    assert condensing.question == "And when does it close?" and len(condensing.history) == 2
    assert answering.question == "And when does it close?" and "returned" in answering.passages[0].text
    assert text_of(events) == "At six [1]."
    with asked.tenant.read() as db:
        found = totals(db, asked.id)
    assert (found["tokens_in"], found["tokens_out"]) == (25, 7), "the call counts"


def test_a_question_that_stands_alone_costs_no_call(asked, scripted_model):
    _, first = ask(asked)
    ask(asked, "Can goods be returned to the shop within thirty days?", first.session.key)
    assert len(scripted_model.requests) == 2


@pytest.mark.parametrize("condensed", [ModelFailed("odd", "no"), "", "x" * 900])
def test_without_the_full_question_the_turn_goes_on(asked, scripted_model, condensed):
    events, _ = follow_up(asked, scripted_model, condensed)
    assert "error" not in kinds(events) and text_of(events)
