"""The ASGI bridge, driven by hand: limits, streams, readers who leave, responses that are made later."""

from __future__ import annotations

import asyncio

import pytest
from flask import Flask, Response, request

from webchatagent.web.bridge import Bridge, later, stream


@pytest.fixture
def flask_app():
    """A small app with one view of each kind; `closed` tells whether a stream's generator was closed."""
    app = Flask("bridge-test")
    app.closed = []

    @app.post("/echo")
    def echo():
        return Response(request.get_data(), headers={"X-Path": request.path})

    @app.get("/text/<path:name>")
    def text(name):
        return Response(name.encode(), content_type="text/plain; charset=utf-8")

    @app.get("/empty")
    def empty():
        return Response(status=204)

    @app.get("/stream")
    def endless():
        async def body():
            try:
                while True:
                    yield b"tick\n"
                    await asyncio.sleep(0)
            finally:
                app.closed.append(True)

        return stream(body(), {"Content-Type": "text/event-stream", "X-Kept": "yes"})

    @app.get("/later")
    def slow():
        async def work():
            await asyncio.sleep(0)
            return Response(b'{"ok":true}', 201, {"Content-Type": "application/json", "X-Late": "yes"})

        return later(work)

    @app.after_request
    def add(response):
        response.headers["X-After"] = "yes"
        return response

    return app


def call(app, method="GET", path="/", body=b"", headers=(), *, leave_after=None, declared=True):
    """(status, headers, body) of one request through the bridge; `leave_after` disconnects after so many parts."""

    async def run():
        sent, gone = [], asyncio.Event()
        given = [*headers] + ([(b"content-length", str(len(body)).encode())] if body and declared else [])
        scope = {"type": "http", "http_version": "1.1", "method": method, "path": path, "raw_path": path.encode()}
        scope |= {"query_string": b"", "headers": given, "client": ("127.0.0.1", 1), "server": ("localhost", 80)}
        chunks = [body[i : i + 1000] for i in range(0, len(body), 1000)] or [b""]

        async def receive():
            if chunks:
                part = chunks.pop(0)
                return {"type": "http.request", "body": part, "more_body": bool(chunks)}
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message):
            sent.append(message)
            if leave_after is not None and len(sent) > leave_after:
                gone.set()

        await asyncio.wait_for(Bridge(app, lambda p: 5000, threads=2)(scope, receive, send), 10)
        return sent[0]["status"], dict(sent[0]["headers"]), b"".join(m.get("body", b"") for m in sent[1:])

    return asyncio.run(run())


def test_a_body_arrives_whole(flask_app):
    status, _, body = call(flask_app, "POST", "/echo", b"x" * 4000)
    assert (status, body) == (200, b"x" * 4000)


@pytest.mark.parametrize("declared", [True, False])
def test_a_body_over_the_limit_is_refused_with_the_error_shape(flask_app, declared):
    status, _, body = call(flask_app, "POST", "/echo", b"x" * 6000, declared=declared)
    assert status == 413 and b'"message_too_long"' in body


def test_hindi_and_escaped_paths_arrive(flask_app):
    assert call(flask_app, path="/text/%E0%A4%A8%E0%A5%80%E0%A4%A4%E0%A4%BF")[2].decode() == "नीति"
    assert call(flask_app, path="/text/a%2Fb")[2] == b"a/b"


def test_a_reader_who_leaves_closes_the_stream(flask_app):
    status, headers, body = call(flask_app, path="/stream", leave_after=5)
    assert status == 200 and body.startswith(b"tick\n")
    assert headers[b"x-kept"] == b"yes" and b"content-length" not in headers
    assert flask_app.closed == [True]


def test_a_late_response_keeps_what_the_app_added(flask_app):
    status, headers, body = call(flask_app, path="/later")
    assert (status, body) == (201, b'{"ok":true}')
    assert headers[b"x-late"] == b"yes" and headers[b"x-after"] == b"yes"
    assert headers[b"content-length"] == b"11"


def test_no_body_where_none_belongs(flask_app):
    assert call(flask_app, path="/empty")[2] == b""
    status, headers, body = call(flask_app, "HEAD", "/text/abc")
    assert (status, body) == (200, b"") and headers[b"content-length"] == b"3"


def test_the_same_views_work_under_plain_wsgi(flask_app):
    client = flask_app.test_client()
    assert client.get("/later").get_json() == {"ok": True}
    response = client.get("/stream")
    assert next(response.iter_encoded()) == b"tick\n"
    response.close()
    assert flask_app.closed == [True]
