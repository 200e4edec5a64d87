"""Caps hold under load, count what is really used, and let nothing hang."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event, update

from webchatagent.core import usage
from webchatagent.core.accept import accept_turn
from webchatagent.core.bots import change_caps, create_bot, find_bot
from webchatagent.core.caps import STALE_SECONDS, Caps, QuotaExceeded, begins_anew, tenant_levels
from webchatagent.core.clock import now
from webchatagent.core.db.chats import TurnRow
from webchatagent.core.models import ModelFailed, TokenUsage
from webchatagent.core.prices import Price, Prices
from webchatagent.core.tenants import change_caps as change_tenant_caps
from webchatagent.core.tenants import change_prices
from webchatagent.core.turns import TurnRunner
from webchatagent.testing.turns import collect, text_of, until

QUESTION = "When does the shop open?"
AT_ONCE = 50


def capped(bot, **caps):
    """The bot with caps of its own."""
    change_caps(bot.tenant, bot.id, Caps(**caps))
    return find_bot(bot.tenant.platform, bot.public_id)


def ask(bot, key=None, *, visitor=False, message_id=None):
    return asyncio.run(collect(TurnRunner(), accept_turn(bot, key, QUESTION, message_id, visitor=visitor)))


def ask_at_once(bot, many=AT_ONCE):
    """So many questions at the same moment, each from a thread; how many were refused."""
    gate = threading.Barrier(many)

    def one(_):
        gate.wait()
        try:
            ask(bot)
        except QuotaExceeded:
            return 1
        return 0

    with ThreadPoolExecutor(many) as pool:
        return sum(pool.map(one, range(many)))


@pytest.mark.parametrize("of_tenant", [False, True])
def test_fifty_questions_at_once_never_ask_the_model_more_often_than_allowed(asked, scripted_model, of_tenant):
    if of_tenant:
        change_tenant_caps(asked.tenant, Caps(day_messages=17))
        bot = find_bot(asked.tenant.platform, asked.public_id)
    else:
        bot = capped(asked, day_messages=17)
    refused = ask_at_once(bot)
    overshoot = len(scripted_model.requests) - 17
    print(f"caps: {AT_ONCE} at once, 17 allowed, {len(scripted_model.requests)} asked, overshoot {overshoot}")
    assert (overshoot, refused) == (0, AT_ONCE - 17)


@pytest.mark.parametrize("caps", [{"day_tokens": 40_000}, {"month_money": 100_000}])
def test_tokens_and_money_stay_below_the_cap_under_load(asked, scripted_model, caps):
    change_prices(asked.tenant, Prices(models={"scripted": Price(tokens_in=3_000_000, tokens_out=9_000_000)}))
    for _ in range(AT_ONCE):
        scripted_model.enqueue("At nine [1].", TokenUsage(3000, 700))
    bot = capped(asked, **caps)
    ask_at_once(bot)
    with bot.tenant.read() as db:
        total = usage.totals(db, bot.id)
    used = {"day_tokens": total["tokens_in"] + total["tokens_out"], "month_money": total["cost_EUR"]}
    assert all(0 < used[name] <= most for name, most in caps.items())


def test_what_was_held_and_not_used_is_free_again(asked, scripted_model):
    bot = capped(asked, day_tokens=10_000)
    for _ in range(4):  # each holds some four thousand and uses eleven
        scripted_model.enqueue("At nine [1].", TokenUsage(10, 1))
        ask(bot)
    assert len(scripted_model.requests) == 4


def test_a_question_that_failed_before_the_first_word_is_not_counted(asked, scripted_model):
    bot = capped(asked, day_messages=1)
    scripted_model.enqueue(ModelFailed("key", "no"))
    ask(bot)
    ask(bot)
    with pytest.raises(QuotaExceeded):
        accept_turn(bot, None, QUESTION)


def test_leaving_in_the_middle_of_an_answer_does_not_get_around_a_cap(asked, scripted_model):
    bot = capped(asked, day_messages=1)
    message_id = "0d5f2c7e-9a4b-4d33-8f8e-5b9d3a1c2e4f"
    scripted_model.enqueue("At ", ModelFailed("cut", "no"))
    first = accept_turn(bot, None, QUESTION, message_id)
    asyncio.run(collect(TurnRunner(), first))
    for key, name in ((None, None), (first.session.key, message_id)):
        with pytest.raises(QuotaExceeded):
            accept_turn(bot, key, QUESTION, name)
    assert len(scripted_model.requests) == 1


def test_leaving_before_the_first_word_does_not_get_around_a_cap_either(asked, scripted_model):
    bot = capped(asked, day_messages=1)

    async def leave():
        never = asyncio.Event()
        scripted_model.enqueue(never)
        runner = TurnRunner()
        turn = await asyncio.to_thread(accept_turn, bot, None, QUESTION)
        reading = asyncio.ensure_future(collect(runner, turn))
        await until(lambda: scripted_model.requests)
        runner._live[turn.id]._work.cancel()  # as after the ten seconds in which nobody came back
        await reading

    asyncio.run(leave())
    with pytest.raises(QuotaExceeded):
        accept_turn(bot, None, QUESTION)


def test_the_question_of_a_dead_process_holds_nothing_for_long(asked, scripted_model):
    bot = capped(asked, day_messages=1)
    turn = accept_turn(bot, None, QUESTION)
    with pytest.raises(QuotaExceeded):
        accept_turn(bot, None, QUESTION)
    with bot.tenant.write() as db:  # nobody wrote to it since
        long_ago = now() - timedelta(seconds=STALE_SECONDS + 1)
        db.execute(update(TurnRow).where(TurnRow.id == turn.id).values(updated_at=long_ago))
    assert accept_turn(bot, None, QUESTION).state == "new"


def test_a_conversation_has_a_cap_of_its_own(asked, scripted_model):
    bot = capped(asked, session_messages=2)
    first = accept_turn(bot, None, QUESTION)
    asyncio.run(collect(TurnRunner(), first))
    ask(bot, first.session.key)
    with pytest.raises(QuotaExceeded):
        accept_turn(bot, first.session.key, QUESTION)
    ask(bot)  # another visitor


def test_the_cap_of_a_bot_is_its_own_and_that_of_a_tenant_counts_all_bots(asked, scripted_model, foreign_bot):
    other = create_bot(asked.tenant, "other", "Other")
    bot = capped(asked, day_messages=1)
    ask(bot)
    ask(other)
    change_tenant_caps(asked.tenant, Caps(month_messages=2))
    for name in (asked.public_id, other.public_id):
        with pytest.raises(QuotaExceeded):
            accept_turn(find_bot(asked.tenant.platform, name), None, QUESTION)
    ask(find_bot(asked.tenant.platform, foreign_bot.public_id))  # another tenant's use is its own


def test_what_another_tenant_uses_and_holds_is_not_counted(asked, scripted_model, foreign_bot):
    ask(foreign_bot)
    accept_turn(foreign_bot, None, QUESTION)  # still on its way
    change_tenant_caps(asked.tenant, Caps(day_messages=1))
    bot = find_bot(asked.tenant.platform, asked.public_id)
    ask(bot)
    (level,) = tenant_levels(bot.tenant)
    assert (level.used, level.most) == (1, 1)
    with pytest.raises(QuotaExceeded):
        accept_turn(bot, None, QUESTION)


def test_a_visitor_reads_a_polite_refusal_and_the_model_is_not_asked(asked, scripted_model, turn_rows):
    bot = capped(asked, day_messages=1)
    ask(bot)
    events = ask(bot, visitor=True)
    assert "try again later" in text_of(events) and events[-1]["refused"] is True
    assert len(scripted_model.requests) == 1
    row = turn_rows()[-1]
    assert (row.state, row.error, row.tokens_in, row.cost) == ("done", "quota_exceeded", 0, 0)
    with bot.tenant.read() as db:
        assert usage.totals(db, bot.id)["capped"] == 1


def test_a_visitor_is_answered_by_the_offline_model_where_that_was_chosen(asked, scripted_model):
    bot = capped(asked, day_messages=1, at_limit="offline")  # the scripted model stands in for the offline one
    ask(bot)
    scripted_model.enqueue("Nine o'clock [1].")
    events = ask(bot, visitor=True)
    assert text_of(events) == "Nine o'clock [1]." and events[-1]["refused"] is False
    with pytest.raises(QuotaExceeded):
        accept_turn(bot, None, QUESTION)


def test_a_program_gets_402_and_a_visitor_an_answer(asked, scripted_model, client):
    bot = capped(asked, day_messages=1)
    ask(bot)
    body = {"message": QUESTION, "chatbotId": bot.public_id}
    answer = client.post("/api/chat", json=body)
    assert answer.status_code == 402 and set(answer.json) == {"error"}
    assert answer.json["error"]["code"] == "quota_exceeded" and set(answer.json["error"]) == {"code", "message"}
    assert 0 < int(answer.headers["Retry-After"]) <= 86_401
    streamed = client.post("/api/chat", json=body, headers={"Accept": "text/event-stream"})
    assert streamed.status_code == 402
    visitor = client.post("/api/chat", json=body, headers={"Origin": "http://localhost"})
    assert visitor.status_code == 200 and visitor.json["refused"] is True
    assert len(scripted_model.requests) == 1


def test_a_bot_without_caps_reads_no_meter(asked, scripted_model):
    seen = []
    engine = asked.tenant.platform.database._write_engine

    def note(connection, cursor, statement, *_):
        seen.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    accept_turn(asked, None, QUESTION)
    without = list(seen)
    seen.clear()
    bot = capped(asked, day_messages=5)
    seen.clear()
    accept_turn(bot, None, QUESTION)
    event.remove(engine, "before_cursor_execute", note)
    assert without and not [s for s in without if "FROM usage" in s]
    assert len(seen) == len(without) + 1 and len([s for s in seen if "FROM usage" in s]) == 1


@pytest.mark.parametrize(
    "name, at, seconds",
    [
        ("day_messages", datetime(2026, 2, 28, 23, 59, 50, tzinfo=UTC), 11),
        ("month_money", datetime(2026, 12, 31, 23, 0, 0, tzinfo=UTC), 3601),
        ("month_tokens", datetime(2024, 2, 29, 0, 0, 0, tzinfo=UTC), 86401),
    ],
)
def test_a_cap_begins_anew_with_the_day_or_the_month(name, at, seconds):
    assert begins_anew(name, at) == seconds


def test_a_cap_of_tokens_below_one_question_is_refused():
    with pytest.raises(ValueError, match="10000"):
        Caps(day_tokens=500)
