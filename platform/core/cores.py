"""Which processor core the threads of a server run on.

Python computes in one thread at a time. On several cores the threads of a server hand the interpreter's lock from core
to core, and each finds cold caches there: a message costs a third more, and at 16 at once ten times as many switches
(ADR 0010). So the event loop and the threads that serve requests share one core. What releases the lock for long (the
local embedding model, children, background jobs) uses the others. Only Linux lets a thread say this; elsewhere nothing
happens.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

LOOK_SECONDS = 5.0
CROWDED = 0.3
"""Share of a core that others may use before the server looks for a quieter one."""
BETTER = 0.15
"""How much quieter it must be there: two that move at once would else chase each other."""


@dataclass
class _Held:
    """The core that a server holds, among those that it may use."""

    core: int
    allowed: Sequence[int]


_held: list[_Held] = []  # of this process: one or none


@contextlib.contextmanager
def one_core(place: int | None = None) -> Iterator[None]:
    """Run this thread, and those that it starts, on one core; a quieter one is looked for while it lasts.

    `place` is the number of this process among several of a server, so that each has a core of its own.
    """
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_setaffinity") else []
    if len(cores) < 2 or _held:
        yield
        return
    held, ended = _Held(cores[(os.getpid() if place is None else place) % len(cores)], cores), threading.Event()
    watch = threading.Thread(target=_watch, args=(held, ended), name="cores", daemon=True)
    watch.start()  # before this thread is bound: a new thread has the bounds of the one that starts it
    _held.append(held)
    os.sched_setaffinity(0, {held.core})
    try:
        yield
    finally:
        ended.set()
        watch.join()
        _held.clear()
        os.sched_setaffinity(0, cores)


@contextlib.contextmanager
def all_cores() -> Iterator[None]:
    """Run this thread on any core, for work that releases the interpreter's lock or starts threads of its own."""
    if not _held:
        yield
        return
    held = _held[0]
    os.sched_setaffinity(0, held.allowed)
    try:
        yield
    finally:
        os.sched_setaffinity(0, {held.core} if _held else held.allowed)


def _watch(held: _Held, ended: threading.Event) -> None:
    before = _Load.now()
    while not ended.wait(LOOK_SECONDS):
        after = _Load.now()
        there = quieter_core(held.core, held.allowed, after.since(before))
        if there is not None:
            _move(held, there)
        before = after


def quieter_core(here: int, cores: Sequence[int], others: Mapping[int, float]) -> int | None:
    """The core to move to, or None to stay. `others`: which share of each core other work than the server's takes."""
    if others.get(here, 0.0) < CROWDED:
        return None
    best = min(cores, key=lambda core: others.get(core, 1.0))
    return best if others.get(best, 1.0) <= others[here] - BETTER else None


def _move(held: _Held, there: int) -> None:
    """Take all threads that are bound to the held core to another one."""
    here, held.core = held.core, there
    for task in _tasks():
        with contextlib.suppress(OSError, ValueError):  # the thread has ended
            if os.sched_getaffinity(task) == {here}:
                os.sched_setaffinity(task, {there})


def _tasks() -> list[int]:
    return [int(name) for name in os.listdir("/proc/self/task")]


class _Load:
    """The busy ticks of each core, and those of this process's own threads by the core that they are bound to."""

    def __init__(self, busy: dict[int, int], own: dict[int, int], total: dict[int, int]) -> None:
        self._busy, self._own, self._total = busy, own, total

    @classmethod
    def now(cls) -> _Load:
        busy: dict[int, int] = {}
        total: dict[int, int] = {}
        own: dict[int, int] = {}
        with contextlib.suppress(OSError, ValueError):
            for line in Path("/proc/stat").read_text(encoding="ascii").split("\n"):
                if line.startswith("cpu") and line[3:4].isdigit():
                    name, *fields = line.split()
                    ticks = [int(f) for f in fields[:8]]
                    total[int(name[3:])] = sum(ticks)
                    busy[int(name[3:])] = sum(ticks) - ticks[3] - ticks[4]  # without idle and waiting for disks
        for task in _tasks() if total else ():
            with contextlib.suppress(OSError, ValueError):
                bound = os.sched_getaffinity(task)
                if len(bound) == 1:
                    spent = Path(f"/proc/self/task/{task}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
                    core = next(iter(bound))
                    own[core] = own.get(core, 0) + int(spent[11]) + int(spent[12])
        return cls(busy, own, total)

    def since(self, before: _Load) -> dict[int, float]:
        """The share of each core that others took since `before`, 0 to 1."""
        shares = {}
        for core, total in self._total.items():
            span = total - before._total.get(core, total)
            mine = self._own.get(core, 0) - before._own.get(core, 0)
            if span > 0:
                shares[core] = max(0, self._busy[core] - before._busy[core] - max(0, mine)) / span
        return shares
