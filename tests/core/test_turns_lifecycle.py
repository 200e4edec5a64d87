"""One chat turn: the order of its events, what is stored, and what happens when somebody or something leaves."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from webchatagent.core import live, progress
from webchatagent.core.accept import accept_turn
from webchatagent.core.answer import Answer, cut_turn
from webchatagent.core.bots import change_settings, find_bot
from webchatagent.core.clock import new_session_key, now
from webchatagent.core.db.chats import ChatSession, Message, TurnRow
from webchatagent.core.errors import InvalidRequest, Unavailable
from webchatagent.core.models import CannotAnswer, TextDelta, TokenUsage
from webchatagent.core.sessions import end_session, erase_session, history, locate_session
from webchatagent.core.turn import STALE_SECONDS
from webchatagent.core.turns import TurnRunner

QUESTION = "When does the shop open in the morning?"
TEXTS = {
    "opening": "The shop opens at nine in the morning and closes at six in the evening.",
    "returns": "Goods can be returned to the shop within thirty days, in the morning too.",
}
MESSAGE = "11111111-2222-3333-4444-555555555555"


@pytest.fixture
def asked(bot, scripted_model, add_texts):
    """The bot, with two texts and a model that says what the test enqueues."""
    add_texts(bot, TEXTS)
    return find_bot(bot.tenant.platform, bot.public_id)


def rows(bot):
    with bot.tenant.read() as db:
        return list(db.scalars(select(TurnRow).order_by(TurnRow.id)))


async def until(condition, seconds=10.0):
    """Wait until something is so; fails when it does not come."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.005)


async def collect(runner, turn):
    return [e async for events in runner.events(turn) for e in events]


def run(coroutine):
    return asyncio.run(coroutine)


def kinds(events):
    return [e["type"] for e in events]


def text_of(events):
    return "".join(e.get("delta", "") for e in events)


def test_events_come_in_order_and_the_answer_is_stored(asked, scripted_model):
    scripted_model.enqueue("At nine", " [1]", ".", TokenUsage(7, 3))
    turn = accept_turn(asked, None, QUESTION)
    events = run(collect(TurnRunner(), turn))
    assert kinds(events) == ["start", *["delta"] * (len(events) - 3), "sources", "done"]
    assert text_of(events) == "At nine [1]." and events[-1]["refused"] is False
    assert events[-2]["sources"][0]["n"] == 1
    (row,) = rows(asked)
    assert (row.state, row.text, row.refused) == ("done", "", False)
    with asked.tenant.read() as db:
        answer = db.get(Message, row.answer_id)
    assert answer.public_id == events[0]["messageId"] and answer.text == "At nine [1]."
    assert answer.sources == events[-2]["sources"]


def test_numbers_that_name_nothing_are_not_shown_nor_stored(asked, scripted_model):
    scripted_model.enqueue("At nine ", "[9", "9] and [", "1].")
    events = run(collect(TurnRunner(), accept_turn(asked, None, QUESTION)))
    assert text_of(events) == "At nine and [1]."


def test_a_model_that_cannot_answer_says_the_tenants_words(asked, scripted_model):
    change_settings(asked.tenant, asked.id, unknown_answer="Please call us.")
    scripted_model.enqueue(CannotAnswer())
    turn = accept_turn(find_bot(asked.tenant.platform, asked.public_id), None, QUESTION)
    events = run(collect(TurnRunner(), turn))
    assert text_of(events) == "Please call us." and events[-1] == {
        "type": "done",
        "refused": True,
        "mode": "bot",
        "status": None,
    }
    assert "sources" not in kinds(events) and rows(asked)[0].refused


def test_a_model_without_a_word_does_not_know(asked, scripted_model):
    scripted_model.enqueue(TokenUsage(1, 0))
    events = run(collect(TurnRunner(), accept_turn(asked, None, QUESTION)))
    assert text_of(events).strip() and events[-1]["refused"] is True


def test_fixed_phrases_are_not_the_models_own(asked, scripted_model):
    async def answer():
        turn = accept_turn(asked, None, QUESTION)
        found = Answer(turn)
        for event in (TextDelta("Here it is: ", fixed=True), TextDelta("nine [1]")):
            found.take(event)
        found.close()
        return found

    found = run(answer())
    assert found.own_text.strip() == "nine [1]" and found.text == "Here it is: nine [1]"


