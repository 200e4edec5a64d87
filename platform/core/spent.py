"""The record of a turn: who answered, what it took, what it cost. It is written with the turn's own row."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .answer import Answer
    from .turn import Turn

SIGNS_A_TOKEN = 4
"""For an answer that was cut off before its provider said how many tokens it took."""


def record_of(turn: Turn, answer: Answer, error: str = "") -> dict[str, Any]:
    """The columns of the turn's row. `error` is the code of what ended it, empty for an answer.

    Times count from the moment the question was taken in, as the visitor waited; costs are in micro-units.
    """
    model = answer.by.model.info.id if answer.by else ""
    tokens_in, tokens_out = answer.usage.tokens_in, answer.usage.tokens_out
    if error and answer.by and answer.text and not tokens_out and not answer.by.model.info.local:
        tokens_in, tokens_out = _signs_in(turn) // SIGNS_A_TOKEN, len(answer.text) // SIGNS_A_TOKEN + 1
    prices = turn.bot.tenant.prices
    return {
        "provider": answer.by.plugin if answer.by else "",
        "model": model[:100],
        "tokens_in": tokens_in,
        "tokens_out": tokens_out,
        "first_ms": _ms(turn, answer.first_at) if answer.first_at else None,
        "total_ms": _ms(turn, time.perf_counter()),
        "error": error[:40],
        "cost": prices.cost(model, tokens_in, tokens_out),
        "currency": prices.currency,
        "bot_version": turn.bot.version,
    }


def _ms(turn: Turn, at: float) -> int:
    return max(0, round((at - turn.began) * 1000))


def _signs_in(turn: Turn) -> int:
    r = turn.request
    if r is None:
        return 0
    passages = sum(len(p.title) + len(p.text) for p in r.passages)
    return len(r.instructions) + len(r.question) + passages + sum(len(text) for _, text in r.history)


def metered(record: dict[str, Any]) -> dict[str, int]:
    """What of a record the meters count."""
    return {
        "tokens_in": record["tokens_in"],
        "tokens_out": record["tokens_out"],
        f"cost_{record['currency']}": record["cost"],
    }
