"""Flask under ASGI: views run in a pool of threads, streams run on the event loop and hold no thread.

A view hands over what it cannot finish in its thread: `stream(...)` for a body that grows, `later(...)` for a whole
response that needs the loop. Under a plain WSGI server (and in tests) the same views work, on a loop of their own.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import tempfile
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import unquote_to_bytes

from flask import Response, request

from ..core.loop import new_loop
from ..core.slots import Slots

log = logging.getLogger(__name__)
AT_ONCE = max(2, os.cpu_count() or 1)
STREAM, LATER, ASGI = "webchatagent.stream", "webchatagent.later", "webchatagent.asgi"
Environ = dict[str, Any]
Wsgi = Callable[[Environ, Callable[..., Any]], Any]
SLOW_SECONDS = 30.0
"""How long a reader may take for a piece of a stream, and a sender for a piece of a request."""
SLOWEST = 8192
"""Bytes a second that a request must bring at least, beyond those seconds."""
TOO_SLOW = b'{"error":{"code":"invalid_request","message":"The request did not come in time."}}'
TOO_LARGE = b'{"error":{"code":"message_too_long","message":"The request is too large."}}'
FAILED = b'{"error":{"code":"try_again","message":"Something went wrong here. Please try again."}}'
_loop_lock = threading.Lock()
_loops: list[asyncio.AbstractEventLoop] = []


def background_loop() -> asyncio.AbstractEventLoop:
    """One event loop in a thread of its own, for processes without an ASGI server."""
    with _loop_lock:
        if not _loops:
            loop = new_loop()
            threading.Thread(target=loop.run_forever, name="streams", daemon=True).start()
            _loops.append(loop)
        return _loops[0]


def stream(body: AsyncIterator[bytes], headers: dict[str, str]) -> Response:
    """A response whose body grows on the event loop."""
    if request.environ.get(ASGI):
        request.environ[STREAM] = body
        return Response(b"", headers=headers)
    return Response(_iterate(body), headers=headers)


def later(work: Callable[[], Awaitable[Response]]) -> Response:
    """A response that is made on the event loop; headers set after the view are kept."""
    if request.environ.get(ASGI):
        request.environ[LATER] = work
        return Response(b"")
    return asyncio.run_coroutine_threadsafe(_await(work), background_loop()).result()


async def _await(work: Callable[[], Awaitable[Response]]) -> Response:
    return await work()


def _iterate(body: AsyncIterator[bytes]) -> Iterator[bytes]:
    loop = background_loop()

    async def take() -> bytes | None:
        return await anext(body, None)

    try:
        while (part := asyncio.run_coroutine_threadsafe(take(), loop).result()) is not None:
            yield part
    finally:
        close = getattr(body, "aclose", None)
        if close:
            asyncio.run_coroutine_threadsafe(close(), loop).result()


class ClientGone(Exception):
    """The client left before its request was whole."""


class Bridge:
    """An ASGI application around a WSGI one. `limit` gives the largest body for a path, in bytes.

    `threads` requests are in hand at once, and `at_once` of them compute; see `core.slots`. `finish(seconds)` lets what
    runs on the loop end, for so long, when the server stops.
    """

    def __init__(
        self,
        wsgi: Wsgi,
        limit: Callable[[str], int],
        threads: int = 32,
        at_once: int = AT_ONCE,
        finish: Callable[[float], Awaitable[None]] | None = None,
    ) -> None:
        self._wsgi, self._limit = wsgi, limit
        self.finish = finish
        self._slots = Slots(ThreadPoolExecutor(threads, thread_name_prefix="web"), min(threads, at_once))

    async def __call__(
        self, scope: Environ, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
    ) -> None:
        """Serve one request, or the server's life cycle."""
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        if scope["type"] != "http":
            return
        try:
            body = await self._read(scope, receive)
        except ClientGone:  # half a request is none
            return
        except TimeoutError:
            await _send(send, 408, [(b"content-type", b"application/json"), (b"connection", b"close")], TOO_SLOW)
            return
        if body is None:
            await _send(send, 413, [(b"content-type", b"application/json"), (b"connection", b"close")], TOO_LARGE)
            return
        environ = make_environ(scope, body)
        environ["CONTENT_LENGTH"] = str(body.seek(0, 2))  # of what came: a chunked body declares none
        body.seek(0)
        status, headers, data = await self._slots.run(lambda: self._call(environ))
        if environ.get(LATER):
            status, headers, data = await _finish_later(environ[LATER], headers)
        if environ.get(STREAM):
            await self._stream(environ[STREAM], status, headers, receive, send)
        elif scope["method"] == "HEAD":
            await _send(send, status, headers, b"")
        else:
            await _send(send, status, headers, data)

    async def _read(self, scope: Environ, receive: Callable[[], Awaitable[Any]]) -> Any:
        limit = self._limit(scope["path"])
        declared = next((v for k, v in scope["headers"] if k == b"content-length"), b"0")
        if declared.isdigit() and int(declared) > limit:
            return None
        body, size = tempfile.SpooledTemporaryFile(max_size=1_000_000), 0  # noqa: SIM115 (closed with the request)
        loop = asyncio.get_running_loop()
        began = loop.time()
        while True:
            try:
                async with asyncio.timeout_at(began + SLOW_SECONDS + size / SLOWEST):
                    message = await receive()
            except TimeoutError:
                body.close()
                raise
            if message["type"] == "http.disconnect":
                body.close()
                raise ClientGone
            size += len(message.get("body", b""))
            if size > limit:
                body.close()
                return None
            body.write(message.get("body", b""))
            if not message.get("more_body"):
                break
        body.seek(0)
        return body

    def _call(self, environ: Environ) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
        head: list[Any] = []

        def start_response(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> None:
            head[:] = [
                int(status.split(" ", 1)[0]),
                [(k.lower().encode("latin-1"), v.encode("latin-1")) for k, v in headers],
            ]
            if any(c in k + v for k, v in headers for c in "\r\n\0"):
                raise ValueError("a header with a line break")

        result = self._wsgi(environ, start_response)
        try:
            data = b"".join(result)
        finally:
            close = getattr(result, "close", None)
            if close:
                close()
            environ["wsgi.input"].close()
        return head[0], head[1], data

    @staticmethod
    async def _stream(body: Any, status: int, headers: list[tuple[bytes, bytes]], receive: Any, send: Any) -> None:
        """Send a growing body until it ends, or until the reader has left or takes nothing any more."""
        headers = [(k, v) for k, v in headers if k != b"content-length"]
        me = asyncio.current_task()
        assert me is not None
        left = asyncio.ensure_future(_disconnected(receive))
        left.add_done_callback(lambda done: None if done.cancelled() else me.cancel())
        patience = _Patience(me)
        try:
            await send({"type": "http.response.start", "status": status, "headers": headers})
            async for part in body:
                patience.since = patience.now()
                await send({"type": "http.response.body", "body": part, "more_body": True})
                patience.since = 0.0
            left.cancel()
            await send({"type": "http.response.body", "body": b""})
        except asyncio.CancelledError:
            if not (left.done() or patience.lost):  # the server shuts down
                raise
        finally:
            patience.end()
            left.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await body.aclose()


class _Patience:
    """Ends the task of a stream when a piece of it could not be sent for too long; looks now and then, which is cheap."""

    def __init__(self, task: asyncio.Task[Any]) -> None:
        self._task, self._loop = task, asyncio.get_running_loop()
        self.now = self._loop.time
        self.since, self.lost = 0.0, False
        self._timer = self._loop.call_later(SLOW_SECONDS / 2, self._look)

    def _look(self) -> None:
        if self.since and self.now() - self.since > SLOW_SECONDS / 2:
            self.lost = True
            self._task.cancel()
        else:
            self._timer = self._loop.call_later(SLOW_SECONDS / 2, self._look)

    def end(self) -> None:
        self._timer.cancel()


async def _disconnected(receive: Callable[[], Awaitable[Any]]) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _lifespan(receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]) -> None:
    while True:
        message = await receive()
        await send({"type": message["type"] + ".complete"})
        if message["type"] == "lifespan.shutdown":
            return