def test_a_model_that_fails_midway_cuts_the_turn_and_the_same_message_generates_again(asked, scripted_model):
    scripted_model.enqueue("At ", RuntimeError("secret of the provider"))
    first = accept_turn(asked, None, QUESTION, MESSAGE)
    events = run(collect(TurnRunner(), first))
    assert events[-1]["type"] == "error" and events[-1]["error"]["code"] == "try_again"
    assert "secret" not in str(events)
    assert rows(asked)[0].state == "cut"
    scripted_model.enqueue("At nine [1].")
    again = accept_turn(asked, first.session.key, QUESTION, MESSAGE)
    assert again.id == first.id and again.state == "new"
    assert text_of(run(collect(TurnRunner(), again))) == "At nine [1]."
    (row,) = rows(asked)
    assert row.state == "done" and row.attempts == 2
    with asked.tenant.read() as db:
        assert [m.role for m in db.scalars(select(Message).order_by(Message.id))] == ["visitor", "bot"]


def test_an_error_of_ours_keeps_its_code(asked, scripted_model):
    scripted_model.enqueue(Unavailable("The provider rests.", code="provider_down"))
    events = run(collect(TurnRunner(), accept_turn(asked, None, QUESTION)))
    assert events[-1]["error"]["code"] == "provider_down"
    scripted_model.enqueue(Unavailable("The provider rests.", code="provider_down"))
    with pytest.raises(Unavailable):
        run(TurnRunner().reply(accept_turn(asked, None, QUESTION)))


def test_a_finished_turn_is_handed_out_again_and_not_generated(asked, scripted_model):
    scripted_model.enqueue("At nine [1].")
    first = accept_turn(asked, None, QUESTION, MESSAGE)
    run(collect(TurnRunner(), first))
    events = run(collect(TurnRunner(), accept_turn(asked, first.session.key, QUESTION, MESSAGE)))
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


def test_two_readers_follow_one_turn_from_its_beginning(asked, scripted_model):
    async def both():
        go = asyncio.Event()
        scripted_model.enqueue("At ", go, "nine [1].")
        runner = TurnRunner()
        turn = await asyncio.to_thread(accept_turn, asked, None, QUESTION, MESSAGE)
        one = asyncio.ensure_future(collect(runner, turn))
        await until(lambda: runner.running and len(runner._live[turn.id].events) == 2)
        same = await asyncio.to_thread(accept_turn, asked, turn.session.key, QUESTION, MESSAGE)
        assert same.state == "running"
        two = asyncio.ensure_future(collect(runner, same))
        await until(lambda: runner._live[turn.id]._readers == 2)
        go.set()
        return await one, await two, runner

    one, two, runner = run(both())
    assert text_of(one) == text_of(two) == "At nine [1]." and kinds(two)[0] == "start" and kinds(two)[-1] == "done"
    assert len(scripted_model.requests) == 1 and runner.running == 0


def leave_and(asked, model, monkeypatch, *, comes_back):
    monkeypatch.setattr(live, "GRACE_SECONDS", 30.0 if comes_back else 0.02)

    async def visit():
        go = asyncio.Event()
        model.enqueue("At nine", go, " sharp [1].")
        runner = TurnRunner()
        turn = await asyncio.to_thread(accept_turn, asked, None, QUESTION, MESSAGE)
        reader = runner.events(turn)
        seen = []
        async for events in reader:
            seen += events
            if text_of(seen):
                break
        await reader.aclose()
        await until(lambda: runner.running == 0 or runner._live[turn.id]._readers == 0)
        if not comes_back:
            await until(lambda: runner.running == 0)
            return runner, []
        same = await asyncio.to_thread(accept_turn, asked, turn.session.key, QUESTION, MESSAGE)
        follow = asyncio.ensure_future(collect(runner, same))
        await until(lambda: runner._live[turn.id]._readers == 1)
        assert runner._live[turn.id]._stop is None
        go.set()
        return runner, await follow

    return run(visit())


