"""The second half of a turn: ask the model, stream, store. Runs on the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import Any

from sqlalchemy import select, update

from .accept import find_again, is_left
from .actions import shown_parts
from .answer import Answer, cut_turn, finish_turn, finished_events
from .breaker import Breakers
from .clock import now
from .condense import condense
from .db.chats import Message, TurnRow
from .errors import Unavailable, WebChatAgentError
from .live import Event, LiveTurn
from .models import ModelFailed
from .progress import ProgressWriter
from .resolver import Candidate, candidates, stream_answer
from .texts import say
from .tool_loop import step_events
from .turn import Turn

log = logging.getLogger(__name__)
WATCH_SECONDS = 6.0
"""For so long a reader in another process counts after it was last seen; it shows itself twice in that time."""


@dataclass
class Reply:
    """A whole answer, for callers that do not stream."""

    message_id: str
    text: str = ""
    sources: list[dict[str, Any]] = field(default_factory=list)
    parts: list[dict[str, Any]] = field(default_factory=list)
    refused: bool = False

    def take(self, event: Event) -> None:
        """Take one event. Raises Unavailable for an error."""
        kind = event["type"]
        if kind == "delta":
            self.text += event["delta"]
        elif kind == "replace":
            self.text = event["text"]
        elif kind == "sources":
            self.sources = event["sources"]
        elif kind == "part":
            self.parts.append(event["part"])
        elif kind == "done":
            self.refused = event["refused"]
        elif kind == "error":
            raise Unavailable(event["error"]["message"], code=event["error"]["code"], retry_after=2)


class TurnRunner:
    """Runs turns on the event loop it is used from, and lets readers follow them."""

    def __init__(self, breakers: Breakers | None = None) -> None:
        self._live: dict[int, LiveTurn] = {}
        self._progress = ProgressWriter()
        self._breakers = breakers or Breakers()

    @property
    def running(self) -> int:
        """How many turns are being answered in this process."""
        return len(self._live)

    async def events(self, turn: Turn) -> AsyncIterator[list[Event]]:
        """The events of a turn, from `start` to `done` or `error`, as they come; an empty list is a heartbeat."""
        if turn.state == "done":
            yield finished_events(turn)
            return
        live = self._live.get(turn.id)
        if live is None and turn.state == "running":
            async for events in _watch(turn):  # another process answers it
                yield events
            return
        if live is None:
            live = self._live[turn.id] = LiveTurn(partial(_is_watched, turn))
            live.start(_answer(turn, live, self._progress, self._breakers), lambda: self._forget(turn.id))
        async with contextlib.aclosing(live.follow()) as following:  # leaving is noticed at once
            async for events in following:
                yield events

    async def finish(self, seconds: float) -> None:
        """Let running turns end, for so many seconds; the others are cut, and their readers told. For a process's end."""
        if self._live:
            await asyncio.gather(*(live.finish(seconds) for live in list(self._live.values())))

    def _forget(self, turn_id: int) -> None:
        self._live.pop(turn_id, None)

    async def reply(self, turn: Turn) -> Reply:
        """The whole answer of a turn. Raises Unavailable when it was cut off."""
        if turn.request is not None:
            turn.request = replace(turn.request, streamed=False)
        reply = Reply(turn.public_id)
        async for events in self.events(turn):
            for event in events:
                reply.take(event)
        return reply


