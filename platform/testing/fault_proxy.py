"""A TCP proxy on loopback that breaks connections in the ways that networks do; in front of any server."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

End = Literal["stall", "reset", "close"]


@dataclass(frozen=True)
class Fault:
    """What happens to a connection.

    `refuse`: there is no server. `black_hole`: what is sent is read and never answered. `end` with `after`: the answer
    passes up to the end of those bytes, then it stalls, is reset, or is closed; an empty `after` ends it before its
    first byte. `slice`: the answer comes in pieces of so many bytes.
    """

    refuse: bool = False
    black_hole: bool = False
    end: End | None = None
    after: bytes = b""
    slice: int = 0


class FaultProxy:
    """Passes connections on to `host:port`; setting `fault` ends those that are open, since clients keep them.

    `left` is set when a client leaves a connection; `connections` counts those that came.
    """

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        self._fault = Fault()
        self._open: set[asyncio.StreamWriter] = set()
        self.left = threading.Event()
        self.connections = 0
        self._target = (host, port)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fault proxy", daemon=True)
        self._thread.start()
        self._server = self._wait(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port: int = self._server.sockets[0].getsockname()[1]

    def _wait(self, work: object) -> asyncio.Server:
        made: asyncio.Server = asyncio.run_coroutine_threadsafe(work, self._loop).result(10)  # type: ignore[arg-type]
        return made

    @property
    def fault(self) -> Fault:
        """What happens to connections from now on."""
        return self._fault

    @fault.setter
    def fault(self, fault: Fault) -> None:
        self._fault = fault
        over = threading.Event()

        def end_all() -> None:
            for writer in self._open:
                writer.transport.abort()
            over.set()

        self._loop.call_soon_threadsafe(end_all)
        over.wait(5)

    @property
    def url(self) -> str:
        """The address, without a path."""
        return f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        """End the proxy and its connections."""
        self._loop.call_soon_threadsafe(self._end)
        self._thread.join(5)

    def _end(self) -> None:
        self._server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.call_soon(self._loop.stop)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        fault = self._fault
        self._open.add(writer)
        with contextlib.suppress(OSError, asyncio.CancelledError, asyncio.IncompleteReadError):
            if fault.refuse:
                reset(writer)
            elif fault.black_hole:
                await self._until_left(reader)
            else:
                await self._pass(reader, writer, fault)
        self._open.discard(writer)
        writer.close()

    async def _until_left(self, reader: asyncio.StreamReader) -> None:
        while await reader.read(65536):
            pass
        self.left.set()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, fault: Fault) -> None:
        there, to_there = await asyncio.open_connection(*self._target)
        sending = asyncio.ensure_future(self._send(reader, to_there))
        try:
            if await self._answer(there, writer, fault):
                return
            if fault.end == "stall":
                await sending  # until the client leaves
            elif fault.end == "reset":
                reset(writer)
        finally:
            sending.cancel()
            to_there.close()

    async def _send(self, reader: asyncio.StreamReader, to_there: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                to_there.write(data)
                await to_there.drain()
        self.left.set()
        to_there.close()

    async def _answer(self, there: asyncio.StreamReader, writer: asyncio.StreamWriter, fault: Fault) -> bool:
        """Pass the answer on; True when it came to its own end, False where the fault ends it."""
        passed, sent = b"", 0
        while data := await there.read(65536):
            passed += data
            stop = len(passed)
            if fault.end and fault.after in passed:
                stop = passed.index(fault.after) + len(fault.after)
            size = fault.slice or max(1, stop - sent)
            while sent < stop:
                piece = passed[sent : min(sent + size, stop)]
                writer.write(piece)
                await writer.drain()
                sent += len(piece)
                if fault.slice:
                    await asyncio.sleep(0)
            if fault.end and fault.after in passed:
                return False
        return True


def reset(writer: asyncio.StreamWriter) -> None:
    """Break a connection off with RST."""
    sock: socket.socket | None = writer.get_extra_info("socket")
    if sock is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@contextlib.contextmanager
def fault_proxy(port: int) -> Iterator[FaultProxy]:
    """A proxy for one test, in front of a port of this machine."""
    proxy = FaultProxy(port)
    try:
        yield proxy
    finally:
        proxy.close()