def test_a_visitor_who_returns_in_time_goes_on_reading(asked, scripted_model, monkeypatch):
    _, events = leave_and(asked, scripted_model, monkeypatch, comes_back=True)
    assert text_of(events) == "At nine sharp [1]." and rows(asked)[0].state == "done"
    assert len(scripted_model.requests) == 1


def test_when_nobody_returns_the_model_is_closed_and_the_turn_is_cut(asked, scripted_model, monkeypatch):
    runner, _ = leave_and(asked, scripted_model, monkeypatch, comes_back=False)
    (row,) = rows(asked)
    assert scripted_model.closed == 1 and (row.state, row.text) == ("cut", "At nine") and runner.running == 0


def test_a_reader_who_comes_while_the_turn_is_being_stopped_is_told(asked, scripted_model, monkeypatch):
    monkeypatch.setattr(live, "GRACE_SECONDS", 30.0)

    async def visit():
        scripted_model.enqueue("At nine", asyncio.Event())
        runner = TurnRunner()
        turn = await asyncio.to_thread(accept_turn, asked, None, QUESTION)
        reader = asyncio.ensure_future(collect(runner, turn))
        await until(lambda: runner.running and len(runner._live[turn.id].events) == 2)
        runner._live[turn.id]._work.cancel()
        return await reader

    assert kinds(run(visit()))[-1] == "error"


def test_progress_is_saved_for_others_and_a_second_process_reads_it(asked, scripted_model, monkeypatch):
    monkeypatch.setattr(progress, "SAVE_SECONDS", 0.02)

    async def visit():
        go, end = asyncio.Event(), asyncio.Event()
        scripted_model.enqueue("At ", "nine", go, " sharp", end, " [1].")
        here, there = TurnRunner(), TurnRunner()
        turn = await asyncio.to_thread(accept_turn, asked, None, QUESTION, MESSAGE)
        one = asyncio.ensure_future(collect(here, turn))
        await until(lambda: rows(asked)[0].text == "At nine")
        same = await asyncio.to_thread(accept_turn, asked, turn.session.key, QUESTION, MESSAGE)
        seen = []

        async def watch():
            async for events in there.events(same):
                seen.extend(events)

        two = asyncio.ensure_future(watch())
        await until(lambda: text_of(seen) == "At nine")
        go.set()
        await until(lambda: text_of(seen) == "At nine sharp")
        end.set()
        await two
        return await one, seen

    one, two = run(visit())
    assert text_of(two) == text_of(one) == "At nine sharp [1]."
    assert kinds(two)[0] == "start" and kinds(two)[-2:] == ["sources", "done"] and len(scripted_model.requests) == 1


def test_a_silent_model_still_shows_that_the_turn_lives(asked, scripted_model, monkeypatch):
    monkeypatch.setattr(progress, "SAVE_SECONDS", 0.01)
    monkeypatch.setattr(progress, "BEAT_SECONDS", 0.02)

    async def visit():
        go = asyncio.Event()
        scripted_model.enqueue(go, "At nine [1].")
        runner = TurnRunner()
        turn = await asyncio.to_thread(accept_turn, asked, None, QUESTION)
        one = asyncio.ensure_future(collect(runner, turn))
        before = rows(asked)[0].updated_at
        await until(lambda: rows(asked)[0].updated_at > before)
        go.set()
        return await one

    assert text_of(run(visit())) == "At nine [1]."


def test_saving_late_does_not_bring_a_cut_turn_back(asked, scripted_model):
    turn = accept_turn(asked, None, QUESTION)
    cut_turn(turn, "At")
    progress.write_progress(asked.tenant.platform.database, [(turn.id, "At nine")], now())
    assert (rows(asked)[0].state, rows(asked)[0].text) == ("cut", "At")


def test_a_turn_whose_process_is_gone_is_an_error_for_who_watches_and_can_be_asked_again(asked, scripted_model):
    turn = accept_turn(asked, None, QUESTION, MESSAGE)
    watcher = accept_turn(asked, turn.session.key, QUESTION, MESSAGE)
    assert watcher.state == "running"
    with asked.tenant.write() as db:
        db.execute(update(TurnRow).values(updated_at=now() - timedelta(seconds=STALE_SECONDS + 1)))
    assert kinds(run(collect(TurnRunner(), watcher))) == ["start", "error"]
    assert accept_turn(asked, turn.session.key, QUESTION, MESSAGE).state == "new"


