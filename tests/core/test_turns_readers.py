"""Who reads an answer: two at once, one who leaves and comes back, another process, and nobody any more."""

from __future__ import annotations

import asyncio
import os
from datetime import timedelta

from sqlalchemy import select, update

from webchatagent.core import live, progress, turns
from webchatagent.core.accept import accept_turn
from webchatagent.core.alive import process_name
from webchatagent.core.answer import Answer, cut_turn
from webchatagent.core.clock import now
from webchatagent.core.db.chats import TurnRow
from webchatagent.core.models import TextDelta
from webchatagent.core.turn import STALE_SECONDS
from webchatagent.core.turns import TurnRunner
from webchatagent.testing.turns import collect, kinds, text_of, until

QUESTION = "When does the shop open in the morning?"
MESSAGE = "11111111-2222-3333-4444-555555555555"


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

    one, two, runner = asyncio.run(both())
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

    return asyncio.run(visit())


def test_a_visitor_who_returns_in_time_goes_on_reading(asked, scripted_model, monkeypatch, turn_rows):
    _, events = leave_and(asked, scripted_model, monkeypatch, comes_back=True)
    assert text_of(events) == "At nine sharp [1]." and turn_rows()[0].state == "done"
    assert len(scripted_model.requests) == 1


def test_when_nobody_returns_the_model_is_closed_and_the_turn_is_cut(asked, scripted_model, monkeypatch, turn_rows):
    runner, _ = leave_and(asked, scripted_model, monkeypatch, comes_back=False)
    (row,) = turn_rows()
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

    assert kinds(asyncio.run(visit()))[-1] == "error"


def test_progress_is_saved_for_others_and_a_second_process_reads_it(asked, scripted_model, monkeypatch, turn_rows):
    monkeypatch.setattr(progress, "SAVE_SECONDS", 0.02)

    async def visit():
        go, end = asyncio.Event(), asyncio.Event()
        scripted_model.enqueue("At ", "nine", go, " sharp", end, " [1].")
        here, there = TurnRunner(), TurnRunner()
        turn = await asyncio.to_thread(accept_turn, asked, None, QUESTION, MESSAGE)
        one = asyncio.ensure_future(collect(here, turn))
        await until(lambda: turn_rows()[0].text == "At nine")
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

    one, two = asyncio.run(visit())
    assert text_of(two) == text_of(one) == "At nine sharp [1]."
    assert kinds(two)[0] == "start" and kinds(two)[-2:] == ["sources", "done"] and len(scripted_model.requests) == 1


def test_a_silent_model_still_shows_that_the_turn_lives(asked, scripted_model, monkeypatch, turn_rows):
    monkeypatch.setattr(progress, "SAVE_SECONDS", 0.01)
    monkeypatch.setattr(progress, "BEAT_SECONDS", 0.02)

    async def visit():
        go = asyncio.Event()
        scripted_model.enqueue(go, "At nine [1].")
        runner = TurnRunner()
        turn = await asyncio.to_thread(accept_turn, asked, None, QUESTION)
        one = asyncio.ensure_future(collect(runner, turn))
        before = turn_rows()[0].updated_at
        await until(lambda: turn_rows()[0].updated_at > before)
        go.set()
        return await one

    assert text_of(asyncio.run(visit())) == "At nine [1]."


def test_saving_late_does_not_bring_a_cut_turn_back(asked, scripted_model, turn_rows):
    turn = accept_turn(asked, None, QUESTION)
    answer = Answer(turn)
    answer.take(TextDelta("At"))
    cut_turn(turn, answer, "left")
    progress.write_progress(asked.tenant.platform.database, [(turn.id, "At nine")], now())
    assert (turn_rows()[0].state, turn_rows()[0].text) == ("cut", "At")


def test_a_turn_whose_process_is_gone_is_an_error_for_who_watches_and_can_be_asked_again(asked, scripted_model):
    turn = accept_turn(asked, None, QUESTION, MESSAGE)
    watcher = accept_turn(asked, turn.session.key, QUESTION, MESSAGE)
    assert watcher.state == "running"
    with asked.tenant.write() as db:
        db.execute(update(TurnRow).values(updated_at=now() - timedelta(seconds=STALE_SECONDS + 1)))
    assert kinds(asyncio.run(collect(TurnRunner(), watcher))) == ["start", "error"]
    assert accept_turn(asked, turn.session.key, QUESTION, MESSAGE).state == "new"


def test_stale_turns_are_cut_by_the_schedule(asked, scripted_model, platform, turn_rows):
    from webchatagent.jobs.schedule import cut_stale_turns

    accept_turn(asked, None, QUESTION)
    assert cut_stale_turns(platform) == 0
    with asked.tenant.write() as db:
        db.execute(update(TurnRow).values(updated_at=now() - timedelta(minutes=5)))
    assert cut_stale_turns(platform) == 1 and turn_rows()[0].state == "cut"


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

    seen = asyncio.run(visit())
    assert seen.count([]) >= 3 and seen[-1][-1]["type"] == "done"