async def _answer(turn: Turn, live: LiveTurn, progress: ProgressWriter, breakers: Breakers) -> None:
    """Produce the events of one turn and store how it ended, whatever happens."""
    answer = Answer(turn)
    live.emit({"type": "start", "messageId": turn.public_id})
    try:
        assert turn.request is not None
        order = turn.models or candidates(turn.bot)
        if turn.follow_up:
            answer = await _say_in_full(turn, order, breakers)
        if turn.tools:
            stream = step_events(turn, answer.used, order, breakers)
        else:
            stream = stream_answer(turn.bot, order, turn.request, breakers)
        progress.add(turn.id, turn.bot.tenant.platform.database, answer)
        try:
            async with contextlib.aclosing(stream) as events:
                async for answer.by, event in events:
                    shown = answer.take(event)
                    if shown:
                        live.emit({"type": "delta", "delta": shown})
        finally:
            progress.remove(turn.id)
        for piece in answer.close():
            live.emit({"type": "delta", "delta": piece})
        if withdrawn := answer.withdrawn():
            live.emit({"type": "replace", "text": withdrawn})
        await asyncio.to_thread(finish_turn, turn, answer)
        if answer.sources:
            live.emit({"type": "sources", "sources": answer.sources})
        for part in answer.used.cards:
            live.emit({"type": "part", "part": part})
        live.emit({"type": "done", "refused": answer.refused, "mode": "bot", "status": None})
    except asyncio.CancelledError:
        await _cut(turn, answer, "left")  # it was cancelled once, and is not again
        live.emit(_cut_event(turn))  # for a reader who came back in this very moment
        raise
    except ModelFailed as error:  # what the provider said is for the tenant, not for the visitor
        log.warning("turn %s: %s %s", turn.public_id, error.code, type(error.__cause__).__name__)
        answer.by = answer.by or error.by
        await _cut(turn, answer, error.code)
        live.emit(_cut_event(turn, "answer_cut" if answer.text else "model_failed"))
    except WebChatAgentError as error:
        await _cut(turn, answer, error.code)
        live.emit({"type": "error", **error.as_json()})
    except Exception:  # whatever it was, the reader is told and the turn does not stay open
        log.exception("turn %s failed", turn.public_id)
        await _cut(turn, answer, "crashed")
        live.emit(_cut_event(turn))


async def _cut(turn: Turn, answer: Answer, why: str) -> None:
    """Mark a turn as cut. Where the database is away, the reader must be told all the same: the schedule marks it then."""
    try:
        await asyncio.to_thread(cut_turn, turn, answer, why)
    except Exception:  # of the database, whatever it is
        log.exception("turn %s could not be marked as cut", turn.public_id)


async def _say_in_full(turn: Turn, order: Sequence[Candidate], breakers: Breakers) -> Answer:
    """Find the passages once more, by the question said in full; the answer begins with what that cost."""
    question, spent = await condense(turn, order, breakers)
    if question:
        await asyncio.to_thread(find_again, turn, question)
    answer = Answer(turn)
    answer.spent = answer.usage = spent
    return answer


def _cut_event(turn: Turn, sentence: str = "answer_cut") -> Event:
    return {"type": "error", "error": {"code": "try_again", "message": say(sentence, turn.language)}}


async def _watch(turn: Turn) -> AsyncIterator[list[Event]]:
    """Follow a turn that another process answers, by its row, twice a second; and let that process know."""
    yield [{"type": "start", "messageId": turn.public_id}]
    shown, told = "", 0.0
    while True:
        tell = time.monotonic() - told >= WATCH_SECONDS / 2
        row, answer = await asyncio.to_thread(_look, turn, tell=tell)
        told = time.monotonic() if tell else told
        text = answer.text if answer else row.text if row else ""
        if text.startswith(shown) and len(text) > len(shown):
            yield [{"type": "delta", "delta": text[len(shown) :]}]
            shown = text
        if answer and row:
            if shown and not answer.text.startswith(shown):
                yield [{"type": "replace", "text": answer.text}]
            turn.answer, turn.refused = answer, row.refused
            yield finished_events(turn)[2:]
            return
        if row is None or (row.state != "done" and is_left(row)):
            yield [_cut_event(turn)]
            return
        yield []
        await asyncio.sleep(0.5)


def _look(turn: Turn, *, tell: bool = False) -> tuple[TurnRow | None, Message | None]:
    with turn.bot.tenant.write() if tell else turn.bot.tenant.read() as db:
        if tell:
            db.execute(update(TurnRow).where(TurnRow.id == turn.id).values(watched_at=now()))
        row = db.get(TurnRow, turn.id)
        answer = db.get(Message, row.answer_id) if row and row.state == "done" else None
        if answer is not None and answer.parts:
            turn.parts = shown_parts(turn.bot.tenant, db, [answer]).get(answer.id, ())
        return row, answer


async def _is_watched(turn: Turn) -> bool:
    """Whether a reader in another process was there a moment ago; also where the database cannot say."""

    def look() -> bool:
        with turn.bot.tenant.read() as db:
            at = db.scalar(select(TurnRow.watched_at).where(TurnRow.id == turn.id))
        return at is not None and at > now() - timedelta(seconds=WATCH_SECONDS)

    try:
        return await asyncio.to_thread(look)
    except Exception:  # of the database, whatever it is: the answer goes on, and the next look says more
        log.exception("who reads turn %s cannot be seen", turn.public_id)
        return True
