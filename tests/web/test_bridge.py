"""The bridge between ASGI and the Flask app, driven by hand: bodies, streams, late answers, headers."""

from __future__ import annotations

import asyncio
import json
from urllib.parse import quote

import pytest
from flask import Flask, Response, request

from webchatagent.web.bridge import Bridge, later, stream

LIMIT = 1000


class Peer:
    """A client of the bridge: what it sends, what it got."""

    def __init__(self, *parts, leaves=False):
        self.todo = asyncio.Queue()
        for n, part in enumerate(parts):
            self.todo.put_nowait({"type": "http.request", "body": part, "more_body": leaves or n + 1 < len(parts)})
        if not parts:
            self.todo.put_nowait({"type": "http.request", "body": b"", "more_body": leaves})
        if leaves:
            self.leave()
        self.messages = []

    def leave(self):
        self.todo.put_nowait({"type": "http.disconnect"})

    async def receive(self):
        return await self.todo.get()

    async def send(self, message):
        self.messages.append(message)

    @property
    def status(self):
        return self.messages[0]["status"]

    @property
    def headers(self):
        return {k.decode(): v.decode("latin-1") for k, v in self.messages[0]["headers"]}

    @property
    def body(self):
        return b"".join(m.get("body", b"") for m in self.messages[1:])


def scope(method="GET", path="/", headers=(), query=b""):
    return {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": quote(path, safe="/%").encode(),
        "query_string": query,
        "headers": [(k.encode(), v.encode("latin-1")) for k, v in headers],
        "http_version": "1.1",
        "scheme": "http",
        "server": ("host.example", 80),
        "client": ("192.0.2.1", 1234),
    }


@pytest.fixture
def app():
    made = Flask("made", static_folder=None)
    made.closed = []

    @made.route("/echo", methods=["GET", "POST", "PUT"])
    def echo():
        return {
            "body": request.get_data(as_text=True),
            "length": request.content_length,
            "name": request.args.get("name"),
            "forwarded": request.headers.get("X-Forwarded-For", ""),
            "address": request.remote_addr,
        }

    @made.route("/path/<path:rest>")
    def path(rest):
        return rest

    @made.route("/empty/<int:status>")
    def empty(status):
        return Response(status=status)

    @made.route("/header")
    def header():
        return Response("x", headers=[("X-Good", "fine")])

    @made.route("/grows")
    def grows():
        async def parts():
            try:
                yield b"one"
                while True:
                    await asyncio.sleep(0.005)
                    yield b"more"
            finally:
                made.closed.append(True)

        return stream(parts(), {"Content-Type": "text/event-stream", "X-Chat-Session-Id": "key"})

    @made.route("/three")
    def three():
        async def parts():
            for n in range(3):
                yield b"%d" % n

        return stream(parts(), {"Content-Type": "text/event-stream"})

    @made.route("/late/<int:status>", methods=["GET", "POST"])
    def late(status):
        async def work():
            await asyncio.sleep(0)
            if status == 500:
                raise RuntimeError("SELECT secret")
            return Response("late", status, {"X-Chat-Session-Id": "key", "Content-Type": "application/json"})

        return later(work)

    @made.after_request
    def allow(response):
        response.headers["Access-Control-Allow-Origin"] = "https://shop.example"
        return response

    return made


@pytest.fixture
def call(app):
    """A function that sends one request through the bridge."""

    def send(*parts, leaves=False, wsgi=None, **more):
        async def go():
            peer = Peer(*parts, leaves=leaves)
            await Bridge(wsgi or app, lambda path: LIMIT, threads=2)(scope(**more), peer.receive, peer.send)
            return peer

        return asyncio.run(go())

    return send


def test_a_body_in_pieces_arrives_whole(call):
    peer = call(b"one ", b"two ", b"three", method="POST", path="/echo", headers=[("transfer-encoding", "chunked")])
    assert json.loads(peer.body)["body"] == "one two three"
    assert json.loads(peer.body)["length"] == 13  # a view that asks for the length must not take it for empty


def test_a_body_that_says_it_is_too_large_is_refused_unread(call):
    peer = call(b"x", method="POST", path="/echo", headers=[("content-length", str(LIMIT + 1))])
    assert peer.status == 413 and json.loads(peer.body)["error"]["code"] == "message_too_long"
    assert peer.headers["connection"] == "close"


@pytest.mark.parametrize("headers", [[], [("content-length", "5")], [("content-length", "x")]])
def test_a_body_that_becomes_too_large_is_refused(call, headers):
    peer = call(b"x" * 600, b"x" * 600, method="POST", path="/echo", headers=headers)
    assert peer.status == 413


def test_a_body_of_the_limit_is_taken(call):
    peer = call(b"x" * LIMIT, method="POST", path="/echo", headers=[("content-length", str(LIMIT))])
    assert peer.status == 200 and len(json.loads(peer.body)["body"]) == LIMIT


def test_half_a_request_reaches_no_view(call, app):
    seen = []
    app.before_request(lambda: seen.append(request.path))
    peer = call(b"half", leaves=True, method="POST", path="/echo", headers=[("content-length", "900")])
    assert seen == [] and peer.messages == []