def test_the_progress_of_many_turns_is_written_at_once(asked, scripted_model, platform):
    written = [accept_turn(asked, None, QUESTION) for _ in range(3)]
    done = accept_turn(asked, None, QUESTION)
    asyncio.run(collect(TurnRunner(), done))
    rows = [(t.id, f"so far {t.id}") for t in [*written, done]]
    progress.write_progress(platform.database, rows, progress.now())
    with asked.tenant.read() as db:
        found = {r.id: (r.state, r.text) for r in db.scalars(select(TurnRow))}
    assert all(found[t.id] == ("streaming", f"so far {t.id}") for t in written)
    assert found[done.id] == ("done", "")


def test_an_answer_is_finished_for_a_visitor_who_left(asked, scripted_model, monkeypatch, turn_rows):
    monkeypatch.setattr(live, "GRACE_SECONDS", 30.0)

    async def visit():
        runner, go = TurnRunner(), asyncio.Event()
        scripted_model.enqueue("At ", go, "nine [1].")
        reader = runner.events(accept_turn(asked, None, QUESTION))
        await anext(reader)
        await reader.aclose()
        go.set()
        await until(lambda: runner.running == 0)

    asyncio.run(visit())
    assert turn_rows()[0].state == "done" and scripted_model.closed == 1


def watch_elsewhere(asked, model, monkeypatch, *, leaves):
    """A reader leaves the process that answers and comes back to another one; perhaps leaves that too."""
    monkeypatch.setattr(live, "GRACE_SECONDS", 0.05)
    monkeypatch.setattr(turns, "WATCH_SECONDS", 0.3 if leaves else 30.0)

    async def visit():
        go = asyncio.Event()
        model.enqueue("At nine", go, " sharp [1].")
        here, there = TurnRunner(), TurnRunner()
        turn = await asyncio.to_thread(accept_turn, asked, None, QUESTION, MESSAGE)
        reader = here.events(turn)
        await anext(reader)
        same = await asyncio.to_thread(accept_turn, asked, turn.session.key, QUESTION, MESSAGE)
        assert same.state == "running"
        seen = []
        elsewhere = there.events(same)
        seen += await anext(elsewhere)
        seen += await anext(elsewhere)  # it has looked, and was seen
        await reader.aclose()
        if leaves:
            await elsewhere.aclose()
            await until(lambda: here.running == 0)
            return seen
        asked_again = here._live[turn.id]
        await until(lambda: asked_again._asking is not None and asked_again._asking.done() and asked_again._stop)
        go.set()
        async for events in elsewhere:
            seen += events
        return seen

    return asyncio.run(visit())


def test_an_answer_that_is_read_in_another_process_goes_on(asked, scripted_model, monkeypatch, turn_rows):
    events = watch_elsewhere(asked, scripted_model, monkeypatch, leaves=False)
    assert text_of(events) == "At nine sharp [1]." and kinds(events)[-1] == "done"
    assert turn_rows()[0].state == "done" and len(scripted_model.requests) == 1


def test_when_the_reader_leaves_the_other_process_too_the_model_is_closed(
    asked, scripted_model, monkeypatch, turn_rows
):
    watch_elsewhere(asked, scripted_model, monkeypatch, leaves=True)
    assert turn_rows()[0].state == "cut" and scripted_model.closed == 1


def test_at_the_end_of_a_process_short_answers_end_and_long_ones_are_cut_and_said(asked, scripted_model, turn_rows):
    async def visit(*words, seconds):
        runner = TurnRunner()
        scripted_model.enqueue(*words)
        turn = await asyncio.to_thread(accept_turn, asked, None, QUESTION)
        reader = asyncio.ensure_future(collect(runner, turn))
        await until(lambda: runner.running or reader.done())
        await runner.finish(seconds)
        assert runner.running == 0
        return await reader

    assert kinds(asyncio.run(visit("At ", "nine [1].", seconds=20)))[-1] == "done"
    assert kinds(asyncio.run(visit("At nine", asyncio.Event(), seconds=0.05)))[-1] == "error"
    assert [row.state for row in turn_rows()] == ["done", "cut"]


def test_a_turn_whose_process_died_on_this_machine_is_taken_up_at_once(asked, scripted_model):
    turn = accept_turn(asked, None, QUESTION, MESSAGE)
    watcher = accept_turn(asked, turn.session.key, QUESTION, MESSAGE)
    dead = process_name().replace(f":{os.getpid()}:", ":999999999:")
    with asked.tenant.write() as db:
        db.execute(update(TurnRow).values(held_by=dead))
    assert watcher.state == "running" and kinds(asyncio.run(collect(TurnRunner(), watcher))) == ["start", "error"]
    assert accept_turn(asked, turn.session.key, QUESTION, MESSAGE).state == "new"
    assert accept_turn(asked, turn.session.key, QUESTION, MESSAGE).state == "running"  # it has a process again
