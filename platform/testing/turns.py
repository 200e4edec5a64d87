"""Reading turns in tests: their events, what a visitor sees of them, and waiting for something without sleeping long."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from ..core.live import Event
from ..core.turn import Turn
from ..core.turns import TurnRunner


async def collect(runner: TurnRunner, turn: Turn) -> list[Event]:
    """All events of a turn, heartbeats left out."""
    return [event async for events in runner.events(turn) for event in events]


def kinds(events: Iterable[Event]) -> list[str]:
    """The types of events, in their order."""
    return [e["type"] for e in events]


def text_of(events: Iterable[Event]) -> str:
    """What a reader has seen of an answer."""
    return "".join(e.get("delta", "") for e in events)


async def until(condition: Callable[[], object], seconds: float = 10.0) -> None:
    """Wait until something is so; raises TimeoutError when it does not come."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.005)
