"""Streams of the public app over a real server: in pieces, without a thread each, and to their end when it stops."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import threading
import time
import urllib.request

import pytest

from webchatagent.web.bridge import Bridge

LIMIT = 1000


@contextlib.contextmanager
def serving(app, threads=2):
    """A uvicorn server in a thread; gives its address."""
    import uvicorn

    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(
            Bridge(app, lambda path: LIMIT, threads), log_level="critical", lifespan="on", timeout_graceful_shutdown=5
        )
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    limit = time.monotonic() + 10
    while not server.started and time.monotonic() < limit:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        assert not thread.is_alive()


@pytest.fixture
def slow(platform, bot, scripted_model, add_texts):
    """The public app, whose model waits until `gates` are opened; `gates` are set on the server's loop."""
    from webchatagent.web.app import create_public

    add_texts(bot, {"opening": "The shop opens at nine in the morning and closes at six."})
    return create_public(platform), bot, scripted_model


def open_stream(base, bot):
    body = json.dumps({"message": "When does the shop open in the morning?", "chatbotId": bot.public_id}).encode()
    headers = {"Content-Type": "application/json", "Accept": "text/event-stream"}
    return urllib.request.urlopen(urllib.request.Request(f"{base}/api/chat", body, headers), timeout=20)


def events_of(lines):
    return [json.loads(line[5:]) for line in lines if line.startswith(b"data:")]


class Gate:
    """Something that a scripted model waits for, opened from any thread."""

    def __init__(self, model):
        self._open = threading.Event()
        model.enqueue("At nine", self.piece(), " [1].")

    def piece(self):
        opened = self._open

        class Waiting(asyncio.Event):
            async def wait(self):
                while not opened.is_set():
                    await asyncio.sleep(0.005)
                return True

        return Waiting()

    def open(self):
        self._open.set()


def test_a_stream_arrives_in_pieces_from_a_real_server(slow):
    app, bot, model = slow
    gate = Gate(model)
    with serving(app) as base, open_stream(base, bot) as response:
        assert response.headers["X-Chat-Session-Id"] and "Content-Length" not in response.headers
        lines = []
        while not any(e["type"] == "delta" for e in events_of(lines)):
            lines.append(response.readline())
        assert lines[0].startswith(b":")
        gate.open()  # only now can the rest come
        lines += response.readlines()
    found = events_of(lines)
    assert "".join(e.get("delta", "") for e in found) == "At nine [1]." and found[-1]["type"] == "done"


def test_thirty_slow_streams_hold_no_thread(slow):
    app, bot, model = slow
    gates = [Gate(model) for _ in range(30)]
    with serving(app, threads=2) as base:
        responses = [open_stream(base, bot) for _ in gates]
        with urllib.request.urlopen(f"{base}/healthz", timeout=5) as healthy:  # both threads are free for others
            assert healthy.status == 200
        for gate in gates:
            gate.open()
        answers = []
        for response in responses:
            with response:
                answers.append(events_of(response.readlines()))
    assert [a[-1]["type"] for a in answers] == ["done"] * 30


def test_a_server_that_stops_lets_a_stream_end(slow):
    app, bot, model = slow
    gate = Gate(model)
    out = []
    with serving(app) as base:
        response = open_stream(base, bot)
        reader = threading.Thread(target=lambda: out.extend(response.readlines()))
        reader.start()
        timer = threading.Timer(0.3, gate.open)
        timer.start()
    reader.join(10)
    assert events_of(out)[-1]["type"] == "done"
