"""Statistics are the sums of the rows of turns, and nothing else."""

from __future__ import annotations

import math
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from webchatagent.core.bots import create_bot
from webchatagent.core.clock import now
from webchatagent.core.db.chats import ChatSession, TurnRow
from webchatagent.core.statistics import last_heard, read_statistics

ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "state": st.sampled_from(["done", "done", "cut", "streaming"]),
            "refused": st.booleans(),
            "error": st.sampled_from(["", "", "model_busy", "quota_exceeded"]),
            "provider": st.sampled_from(["llm_openai", "offline"]),
            "model": st.sampled_from(["openai:a", "offline", "two words"]),
            "tokens_in": st.integers(0, 5000),
            "tokens_out": st.integers(0, 900),
            "cost": st.integers(0, 10**13),
            "currency": st.sampled_from(["EUR", "USD"]),
            "first_ms": st.none() | st.integers(0, 9000),
            "total_ms": st.integers(0, 90_000),
            "back": st.integers(0, 9),
        }
    ),
    max_size=40,
)


def write(bot, rows):
    """Turns as they are stored, in place of those that were there."""
    with bot.tenant.write() as db:
        db.execute(delete(TurnRow).where(TurnRow.bot_id == bot.id))
        session = db.scalar(select(ChatSession).where(ChatSession.bot_id == bot.id))
        if session is None:
            session = ChatSession(bot_id=bot.id, key_hash=str(bot.id).rjust(64, "0"))
            db.add(session)
            db.flush()
        for row in rows:
            at = now() - timedelta(days=row["back"])
            values = {k: v for k, v in row.items() if k != "back"}
            db.add(TurnRow(bot_id=bot.id, session_id=session.id, created_at=at, updated_at=at, **values))


def rank(values, share):
    """The nearest rank, worked out the plain way."""
    return sorted(values)[max(0, math.ceil(len(values) * share) - 1)] if values else None


@pytest.mark.seed("SR-111")
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS)
def test_the_statistics_are_the_sums_of_the_rows(bot, foreign_bot, rows):
    write(bot, rows)
    write(foreign_bot, [{**r, "tokens_in": 999_999, "total_ms": 7 * r["total_ms"] + 1} for r in rows])
    found = read_statistics(bot.tenant, 7)
    kept = [r for r in rows if r["state"] != "streaming" and r["back"] < 7]
    total = found.total
    assert total.turns == len(kept) == total.answered + total.refused + total.failed + total.capped
    assert total.tokens_in == sum(r["tokens_in"] for r in kept)
    assert total.tokens_out == sum(r["tokens_out"] for r in kept)
    for currency in ("EUR", "USD"):
        assert total.cost.get(currency, 0) == sum(r["cost"] for r in kept if r["currency"] == currency)
    answered = [r for r in kept if r["state"] == "done" and not r["error"]]
    times = [r["total_ms"] for r in answered]
    assert (total.p50, total.p95) == (rank(times, 0.5), rank(times, 0.95))
    for sums in (found.days, found.models):
        assert sum(s.turns for s in sums.values()) == total.turns
        assert sum(s.tokens_in for s in sums.values()) == total.tokens_in
    assert len(found.days) == 7
    assert (
        found.errors == {"model_busy": n} if (n := sum(r["error"] == "model_busy" for r in kept)) else not found.errors
    )
    for (provider, model), one in found.models.items():
        mine = [r for r in answered if (r["provider"], r["model"]) == (provider, model)]
        assert one.p50 == rank([r["total_ms"] for r in mine], 0.5)


def row(**values):
    usual = {"state": "done", "model": "a", "provider": "p", "total_ms": 10, "back": 0}
    return {**usual, **values}


def test_the_first_word_counts_only_where_one_was_said(bot):
    write(bot, [row(first_ms=None), row(first_ms=None), row(first_ms=300)])
    assert read_statistics(bot.tenant).total.first_p50 == 300


def test_one_bot_alone(bot):
    other = create_bot(bot.tenant, "other", "Other")
    write(bot, [row(tokens_in=5)])
    write(other, [row(tokens_in=7)])
    assert read_statistics(bot.tenant, bot_id=other.id).total.tokens_in == 7
    assert read_statistics(bot.tenant).total.tokens_in == 12


def test_how_a_model_answered_last(bot, foreign_bot):
    write(bot, [row(), row(error="model_key", state="cut"), row(error="left", state="cut"), row(model="b")])
    write(foreign_bot, [row(model="c")])
    heard = last_heard(bot.tenant)
    assert {model: h.error for model, h in heard.items()} == {"a": "model_key", "b": ""}
