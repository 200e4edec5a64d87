"""Turns that are being answered in this process, and those who read them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from typing import Any

HEARTBEAT_SECONDS = 5.0
GRACE_SECONDS = 10.0
STORE_SECONDS = 3.0
Event = dict[str, Any]


class LiveTurn:
    """The events of one turn so far; any number of readers may follow, from the beginning each.

    When the last reader leaves and none comes back within ten seconds, the work is stopped, unless `elsewhere` says that
    another process has a reader. Lives on one event loop.
    """

    def __init__(self, elsewhere: Callable[[], Awaitable[bool]] | None = None) -> None:
        self.events: list[Event] = []
        self.done = False
        self._readers = 0
        self._waiting: set[asyncio.Future[bool]] = set()
        self._work: asyncio.Task[None] | None = None
        self._stop: asyncio.TimerHandle | None = None
        self._elsewhere = elsewhere
        self._asking: asyncio.Task[None] | None = None

    def start(self, work: Coroutine[Any, Any, None], finished: Callable[[], None]) -> None:
        """Run the coroutine that produces the events; `finished` is called when it has ended, however."""

        def over(_: asyncio.Task[None]) -> None:
            self.end()
            finished()

        self._work = asyncio.ensure_future(work)
        self._work.add_done_callback(over)

    async def finish(self, seconds: float) -> None:
        """Wait for the end; after so many seconds stop the work, and wait until that is stored."""
        if self._work is None:
            return
        await asyncio.wait([self._work], timeout=seconds)
        self._work.cancel()
        await asyncio.wait([self._work], timeout=STORE_SECONDS)

    def emit(self, event: Event) -> None:
        """Add an event and wake the readers."""
        self.events.append(event)
        self._wake()

    def end(self) -> None:
        """No more events will come."""
        self.done = True
        self._wake()

    def _wake(self) -> None:
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_result(True)
        self._waiting.clear()

    async def follow(self) -> AsyncGenerator[list[Event], None]:
        """Yield what is new, several events at once when they came at once; an empty list after five quiet seconds."""
        self._readers += 1
        if self._stop:
            self._stop.cancel()
            self._stop = None
        try:
            position = 0
            while True:
                if position < len(self.events):
                    new, position = self.events[position:], len(self.events)
                    yield new
                elif self.done:
                    return
                elif not await self._changed():
                    yield []
        finally:
            self._readers -= 1
            if not self._readers and not self.done:
                self._stop = asyncio.get_running_loop().call_later(GRACE_SECONDS, self._give_up)

    async def _changed(self) -> bool:
        """Wait for the next event; False when none came in time."""
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[bool] = loop.create_future()
        self._waiting.add(waiter)
        timer = loop.call_later(HEARTBEAT_SECONDS, lambda: None if waiter.done() else waiter.set_result(False))
        try:
            return await waiter
        finally:
            timer.cancel()
            self._waiting.discard(waiter)

    def _give_up(self) -> None:
        if not self._readers and self._work:
            self._asking = asyncio.ensure_future(self._stop_unless_read())

    async def _stop_unless_read(self) -> None:
        read = self._elsewhere is not None and await self._elsewhere()
        if self._readers or self.done or self._work is None:
            return
        if read:  # ask again later
            self._stop = asyncio.get_running_loop().call_later(GRACE_SECONDS, self._give_up)
        else:
            self._work.cancel()
