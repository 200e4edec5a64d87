"""A visitor's session: how long it lasts, and what is left of it at its end."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from webchatagent.core.accept import accept_turn
from webchatagent.core.bots import change_settings, find_bot
from webchatagent.core.clock import now
from webchatagent.core.db.chats import ChatSession, Message, TurnRow
from webchatagent.core.errors import NotFound
from webchatagent.core.sessions import end_session, erase_session, history, locate_session, rate_answer
from webchatagent.core.turns import TurnRunner
from webchatagent.testing.turns import collect, kinds, until

QUESTION = "When does the shop open in the morning?"


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

    assert kinds(asyncio.run(visit()))[-1] == "error"
    with asked.tenant.read() as db:
        assert [len(list(db.scalars(select(m)))) for m in (Message, TurnRow, ChatSession)] == [0, 0, 0]


def test_history_is_in_order_and_of_one_session(asked, scripted_model, platform):
    first = accept_turn(asked, None, QUESTION)
    asyncio.run(collect(TurnRunner(), first))
    asyncio.run(collect(TurnRunner(), accept_turn(asked, first.session.key, QUESTION)))
    asyncio.run(collect(TurnRunner(), accept_turn(asked, None, "Another visitor?")))
    found = history(locate_session(platform, first.session.key))
    assert [m.role for m in found] == ["visitor", "bot"] * 2


@pytest.mark.parametrize(("setting", "days", "same"), [(0, 400, True), (30, 29, True), (30, 31, False)])
def test_a_session_lasts_as_long_as_the_tenant_says(asked, scripted_model, platform, setting, days, same):
    key = accept_turn(asked, None, QUESTION).session.key
    age(asked, days)
    change_settings(asked.tenant, asked.id, session_days=setting)
    bot = find_bot(asked.tenant.platform, asked.public_id)
    located = locate_session(platform, key)
    assert bool(history(located)) is same
    assert (accept_turn(bot, key, QUESTION).session.key == key) is same
    if not same:
        with pytest.raises(NotFound):
            rate_answer(located, "any", "up")


def test_an_expired_session_can_still_be_erased(asked, scripted_model, platform, run_jobs):
    key = accept_turn(asked, None, QUESTION).session.key
    age(asked, 31)
    change_settings(asked.tenant, asked.id, session_days=30)
    end_session(locate_session(platform, key), erase=True)
    run_jobs()
    with asked.tenant.read() as db:
        assert db.scalar(select(ChatSession)) is None
