"""What a model proposes: shown, signed, confirmed by the same visitor once, and by nobody else."""

from __future__ import annotations

import asyncio
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from webchatagent.core import actions
from webchatagent.core.accept import accept_turn
from webchatagent.core.actions import ActionExpired, decide, purge_actions
from webchatagent.core.bots import find_bot
from webchatagent.core.clock import new_session_key, now
from webchatagent.core.db.actions import ActionRow
from webchatagent.core.db.chats import Message
from webchatagent.core.errors import Conflict, NotFound
from webchatagent.core.models import ToolCall
from webchatagent.core.sessions import locate_session
from webchatagent.core.tools import Tool, ToolFailed, ToolUnsure
from webchatagent.core.turns import TurnRunner
from webchatagent.testing.turns import collect, kinds, text_of

QUESTION = "When does the shop open in the morning?"
SCHEMA = {
    "type": "object",
    "properties": {"day": {"type": "string", "title": "Day"}, "seats": {"type": "integer"}},
    "required": ["day"],
}
ARGUMENTS = {"seats": 2, "day": "Monday"}


class Booking:
    """A tool that writes; `done` is what it did."""

    def __init__(self):
        self.done, self.error, self.wait = [], None, None
        self.tool = Tool(
            "book", "Book seats", SCHEMA, self.run, writes=True, title="Book a table", labels={"seats": "Seats"}
        )

    def run(self, arguments, context):
        if self.wait:
            self.wait.wait(5)
        if self.error:
            raise self.error
        self.done.append((arguments, context.action_id))
        return f"Booked for {arguments['day']}."


@pytest.fixture
def booking():
    return Booking()


@pytest.fixture
def booked(asked, tools, booking):
    """The bot, with a tool that writes."""
    tools["acme"] = [booking.tool]
    return find_bot(asked.tenant.platform, asked.public_id)


def call(arguments=ARGUMENTS, id="c1"):
    return ToolCall(id, "tester__book", json.dumps(arguments))


@pytest.fixture
def propose(booked, scripted_model):
    """A function that lets the model propose; returns the events and the key of the session."""

    def propose(*calls, said=("Please confirm [1].",)):
        scripted_model.enqueue(*(calls or (call(),)))
        scripted_model.enqueue(*said)
        turn = accept_turn(booked, None, QUESTION, "11111111-2222-3333-4444-555555555555")
        return asyncio.run(collect(TurnRunner(), turn)), turn.session.key

    return propose


def cards(events):
    return [e["part"] for e in events if e["type"] == "part"]


def id_of(card):
    return card["buttons"][0]["action"].split("/")[3]


@pytest.fixture
def located(platform):
    return lambda key: locate_session(platform, key)


def test_a_tool_that_writes_only_proposes_and_the_card_shows_every_argument(propose, booking, scripted_model):
    events, _ = propose()
    (card,) = cards(events)
    assert not booking.done
    assert card["type"] == "action" and card["title"] == "Book a table"
    assert card["rows"] == [{"label": "Day", "value": "Monday"}, {"label": "Seats", "value": "2"}]
    assert [b["label"] for b in card["buttons"]] == ["Confirm", "Cancel"]
    assert kinds(events)[-3:] == ["sources", "part", "done"]
    assert "Proposed, and not done" in scripted_model.requests[1].steps[0].results[0]


def test_a_card_without_a_word_is_no_refusal(propose):
    events, _ = propose(said=())
    assert text_of(events) == "Please check this and confirm:" and events[-1]["refused"] is False


def test_the_visitor_confirms_once_and_gets_the_first_result_again(propose, booking, located):
    events, key = propose()
    action = id_of(cards(events)[0])
    first = decide(located(key), action, confirm=True)
    assert (first.state, first.message) == ("done", "Booked for Monday.")
    for confirm in (True, False, True):
        assert decide(located(key), action, confirm=confirm) == first
    ((arguments, action_id),) = booking.done
    assert arguments == ARGUMENTS and action_id == action.split(".")[0]


def test_declining_does_nothing_and_confirming_comes_too_late(propose, booking, located):
    events, key = propose()
    action = id_of(cards(events)[0])
    assert decide(located(key), action, confirm=False).state == "declined"
    assert decide(located(key), action, confirm=True).state == "declined"
    assert not booking.done


@pytest.mark.seed("SR-121")
def test_nobody_else_can_confirm(propose, booking, booked, foreign_bot, located, scripted_model):
    events, key = propose()
    action = id_of(cards(events)[0])
    same_bot = accept_turn(booked, None, QUESTION).session.key
    other_bot = accept_turn(foreign_bot, None, QUESTION).session.key
    for stranger in (None, new_session_key(), same_bot, other_bot):
        with pytest.raises(NotFound):
            decide(located(stranger), action, confirm=True)
    assert not booking.done
    assert decide(located(key), action, confirm=True).state == "done"


@pytest.mark.parametrize("wrong", ["", ".", "x", "{id}", "{id}.", "{id}.0000", "{id}.{sig}0", "{sig}.{id}"])
def test_a_signature_that_is_wrong_is_refused(propose, booking, located, wrong):
    events, key = propose()
    public_id, _, signature = id_of(cards(events)[0]).partition(".")
    with pytest.raises(NotFound):
        decide(located(key), wrong.format(id=public_id, sig=signature), confirm=True)
    assert not booking.done


