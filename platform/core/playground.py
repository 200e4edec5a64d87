"""Trying a bot out: a question with the passages it finds, what is sent, the answer and what it took.

Nothing of a trial becomes a conversation: no session, no message, no turn. What it cost is counted, so that it cannot
get around a cap, under a meter of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from . import caps, usage
from .accept import check_message, find_passages
from .analysis import detect_language
from .answer import Answer, source_list
from .bots import LiveBot, own_bot
from .breaker import Breakers
from .clock import new_uuid
from .entitlements import check_open
from .errors import WebChatAgentError
from .prompting import chat_messages
from .resolver import candidates, stream_answer
from .sessions import OpenSession
from .spent import metered, record_of
from .tenants import Tenant
from .turn import Turn
from .versions import read_version


@dataclass(frozen=True)
class Trial:
    """A question on its way to an answer that nobody keeps; `turn` stands in no table."""

    turn: Turn

    @property
    def sent(self) -> Sequence[tuple[str, str]]:
        """What the model is sent, as (role, text); masked."""
        assert self.turn.request is not None
        return chat_messages(self.turn.request)


def bot_of_version(tenant: Tenant, bot_id: int, number: int) -> LiveBot:
    """A bot as it answered in a version; 0 is the one in force. Raises NotFound."""
    bot = own_bot(tenant, bot_id)
    if not number or number == bot.version:
        return bot
    settings = read_version(tenant, bot_id, number).settings
    return replace(bot, settings=bot.settings.model_copy(update=settings), version=number)


def prepare_trial(bot: LiveBot, question: str) -> Trial:
    """Find passages for a question, and make what is sent. Raises InvalidRequest, QuotaExceeded."""
    check_open(bot.tenant)
    question = check_message(bot, question)
    language = detect_language(question, bot.locale)
    if caps.are_set(bot):
        with bot.tenant.write() as db:
            level = caps.reached(db, bot, 0, caps.estimate(bot, question, ()))
        if level is not None:
            raise caps.refuse(level)
    turn = Turn(0, new_uuid(), bot, OpenSession(0, "", True), question, language)
    find_passages(turn)
    return Trial(turn)


async def run_trial(trial: Trial, breakers: Breakers) -> AsyncIterator[dict[str, Any]]:
    """The events of a trial: `delta` with text, then `done` with all that was measured, or `error` in plain words."""
    turn = trial.turn
    answer, error = Answer(turn), "left"
    try:
        assert turn.request is not None
        request = replace(turn.request, closed=True)  # a trial runs no tool
        async with contextlib.aclosing(stream_answer(turn.bot, candidates(turn.bot), request, breakers)) as events:
            async for answer.by, event in events:
                shown = answer.take(event)
                if shown:
                    yield {"type": "delta", "delta": shown}
        for piece in answer.close():
            yield {"type": "delta", "delta": piece}
        error = ""
    except WebChatAgentError as failed:
        error, answer.by = failed.code, answer.by or getattr(failed, "by", None)
        yield {"type": "error", "error": {"code": failed.code, "message": str(failed)}}
    finally:
        record = record_of(turn, answer, error)
        await asyncio.to_thread(_count, turn, record)
    if not error:
        yield {"type": "done", **await asyncio.to_thread(_outcome, turn, answer), **record}


def _count(turn: Turn, record: dict[str, Any]) -> None:
    with turn.bot.tenant.write() as db:
        usage.count(db, turn.bot.id, {"trials": 1, **metered(record)})


def _outcome(turn: Turn, answer: Answer) -> dict[str, Any]:
    with turn.bot.tenant.read() as db:
        return {"refused": answer.refused, "sources": source_list(db, answer.cited, turn.vault)}
