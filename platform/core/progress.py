"""Writing how far answers are: one transaction a second for all turns of a process, however many there are."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from sqlalchemy import bindparam, or_, update

from .clock import now
from .db.chats import TurnRow
from .db.database import Database
from .tenancy import system_scope

log = logging.getLogger(__name__)
SAVE_SECONDS = 1.0
BEAT_SECONDS = 5.0
"""A turn whose model says nothing yet is touched this often, so that it does not look abandoned."""


class Growing(Protocol):
    """An answer that grows."""

    @property
    def text(self) -> str:
        """What was said so far."""


class ProgressWriter:
    """Keeps the rows of running turns up to date; works while there are any. Lives on one event loop."""

    def __init__(self) -> None:
        self._answers: dict[int, tuple[Database, Growing]] = {}
        self._saved: dict[int, tuple[int, float]] = {}
        self._work: asyncio.Task[None] | None = None

    def add(self, turn_id: int, database: Database, answer: Growing) -> None:
        """Follow a turn from now on."""
        self._answers[turn_id] = (database, answer)
        self._saved[turn_id] = (0, time.monotonic())
        if self._work is None or self._work.done():
            self._work = asyncio.ensure_future(self._run())

    def remove(self, turn_id: int) -> None:
        """The turn has ended."""
        self._answers.pop(turn_id, None)
        self._saved.pop(turn_id, None)
        if not self._answers and self._work is not None:
            self._work.cancel()

    async def _run(self) -> None:
        while self._answers:
            await asyncio.sleep(max(SAVE_SECONDS, 0.01))
            try:
                await self._save()
            except Exception:  # a database that is away must not end the saving of all answers; the next second may do
                log.exception("the progress of answers could not be written")

    async def _save(self) -> None:
        batches: dict[int, tuple[Database, list[tuple[int, str]]]] = {}
        at = time.monotonic()
        for turn_id, (database, answer) in self._answers.items():
            size, before = self._saved[turn_id]
            text = answer.text
            if len(text) != size or at - before > BEAT_SECONDS:
                self._saved[turn_id] = (len(text), at)
                batches.setdefault(id(database), (database, []))[1].append((turn_id, text))
        for database, rows in batches.values():
            await asyncio.to_thread(write_progress, database, rows, now())


def write_progress(database: Database, rows: Sequence[tuple[int, str]], at: datetime) -> None:
    """Write (turn id, text so far) of many turns; a turn that has ended meanwhile stays as it is."""
    table = TurnRow.__table__
    statement = (
        update(TurnRow.__table__)  # type: ignore[arg-type]
        .where(table.c.id == bindparam("turn"), or_(table.c.state == "accepted", table.c.state == "streaming"))
        .values(state="streaming", text=bindparam("so_far"), updated_at=at)
    )
    with system_scope("write the progress of turns of many tenants at once"), database.write() as db:
        db.connection().execute(statement, [{"turn": turn, "so_far": text} for turn, text in rows])