@pytest.mark.parametrize(
    "changed",
    [{"arguments": {"day": "Sunday"}}, {"tool": "erase"}, {"turn_id": 99}, {"expires_at": now() + timedelta(days=9)}],
    ids=lambda c: next(iter(c)),
)
def test_what_was_changed_in_the_table_is_not_what_was_shown(propose, booking, booked, located, changed):
    events, key = propose()
    with booked.tenant.write() as db:
        db.execute(update(ActionRow).values(**changed))
    with pytest.raises(NotFound):
        decide(located(key), id_of(cards(events)[0]), confirm=True)
    assert not booking.done


def test_after_ten_minutes_it_is_too_late(propose, booking, booked, located, monkeypatch):
    events, key = propose()
    later = now() + timedelta(minutes=actions.MINUTES, seconds=1)
    monkeypatch.setattr(actions, "now", lambda: later)
    with pytest.raises(ActionExpired, match="ten minutes"):
        decide(located(key), id_of(cards(events)[0]), confirm=True)
    assert not booking.done
    assert purge_actions(booked.tenant, later) == 1
    with booked.tenant.read() as db:
        row = db.scalar(select(ActionRow))
        assert row.state == "expired" and row.arguments == {} and row.facts == []


def test_fifty_clicks_at_once_do_it_once(propose, booking, located):
    events, key = propose()
    action, there, go = id_of(cards(events)[0]), located(key), threading.Barrier(20)

    def click(_):
        go.wait(10)
        try:
            return decide(there, action, confirm=True).state
        except Conflict:
            return "running"

    with ThreadPoolExecutor(20) as pool:
        found = list(pool.map(click, range(20)))
    assert len(booking.done) == 1 and set(found) <= {"done", "running"} and "done" in found
    assert decide(there, action, confirm=True).state == "done"


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (ToolFailed("full"), "nothing was done"),
        (ToolUnsure("slow"), "not known"),
        (RuntimeError("a secret"), "not known"),
    ],
)
def test_a_tool_that_fails_says_so_and_is_not_run_again(propose, booking, located, error, sentence):
    events, key = propose()
    booking.error = error
    first = decide(located(key), id_of(cards(events)[0]), confirm=True)
    booking.error = None
    assert first.state == "failed" and sentence in first.message and "secret" not in first.message
    assert decide(located(key), id_of(cards(events)[0]), confirm=True) == first and not booking.done


def test_a_tool_that_hangs_leaves_an_outcome_that_is_not_known(propose, booking, tools, located):
    events, key = propose()
    booking.wait = threading.Event()
    tools["acme"] = [Tool("book", "", SCHEMA, booking.run, writes=True, seconds=0.05)]
    try:
        found = decide(located(key), id_of(cards(events)[0]), confirm=True)
        assert found.state == "failed" and "not known" in found.message
    finally:
        booking.wait.set()


def test_a_process_that_died_in_the_middle_leaves_an_outcome_that_is_not_known(propose, booking, booked, located):
    events, key = propose()
    with booked.tenant.write() as db:
        db.execute(update(ActionRow).values(state="running", settled_at=now()))
    with pytest.raises(Conflict):
        decide(located(key), id_of(cards(events)[0]), confirm=True)
    with booked.tenant.write() as db:
        db.execute(update(ActionRow).values(settled_at=now() - timedelta(minutes=5)))
    found = decide(located(key), id_of(cards(events)[0]), confirm=True)
    assert found.state == "failed" and "not known" in found.message and not booking.done


def test_a_tool_that_is_gone_is_not_run(propose, booking, tools, located):
    events, key = propose()
    tools["acme"] = []
    found = decide(located(key), id_of(cards(events)[0]), confirm=True)
    assert found.state == "failed" and "not offered any more" in found.message and not booking.done


def test_a_visitor_reads_three_cards_and_no_twenty(propose, scripted_model):
    calls = [call({"day": f"day {n}"}, f"c{n}") for n in range(8)]
    events, _ = propose(*calls)
    assert len(cards(events)) == 3
    found = [json.loads(text) for text in scripted_model.requests[-1].steps[0].results]
    assert sum("error" in f for f in found) == 5


def test_the_same_proposal_twice_is_one_card(propose):
    events, _ = propose(call(), call(id="c2"))
    assert len(cards(events)) == 1


def test_a_reader_who_comes_back_gets_the_card_as_it_stands(propose, booked, located):
    events, key = propose()
    (card,) = cards(events)
    message = "11111111-2222-3333-4444-555555555555"

    def again():
        turn = accept_turn(booked, key, QUESTION, message)
        return cards(asyncio.run(collect(TurnRunner(), turn)))

    assert again() == [card]
    decide(located(key), id_of(card), confirm=True)
    assert again() == [
        {"type": "action", "id": card["id"], "title": "Book a table", "state": "done", "done": "Booked for Monday."}
    ]


@pytest.mark.seed("SR-158")
def test_a_message_holds_a_reference_only_and_a_settled_action_no_argument(propose, booked, located):
    events, key = propose()
    decide(located(key), id_of(cards(events)[0]), confirm=True)
    with booked.tenant.read() as db:
        (message,) = db.scalars(select(Message).where(Message.role == "bot"))
        row = db.scalar(select(ActionRow))
    assert message.parts == [{"type": "action", "id": row.public_id}]
    assert row.arguments == {} and row.facts == [] and row.state == "done"