async def _send(
    send: Callable[[Any], Awaitable[None]], status: int, headers: list[tuple[bytes, bytes]], data: bytes
) -> None:
    if not any(k == b"content-length" for k, _ in headers) and status not in (204, 304):
        headers = [*headers, (b"content-length", str(len(data)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": data})


async def _finish_later(
    work: Callable[[], Awaitable[Response]], headers: list[tuple[bytes, bytes]]
) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    try:
        response = await work()
    except Exception:  # Flask's error handlers have ended by now; a client must get an answer all the same
        log.exception("a late response failed")
        response = Response(FAILED, 503, {"Content-Type": "application/json", "Retry-After": "2"})
    return response.status_code, _merge(headers, response), response.get_data()


def _merge(headers: list[tuple[bytes, bytes]], response: Response) -> list[tuple[bytes, bytes]]:
    """The late response's headers, with those that the app added to the placeholder (CORS, security)."""
    late = [(k.lower().encode("latin-1"), v.encode("latin-1")) for k, v in response.headers]
    names = {k for k, _ in late} | {b"content-length", b"content-type"}
    return (
        [(k, v) for k, v in headers if k not in names]
        + [(k, v) for k, v in late if k != b"content-length"]
        + [(b"content-length", str(len(response.get_data())).encode())]
    )


def make_environ(scope: Environ, body: Any) -> Environ:
    """The WSGI environment of an ASGI request (PEP 3333)."""
    server, client = scope.get("server") or ("localhost", 80), scope.get("client") or ("", 0)
    raw = scope.get("raw_path")
    path = unquote_to_bytes(raw.split(b"?")[0]).decode("latin-1") if raw else scope["path"].encode().decode("latin-1")
    environ: Environ = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1]),
        "REMOTE_ADDR": client[0],
        "SERVER_PROTOCOL": "HTTP/" + scope["http_version"],
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.get("scheme", "http"),
        "wsgi.input": body,
        "wsgi.errors": _Errors(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "wsgi.input_terminated": True,
        ASGI: True,
    }
    for name, value in scope["headers"]:
        if b"_" in name or name == b"transfer-encoding":  # X_Forwarded_For is not X-Forwarded-For; the body is whole
            continue
        key = name.decode("latin-1").upper().replace("-", "_")
        key = key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else "HTTP_" + key
        text = value.decode("latin-1")
        environ[key] = f"{environ[key]},{text}" if key in environ and key != "CONTENT_LENGTH" else text
    return environ


class _Errors:
    """Where WSGI code may write: nowhere, errors go through logging."""

    def write(self, text: str) -> int:
        """Drop the text."""
        return len(text)

    def flush(self) -> None:
        """Nothing to do."""
