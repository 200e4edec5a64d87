"""An HTTP server on loopback that answers what a test wrote, and fails in the ways that providers fail."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

HANG = object()
"""A step: say nothing more and keep the connection until the client leaves."""
RESET = object()
"""A step: break the connection off."""
Step = Any


@dataclass(frozen=True)
class Asked:
    """A request that came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON; None for an empty one."""
        return json.loads(self.body) if self.body else None


class ScriptedServer:
    """Answers each request with the next script: bytes are sent, a `threading.Event` is waited for, seconds are slept,
    HANG and RESET fail. Without a script it answers 404. `left` is set when a client leaves during a script."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.left = threading.Event()
        self._scripts: deque[Sequence[Step]] = deque()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(
            asyncio.start_server(self._serve, "127.0.0.1", 0), self._loop
        ).result()
        self.port: int = self._server.sockets[0].getsockname()[1]

    @property
    def url(self) -> str:
        """The address, without a path."""
        return f"http://127.0.0.1:{self.port}"

    def script(self, *steps: Step) -> None:
        """The answer to the next request."""
        self._scripts.append(steps)

    def answer(
        self, body: bytes | dict[str, Any], status: int = 200, kind: str = "application/json", **headers: str
    ) -> None:
        """A whole answer to the next request."""
        data = json.dumps(body).encode() if isinstance(body, dict) else body
        self.script(head(status, kind, length=len(data), **headers) + data)

    def close(self) -> None:
        """End the server and its connections."""
        self._loop.call_soon_threadsafe(self._end)
        self._thread.join(5)

    def _end(self) -> None:
        self._server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.call_soon(self._loop.stop)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request; each has a connection of its own, so that what comes after it means that the client left."""
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            asked = await _read(reader)
            if asked:
                self.asked.append(asked)
                await self._run(self._scripts.popleft() if self._scripts else NOTHING, reader, writer)
        writer.close()

    async def _run(self, steps: Sequence[Step], reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        gone = asyncio.ensure_future(reader.read(1))
        try:
            for step in steps:
                if step is RESET:
                    writer.transport.abort()
                    return
                if not await self._step(step, writer, gone):
                    self.left.set()
                    return
        finally:
            gone.cancel()

    async def _step(self, step: Step, writer: asyncio.StreamWriter, gone: asyncio.Future[bytes]) -> bool:
        if isinstance(step, bytes):
            writer.write(step)
            await writer.drain()
            await asyncio.sleep(0)
            return not gone.done()
        if isinstance(step, threading.Event):
            waiting: asyncio.Future[Any] = asyncio.ensure_future(asyncio.to_thread(step.wait, 10))
        else:
            waiting = asyncio.ensure_future(asyncio.Event().wait() if step is HANG else asyncio.sleep(float(step)))
        await asyncio.wait({waiting, gone}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        return not gone.done()


async def _read(reader: asyncio.StreamReader) -> Asked | None:
    first = await reader.readline()
    if not first:
        return None
    method, path, _ = first.decode().split(" ", 2)
    headers: dict[str, str] = {}
    while line := (await reader.readline()).decode().strip():
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    body = b""
    if "content-length" in headers:
        body = await reader.readexactly(int(headers["content-length"]))
    elif headers.get("transfer-encoding") == "chunked":
        while size := int((await reader.readline()).strip() or b"0", 16):
            body += (await reader.readexactly(size + 2))[:-2]
        await reader.readline()
    return Asked(method, path, headers, body)


def head(status: int = 200, kind: str = "text/event-stream", *, length: int | None = None, **headers: str) -> bytes:
    """The head of an answer; without a length the body ends with the connection."""
    lines = [f"HTTP/1.1 {status} Scripted", f"Content-Type: {kind}"]
    lines.append("Connection: close")
    if length is not None:
        lines.append(f"Content-Length: {length}")
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


NOTHING = (head(404, "text/plain", length=0),)


@contextlib.contextmanager
def scripted_server() -> Iterator[ScriptedServer]:
    """A server for one test."""
    server = ScriptedServer()
    try:
        yield server
    finally:
        server.close()
