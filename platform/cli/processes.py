"""Several processes that serve one port: started, watched, replaced when they die or hang, and ended together.

They share the listening sockets, so a connection that nobody took yet is lost with none of them.
"""

from __future__ import annotations

import contextlib
import gc
import logging
import multiprocessing
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection, wait
from typing import Any

from ..core.errors import WebChatAgentError

log = logging.getLogger(__name__)
BEAT_SECONDS = 5
"""How often a process shows that its event loop turns."""
SILENT_SECONDS = 30.0
"""After so long without a sign a process hangs, and is killed."""
START_SECONDS = 120.0
"""How long a process may take until its first sign: it may migrate the database."""
STEADY_SECONDS = 10.0
"""A process that lived for less is replaced later and later."""
LONGEST_PAUSE = 30.0
Work = Callable[[int, Callable[[], None]], None]
"""What a process does: `work(place, beat)`; `beat()` is called every few seconds."""


class _Child:
    """One process, and when it last gave a sign."""

    def __init__(self, place: int, work: Work, alive: tuple[int, int]) -> None:
        self.place, self.ready = place, False
        self.signs, theirs = multiprocessing.Pipe(duplex=False)
        forking: Any = multiprocessing.get_context("fork")
        self.process = forking.Process(target=_live, args=(place, work, alive, theirs), name=f"web-{place}")
        self.process.start()
        theirs.close()
        self.begun = self.seen = time.monotonic()

    def look(self) -> None:
        """Take its signs."""
        with contextlib.suppress(EOFError, OSError):
            while self.signs.poll():
                self.signs.recv_bytes()
                self.ready, self.seen = True, time.monotonic()

    @property
    def hangs(self) -> bool:
        """Whether it gave no sign for too long."""
        return time.monotonic() - self.seen > (SILENT_SECONDS if self.ready else START_SECONDS)


def _live(place: int, work: Work, alive: tuple[int, int], signs: Connection) -> None:
    """The life of a process: it works, and ends in good order when the one that started it is gone."""
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    here, there = alive
    os.close(there)
    threading.Thread(target=_end_with, args=(here,), daemon=True).start()

    def beat() -> None:
        with contextlib.suppress(OSError):
            signs.send_bytes(b".")

    try:
        work(place, beat)
    except WebChatAgentError as error:
        sys.stderr.write(f"error: {error}\n")
        raise SystemExit(1) from None


def _end_with(pipe: int) -> None:
    """End this process in good order when the other end of a pipe is closed: its owner is gone."""
    os.read(pipe, 1)
    os.kill(os.getpid(), signal.SIGTERM)


class Processes:
    """Runs `count` processes until it is told to stop. `sockets` are closed here when they must take nothing new."""

    def __init__(self, count: int, work: Work, sockets: Sequence[socket.socket], stop_seconds: float) -> None:
        self._count, self._work, self._sockets, self._stop_seconds = count, work, sockets, stop_seconds
        self._children: dict[int, _Child] = {}
        self._later: dict[int, float] = {}
        self._pauses: dict[int, float] = {}
        self._alive = os.pipe()
        self._stopping = self._told_all = False
        self._served = False
        self._last = 0.0

    def run(self) -> None:
        """Return when all have ended after SIGTERM or SIGINT. Raises SystemExit when the first one cannot start."""
        gc.collect()
        gc.freeze()  # what is imported is shared by all processes, and stays so when nobody writes to it
        woken, wake = socket.socketpair()
        wake.setblocking(False)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._told)
        signal.set_wakeup_fd(wake.fileno())
        self._start(0)
        try:
            while self._children or not self._stopping:
                self._wait(woken)
                self._look()
        finally:
            signal.set_wakeup_fd(-1)
            for child in self._children.values():
                child.process.kill()
                child.process.join()

    def _told(self, *_: Any) -> None:
        self._stopping = True

    def _start(self, place: int) -> None:
        self._later.pop(place, None)
        self._children[place] = _Child(place, self._work, self._alive)

    def _wait(self, woken: socket.socket) -> None:
        watched: list[Any] = [woken, *(c.process.sentinel for c in self._children.values())]
        watched += [c.signs for c in self._children.values() if c.process.is_alive()]
        if woken in wait(watched, 1.0):
            woken.recv(4096)

    def _look(self) -> None:
        for child in list(self._children.values()):
            child.look()
            self._served = self._served or child.ready
            if child.hangs:
                log.error("web process %s gives no sign and is killed", child.process.pid)
                child.process.kill()
                child.process.join()
            if not child.process.is_alive():
                self._ended(child)
        if self._stopping:
            self._stop()
            return
        if self._served:  # the first may migrate the database, the others wait for it
            for place in range(self._count):
                if place not in self._children and self._later.get(place, 0.0) <= time.monotonic():
                    self._start(place)

    def _ended(self, child: _Child) -> None:
        child.process.join()
        child.signs.close()
        del self._children[child.place]
        if self._stopping:
            return
        if not self._served:  # it said why itself
            self._stopping = True
            self._stop()
            raise SystemExit(child.process.exitcode if (child.process.exitcode or 0) > 0 else 1)
        steady = time.monotonic() - child.begun > STEADY_SECONDS
        pause = 0.0 if steady else min(LONGEST_PAUSE, 2 * self._pauses.get(child.place, 0.5))
        self._pauses[child.place] = pause
        self._later[child.place] = time.monotonic() + pause
        log.error("web process %s ended with %s and is replaced", child.process.pid, child.process.exitcode)

    def _stop(self) -> None:
        """Tell all to end, once; kill what is left after a while."""
        if not self._told_all:
            self._told_all, self._last = True, time.monotonic() + self._stop_seconds
            for one in self._sockets:
                one.close()  # else connections would queue up that nobody takes
            for child in self._children.values():
                child.process.terminate()
        elif time.monotonic() > self._last:
            for child in self._children.values():
                child.process.kill()
