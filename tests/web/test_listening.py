"""Connections that nobody is behind, and slow ones: they end, and hold nothing."""

from __future__ import annotations

import contextlib
import socket
import threading
import time

import pytest
from flask import Flask, request

from webchatagent.cli.serving import draining_server, server_config
from webchatagent.web import bridge, listening
from webchatagent.web.bridge import Bridge, stream


@contextlib.contextmanager
def serving(app):
    """The platform's own kind of server around an app, in a thread; gives the port."""
    (listener,) = listening.open_sockets("127.0.0.1", 0)
    around = Bridge(app, lambda path: 1_000_000)
    server = draining_server(around, server_config(around, "127.0.0.1", 0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    limit = time.monotonic() + 10
    while not server.started and time.monotonic() < limit:
        time.sleep(0.01)
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(10)
        assert not thread.is_alive()


@pytest.fixture
def app():
    made = Flask("slow")
    made.left = threading.Event()

    @made.post("/echo")
    def echo():
        return str(len(request.get_data()))

    @made.get("/endless")
    def endless():
        async def body():
            try:
                while True:
                    yield b"x" * 65536
            finally:
                made.left.set()

        return stream(body(), {"Content-Type": "text/plain"})

    return made


def said(connection):
    """Everything until the server closes the connection."""
    connection.settimeout(10)
    out = b""
    while part := connection.recv(65536):
        out += part
    return out


@pytest.mark.parametrize("head", [b"", b"GET /healthz HT", b"GET / HTTP/1.1\r\nHost: x\r\n"])
def test_a_connection_whose_request_does_not_come_is_closed(app, monkeypatch, head):
    monkeypatch.setattr(listening, "HEAD_SECONDS", 0.1)
    with serving(app) as port, socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(head)
        assert said(client) == b""


def test_so_is_one_that_drips_after_a_first_request(app, monkeypatch):
    monkeypatch.setattr(listening, "HEAD_SECONDS", 0.1)
    whole = b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi"
    with serving(app) as port, socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(whole)
        answer = b""
        while not answer.endswith(b"\r\n\r\n2"):
            answer += client.recv(65536)
        client.sendall(b"POST /ec")
        assert said(client) == b""


def test_a_body_that_does_not_come_is_refused(app, monkeypatch):
    monkeypatch.setattr(bridge, "SLOW_SECONDS", 0.1)
    with serving(app) as port, socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n\r\nhalf")
        assert said(client).startswith(b"HTTP/1.1 408 ")


def test_a_reader_who_takes_nothing_is_dropped(app, monkeypatch):
    monkeypatch.setattr(bridge, "SLOW_SECONDS", 0.1)
    with serving(app) as port, socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(b"GET /endless HTTP/1.1\r\nHost: x\r\n\r\n")
        assert app.left.wait(10)  # the body was closed


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="needs Linux")
def test_accepted_connections_end_when_the_other_machine_is_gone():
    (listener,) = listening.open_sockets("127.0.0.1", 0)
    with listener:
        listener.listen()
        with socket.create_connection(listener.getsockname()):
            accepted, _ = listener.accept()
            with accepted:
                assert accepted.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
                seconds = accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) / 1000
                assert seconds == listening.UNANSWERED_SECONDS


def test_a_name_that_means_two_addresses_is_served_on_both():
    made = listening.open_sockets("localhost", 0)
    try:
        assert {s.family for s in made} <= {socket.AF_INET, socket.AF_INET6} and made
    finally:
        for one in made:
            one.close()
