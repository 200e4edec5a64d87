"""How many requests of a process compute at once.

Python runs one thread at a time. With many of them each waits for the interpreter's lock after every statement, and a
message costs a third more; so only a few compute, and one that waits for the network lets another one go.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import Executor
from typing import TypeVar

Result = TypeVar("Result")
LONG = 0.25
"""Seconds after which a piece of work no longer counts: what is slow must not keep the quick ones waiting."""
_step_aside: contextvars.ContextVar[Callable[[], object] | None] = contextvars.ContextVar("step_aside", default=None)


def step_aside() -> None:
    """Say that this thread will wait for something outside of the process: another request may compute meanwhile."""
    leave = _step_aside.get()
    if leave:
        leave()


class Slots:
    """Runs work in threads, `count` at once (more while some are slow or have stepped aside). Lives on one event loop."""

    def __init__(self, pool: Executor, count: int) -> None:
        self._pool = pool
        self._free = asyncio.Semaphore(count)

    async def run(self, work: Callable[[], Result]) -> Result:
        """The result of `work`, which runs in a thread and in a context of its own."""
        await self._free.acquire()
        loop = asyncio.get_running_loop()
        left = False

        def leave() -> None:
            nonlocal left
            if not left:
                left = True
                self._free.release()

        def here() -> Result:
            _step_aside.set(lambda: loop.call_soon_threadsafe(leave))
            return work()

        timer = loop.call_later(LONG, leave)
        try:
            return await loop.run_in_executor(self._pool, contextvars.Context().run, here)
        finally:
            timer.cancel()
            leave()