def test_a_stream_is_sent_in_its_pieces_without_a_length(call):
    peer = call(path="/three")
    assert [m["body"] for m in peer.messages[1:]] == [b"0", b"1", b"2", b""]
    assert "content-length" not in peer.headers and peer.headers["content-type"].startswith("text/event-stream")
    assert peer.headers["access-control-allow-origin"] == "https://shop.example"


def test_when_the_reader_leaves_the_stream_is_closed(app):
    async def go():
        peer = Peer(b"")
        work = asyncio.ensure_future(Bridge(app, lambda path: LIMIT)(scope(path="/grows"), peer.receive, peer.send))
        async with asyncio.timeout(10):
            while len(peer.messages) < 3:
                await asyncio.sleep(0.005)
            peer.leave()
            await work
        return peer

    peer = asyncio.run(go())
    assert app.closed == [True] and peer.headers["x-chat-session-id"] == "key"


def test_when_the_server_stops_the_stream_is_closed_too(app):
    async def go():
        peer = Peer(b"")
        work = asyncio.ensure_future(Bridge(app, lambda path: LIMIT)(scope(path="/grows"), peer.receive, peer.send))
        async with asyncio.timeout(10):
            while len(peer.messages) < 3:
                await asyncio.sleep(0.005)
            work.cancel()
            with pytest.raises(asyncio.CancelledError):
                await work

    asyncio.run(go())
    assert app.closed == [True]


@pytest.mark.parametrize("status", [200, 503])
def test_a_late_answer_keeps_its_own_headers_and_the_apps(call, status):
    peer = call(path=f"/late/{status}")
    assert peer.status == status and peer.body == b"late"
    assert peer.headers["access-control-allow-origin"] == "https://shop.example"
    assert peer.headers["x-chat-session-id"] == "key" and peer.headers["content-length"] == "4"
    names = [k for k, _ in peer.messages[0]["headers"]]
    assert len(names) == len(set(names))


def test_a_late_answer_that_fails_says_nothing_of_itself(call):
    peer = call(path="/late/500")
    assert peer.status == 503 and json.loads(peer.body)["error"]["code"] == "try_again" and b"SELECT" not in peer.body
    assert peer.headers["access-control-allow-origin"] == "https://shop.example"


def test_head_has_the_length_and_no_body(call):
    got, head = call(path="/path/abc"), call(path="/path/abc", method="HEAD")
    assert (
        head.body == b""
        and head.status == 200
        and head.headers["content-length"] == got.headers["content-length"] == "3"
    )


@pytest.mark.parametrize("status", [204, 304])
def test_answers_without_a_body_have_no_length(call, status):
    peer = call(path=f"/empty/{status}")
    assert peer.status == status and peer.body == b"" and "content-length" not in peer.headers


@pytest.mark.parametrize("value", ["a\r\nSet-Cookie: x=1", "a\nb", "a\rb", "a\0b"])
def test_a_header_with_a_line_break_never_leaves(call, value):
    def wsgi(environ, start_response):
        start_response("200 OK", [("X-Bad", value)])
        return [b""]

    with pytest.raises(ValueError, match="line break"):
        call(wsgi=wsgi)


@pytest.mark.parametrize(
    ("sent", "seen"), [("/path/a%2Fb", "a/b"), ("/path/नाम.pdf", "नाम.pdf"), ("/path/a b", "a b"), ("/path/ü", "ü")]
)
def test_paths_arrive_decoded(call, sent, seen):
    assert call(path=sent).body.decode() == seen


def test_a_query_in_hindi_arrives(call):
    assert json.loads(call(path="/echo", query=b"name=" + quote("नाम").encode()).body)["name"] == "नाम"


def test_a_header_with_an_underscore_is_no_other_header(call):
    peer = call(path="/echo", headers=[("x_forwarded_for", "203.0.113.9"), ("x-forwarded-for", "198.51.100.1")])
    found = json.loads(peer.body)
    assert found["forwarded"] == "198.51.100.1" and found["address"] == "192.0.2.1"


def test_a_header_that_comes_twice_is_joined(call):
    peer = call(path="/echo", headers=[("x-forwarded-for", "a"), ("x-forwarded-for", "b")])
    assert json.loads(peer.body)["forwarded"] == "a,b"


def test_the_life_cycle_is_answered(app):
    async def go():
        todo, sent = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}], []

        async def receive():
            return todo.pop(0)

        async def send(message):
            sent.append(message["type"])

        await Bridge(app, lambda path: LIMIT)({"type": "lifespan"}, receive, send)
        return sent

    assert asyncio.run(go()) == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


def test_the_same_views_work_under_plain_wsgi(app):
    client = app.test_client()
    late = client.get("/late/200")
    assert late.text == "late" and late.headers["X-Chat-Session-Id"] == "key"
    response = client.get("/grows")
    assert next(response.iter_encoded()) == b"one"
    response.close()
    assert app.closed == [True]
