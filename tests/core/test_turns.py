"""One chat turn: the order of its events, what is stored, and the same message sent again."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import select

from webchatagent.core.accept import accept_turn
from webchatagent.core.answer import Answer
from webchatagent.core.bots import change_settings, find_bot
from webchatagent.core.clock import new_session_key
from webchatagent.core.db.chats import Message
from webchatagent.core.errors import InvalidRequest, Unavailable
from webchatagent.core.models import CannotAnswer, TextDelta, TokenUsage
from webchatagent.core.turns import TurnRunner
from webchatagent.testing.turns import collect, kinds, text_of, until

QUESTION = "When does the shop open in the morning?"
MESSAGE = "11111111-2222-3333-4444-555555555555"


def test_events_come_in_order_and_the_answer_is_stored(asked, scripted_model, turn_rows):
    scripted_model.enqueue("At nine", " [1]", ".", TokenUsage(7, 3))
    turn = accept_turn(asked, None, QUESTION)
    events = asyncio.run(collect(TurnRunner(), turn))
    assert kinds(events) == ["start", *["delta"] * (len(events) - 3), "sources", "done"]
    assert text_of(events) == "At nine [1]." and events[-1]["refused"] is False
    assert events[-2]["sources"][0]["n"] == 1
    (row,) = turn_rows()
    assert (row.state, row.text, row.refused) == ("done", "", False)
    with asked.tenant.read() as db:
        answer = db.get(Message, row.answer_id)
    assert answer.public_id == events[0]["messageId"] and answer.text == "At nine [1]."
    assert answer.sources == events[-2]["sources"]
    assert scripted_model.closed == 1


def test_numbers_that_name_nothing_are_not_shown_nor_stored(asked, scripted_model):
    scripted_model.enqueue("At nine ", "[9", "9] and [", "1].")
    events = asyncio.run(collect(TurnRunner(), accept_turn(asked, None, QUESTION)))
    assert text_of(events) == "At nine and [1]."


def test_a_model_that_cannot_answer_says_the_tenants_words(asked, scripted_model, turn_rows):
    change_settings(asked.tenant, asked.id, unknown_answer="Please call us.")
    scripted_model.enqueue(CannotAnswer())
    turn = accept_turn(find_bot(asked.tenant.platform, asked.public_id), None, QUESTION)
    events = asyncio.run(collect(TurnRunner(), turn))
    assert text_of(events) == "Please call us." and events[-1] == {
        "type": "done",
        "refused": True,
        "mode": "bot",
        "status": None,
    }
    assert "sources" not in kinds(events) and turn_rows()[0].refused


def test_a_model_without_a_word_does_not_know(asked, scripted_model):
    scripted_model.enqueue(TokenUsage(1, 0))
    events = asyncio.run(collect(TurnRunner(), accept_turn(asked, None, QUESTION)))
    assert "could not find" in text_of(events) and events[-1]["refused"] is True


def test_fixed_phrases_are_not_the_models_own(asked, scripted_model):
    async def answer():
        turn = accept_turn(asked, None, QUESTION)
        found = Answer(turn)
        for event in (TextDelta("Here it is: ", fixed=True), TextDelta("nine [1]")):
            found.take(event)
        found.close()
        return found

    found = asyncio.run(answer())
    assert found.own_text.strip() == "nine [1]" and found.text == "Here it is: nine [1]"


def test_a_model_that_fails_midway_cuts_the_turn_and_the_same_message_generates_again(asked, scripted_model, turn_rows):
    scripted_model.enqueue("At ", RuntimeError("secret of the provider"))
    first = accept_turn(asked, None, QUESTION, MESSAGE)
    events = asyncio.run(collect(TurnRunner(), first))
    assert events[-1]["type"] == "error" and events[-1]["error"]["code"] == "try_again"
    assert "secret" not in str(events)
    assert turn_rows()[0].state == "cut"
    scripted_model.enqueue("At nine [1].")
    again = accept_turn(asked, first.session.key, QUESTION, MESSAGE)
    assert again.id == first.id and again.state == "new"
    assert text_of(asyncio.run(collect(TurnRunner(), again))) == "At nine [1]."
    (row,) = turn_rows()
    assert row.state == "done" and row.attempts == 2
    with asked.tenant.read() as db:
        assert [m.role for m in db.scalars(select(Message).order_by(Message.id))] == ["visitor", "bot"]


def test_an_error_of_ours_keeps_its_code(asked, scripted_model):
    scripted_model.enqueue(Unavailable("The provider rests.", code="provider_down"))
    events = asyncio.run(collect(TurnRunner(), accept_turn(asked, None, QUESTION)))
    assert events[-1]["error"]["code"] == "provider_down"
    scripted_model.enqueue(Unavailable("The provider rests.", code="provider_down"))
    with pytest.raises(Unavailable):
        asyncio.run(TurnRunner().reply(accept_turn(asked, None, QUESTION)))


def test_a_finished_turn_is_handed_out_again_and_not_generated(asked, scripted_model):
    scripted_model.enqueue("At nine [1].")
    first = accept_turn(asked, None, QUESTION, MESSAGE)
    asyncio.run(collect(TurnRunner(), first))
    events = asyncio.run(collect(TurnRunner(), accept_turn(asked, first.session.key, QUESTION, MESSAGE)))
    assert text_of(events) == "At nine [1]." and len(scripted_model.requests) == 1
    assert kinds(events) == ["start", "delta", "sources", "done"]


def test_a_message_id_of_another_conversation_is_refused(asked, scripted_model):
    accept_turn(asked, None, QUESTION, MESSAGE)
    with pytest.raises(InvalidRequest) as caught:
        accept_turn(asked, new_session_key(), QUESTION, MESSAGE)
    assert caught.value.field == "clientMessageId"


def test_the_same_message_id_at_another_bot_is_another_message(asked, scripted_model, foreign_bot):
    first = accept_turn(asked, None, QUESTION, MESSAGE)
    other = accept_turn(foreign_bot, None, QUESTION, MESSAGE)
    assert other.state == "new" and other.public_id != first.public_id


def test_fifty_turns_at_once(asked, scripted_model, turn_rows):
    async def visit():
        gates = [asyncio.Event() for _ in range(50)]
        for gate in gates:
            scripted_model.enqueue("At ", gate, "nine [1].")
        runner = TurnRunner()
        accepted = [await asyncio.to_thread(accept_turn, asked, None, QUESTION) for _ in range(50)]
        readers = [asyncio.ensure_future(collect(runner, t)) for t in accepted]
        await until(lambda: runner.running == 50)
        for gate in gates:
            gate.set()
        return await asyncio.gather(*readers), runner.running

    answers, running = asyncio.run(visit())
    assert {text_of(a) for a in answers} == {"At nine [1]."} and running == 0
    assert len({a[0]["messageId"] for a in answers}) == 50 and {r.state for r in turn_rows()} == {"done"}