def test_stale_turns_are_cut_by_the_schedule(asked, scripted_model, platform):
    from webchatagent.jobs.schedule import cut_stale_turns

    accept_turn(asked, None, QUESTION)
    assert cut_stale_turns(platform) == 0
    with asked.tenant.write() as db:
        db.execute(update(TurnRow).values(updated_at=now() - timedelta(minutes=5)))
    assert cut_stale_turns(platform) == 1 and rows(asked)[0].state == "cut"


def test_a_quiet_stream_beats(asked, scripted_model, monkeypatch):
    monkeypatch.setattr(live, "HEARTBEAT_SECONDS", 0.01)

    async def visit():
        go, seen = asyncio.Event(), []
        scripted_model.enqueue(go, "At nine [1].")
        turn = await asyncio.to_thread(accept_turn, asked, None, QUESTION)
        async for events in TurnRunner().events(turn):
            seen.append(events)
            if seen.count([]) == 3:
                go.set()
        return seen

    seen = run(visit())
    assert seen.count([]) >= 3 and seen[-1][-1]["type"] == "done"


def test_fifty_turns_at_once(asked, scripted_model):
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
        return await asyncio.gather(*readers)

    answers = run(visit())
    assert {text_of(a) for a in answers} == {"At nine [1]."}
    assert len({a[0]["messageId"] for a in answers}) == 50 and {r.state for r in rows(asked)} == {"done"}


# -- sessions ---------------------------------------------------------------------------------------------------------


def age(bot, days):
    with bot.tenant.write() as db:
        db.execute(
            update(ChatSession).values(last_at=now() - timedelta(days=days), created_at=now() - timedelta(days=days))
        )


def test_an_ended_session_is_not_taken_up_again(asked, scripted_model, platform):
    key = accept_turn(asked, None, QUESTION).session.key
    end_session(locate_session(platform, key), erase=False)
    assert locate_session(platform, key) is None
    assert accept_turn(asked, key, QUESTION).session.key != key


def test_an_erased_session_leaves_nothing_and_a_running_answer_does_not_bring_it_back(asked, scripted_model, platform):
    async def visit():
        go = asyncio.Event()
        scripted_model.enqueue("At nine", go, " [1].")
        runner = TurnRunner()
        turn = await asyncio.to_thread(accept_turn, asked, None, QUESTION)
        one = asyncio.ensure_future(collect(runner, turn))
        await until(lambda: runner.running and len(runner._live[turn.id].events) == 2)
        await asyncio.to_thread(erase_session, asked.tenant, turn.session.id)
        go.set()
        return await one

    assert kinds(run(visit()))[-1] == "error"
    with asked.tenant.read() as db:
        assert [len(list(db.scalars(select(m)))) for m in (Message, TurnRow, ChatSession)] == [0, 0, 0]


def test_history_is_in_order_and_of_one_session(asked, scripted_model, platform):
    first = accept_turn(asked, None, QUESTION)
    run(collect(TurnRunner(), first))
    run(collect(TurnRunner(), accept_turn(asked, first.session.key, QUESTION)))
    run(collect(TurnRunner(), accept_turn(asked, None, "Another visitor?")))
    found = history(locate_session(platform, first.session.key))
    assert [m.role for m in found] == ["visitor", "bot"] * 2


@pytest.mark.parametrize(("setting", "days", "same"), [(0, 400, True), (30, 29, True), (30, 31, False)])
def test_a_session_lasts_as_long_as_the_tenant_says(asked, scripted_model, setting, days, same):
    key = accept_turn(asked, None, QUESTION).session.key
    age(asked, days)
    change_settings(asked.tenant, asked.id, session_days=setting)
    bot = find_bot(asked.tenant.platform, asked.public_id)
    assert (accept_turn(bot, key, QUESTION).session.key == key) is same
