"""What a turn took stands in its row, written by the statement that ends it."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import event

from webchatagent.core import usage
from webchatagent.core.accept import accept_turn
from webchatagent.core.bots import find_bot, save_settings
from webchatagent.core.models import CannotAnswer, ModelFailed, TokenUsage
from webchatagent.core.prices import Price, Prices
from webchatagent.core.tenants import change_prices
from webchatagent.core.turns import TurnRunner
from webchatagent.testing.turns import collect

QUESTION = "When does the shop open?"
PRICES = Prices(currency="EUR", models={"scripted": Price(tokens_in=2_000_000, tokens_out=8_000_000)})


def ask(bot, runner=None):
    """One question through the whole turn."""
    return asyncio.run(collect(runner or TurnRunner(), accept_turn(bot, None, QUESTION)))


def fresh(bot):
    return find_bot(bot.tenant.platform, bot.public_id)


def test_an_answer_leaves_who_answered_what_it_took_and_what_it_cost(asked, scripted_model, turn_rows):
    change_prices(asked.tenant, PRICES)
    scripted_model.enqueue("At nine [1].", TokenUsage(1500, 21))
    ask(fresh(asked))
    (row,) = turn_rows()
    assert (row.provider, row.model, row.error, row.bot_version) == ("offline", "scripted", "", 1)
    assert (row.tokens_in, row.tokens_out, row.cost, row.currency) == (1500, 21, 1500 * 2 + 21 * 8, "EUR")
    assert 0 <= row.first_ms <= row.total_ms < 60_000


def test_the_meters_say_the_same_as_the_rows(asked, scripted_model, turn_rows):
    change_prices(asked.tenant, PRICES)
    bot = fresh(asked)
    scripted_model.enqueue("At nine [1].", TokenUsage(1000, 10))
    scripted_model.enqueue(CannotAnswer(), TokenUsage(7, 3))
    scripted_model.enqueue("At ", ModelFailed("cut", "the provider's own words"))
    for _ in range(3):
        ask(bot)
    rows = turn_rows()
    with asked.tenant.read() as db:
        total = usage.totals(db, asked.id)
    assert total["tokens_in"] == sum(r.tokens_in for r in rows) and total["cost_EUR"] == sum(r.cost for r in rows)
    assert (total["messages"], total["refused"], total["cut"]) == (2, 1, 1)
    assert rows[2].error == "model_cut" and rows[2].first_ms is not None


def test_a_model_without_a_price_costs_nothing(asked, scripted_model, turn_rows):
    scripted_model.enqueue("At nine [1].", TokenUsage(1500, 21))
    ask(asked)
    assert turn_rows()[0].cost == 0


def test_a_failure_before_the_first_word_has_a_code_and_no_meter(asked, scripted_model, turn_rows):
    scripted_model.enqueue(ModelFailed("key", "no"))
    ask(asked)
    (row,) = turn_rows()
    assert (row.state, row.error, row.first_ms) == ("cut", "model_key", None) and row.total_ms is not None
    assert (row.provider, row.model) == ("offline", "scripted")
    with asked.tenant.read() as db:
        assert usage.totals(db, asked.id) == {}


def test_a_cut_answer_of_a_provider_that_said_nothing_is_counted_by_its_signs(asked, scripted_model, turn_rows):
    scripted_model.info = replace(scripted_model.info, local=False)
    scripted_model.enqueue("Twelve signs", ModelFailed("cut", "no"))
    ask(asked)
    (row,) = turn_rows()
    assert row.tokens_out == 12 // 4 + 1 and row.tokens_in > 50


def test_the_version_that_answered_stands_in_the_row(asked, scripted_model, turn_rows):
    save_settings(asked.tenant, asked.id, {"instructions": "Be brief."})
    ask(fresh(asked))
    assert turn_rows()[0].bot_version == 2


@pytest.fixture
def statements(asked):
    """The statements on the connections that read and write."""
    seen = []
    database = asked.tenant.platform.database

    def note(connection, cursor, statement, *_):
        seen.append(statement)

    for engine in (database.engine, database._write_engine):
        event.listen(engine, "before_cursor_execute", note)
    yield seen
    for engine in (database.engine, database._write_engine):
        if event.contains(engine, "before_cursor_execute", note):  # on PostgreSQL one engine is made from the other
            event.remove(engine, "before_cursor_execute", note)


def test_the_record_and_no_caps_cost_no_statement(asked, scripted_model, statements):
    runner = TurnRunner()
    change_prices(asked.tenant, PRICES)
    bot = fresh(asked)
    scripted_model.enqueue("At nine [1].", TokenUsage(1500, 21))
    statements.clear()
    ask(bot, runner)
    assert len([s for s in statements if s.startswith("UPDATE turn")]) == 1
    assert not [s for s in statements if s.startswith("SELECT") and ("usage" in s or "FROM turn" in s)]
