"""Asynchronous libraries under the egress guard: on uvloop, which raises no audit events, and on asyncio's own loop."""

from __future__ import annotations

import asyncio
import socket
import ssl
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from webchatagent.core import egress
from webchatagent.core.egress import EgressPolicy, EgressRefused, calling, install
from webchatagent.core.loop import new_loop, run

TENANT = SimpleNamespace(id=7)
HERE = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def no_policy_afterwards():
    egress.reset()
    yield
    egress.reset()


@pytest.fixture(params=[True, False], ids=["uvloop", "asyncio"])
def on_loop(request):
    """Runs a coroutine on each kind of loop."""

    def run_on(work):
        with asyncio.Runner(loop_factory=lambda: new_loop(fast=request.param)) as runner:
            return runner.run(work)

    return run_on


@pytest.fixture
def dns(monkeypatch):
    """Names of the test's own; the audit event is raised as the real resolver raises it."""
    table = {}
    real = egress._resolve

    def resolve(host, port, *args, **kwargs):
        if host in table:
            sys.audit("socket.getaddrinfo", host, port, 0, 0, 0)
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (a, port)) for a in table[host]]
        return real(host, port, *args, **kwargs)

    monkeypatch.setattr(egress, "_resolve", resolve)
    return table


async def served(host="127.0.0.1"):
    """A server that says hello, and its port."""

    async def hello(reader, writer):
        writer.write(b"hello")
        writer.close()

    server = await asyncio.start_server(hello, host, 0)
    return server, server.sockets[0].getsockname()[1]


async def call(host, port, **options):
    reader, writer = await asyncio.open_connection(host, port, **options)
    found = await reader.read()
    writer.close()
    return found


def test_a_declared_host_is_reached_by_name_and_recorded(on_loop, dns):
    dns["api.model.test"] = ["127.0.0.1"]
    install(EgressPolicy(declared={"model": ("api.model.test",)}))

    async def main():
        _, port = await served()
        with calling("model", TENANT):
            return await call("api.model.test", port)

    assert on_loop(main()) == b"hello"
    assert ("model", 7, "api.model.test") in egress.recent()


@pytest.mark.parametrize("host", ["evil.test", "127.0.0.1", "::1"])
def test_any_other_host_is_refused_before_it_is_called(on_loop, dns, host):
    dns["evil.test"] = ["127.0.0.1"]
    install(EgressPolicy(declared={"model": ("api.model.test",)}))

    async def main():
        _, port = await served()
        with calling("model", TENANT), pytest.raises(EgressRefused) as caught:
            await call(host, port)
        return caught.value

    error = on_loop(main())
    assert (error.plugin, error.host) == ("model", host)


def test_a_task_of_a_plugin_is_judged_as_the_plugin(on_loop, dns):
    dns["api.model.test"] = ["127.0.0.1"]
    install(EgressPolicy(declared={"model": ("api.model.test",)}))

    async def main():
        _, port = await served()
        with calling("model", TENANT):
            task = asyncio.ensure_future(call("api.model.test", port))
        with calling("other", TENANT), pytest.raises(EgressRefused):
            await call("api.model.test", port)
        return await task

    assert on_loop(main()) == b"hello"


def test_the_next_address_is_tried_when_one_does_not_answer(on_loop, dns):
    dns["api.model.test"] = ["127.0.0.2", "127.0.0.1"]
    install(EgressPolicy(declared={"model": ("api.model.test",)}))

    async def main():
        _, port = await served()
        with calling("model", TENANT):
            return await call("api.model.test", port)

    assert on_loop(main()) == b"hello"


def test_nobody_listening_is_an_os_error(on_loop, dns):
    dns["api.model.test"] = ["127.0.0.1"]

    async def main():
        server, port = await served()
        server.close()
        await server.wait_closed()
        with pytest.raises(OSError, match=r".+"):
            await call("api.model.test", port)

    on_loop(main())


def test_a_connected_socket_was_judged_when_it_connected(on_loop):
    install(EgressPolicy(declared={"model": ("api.model.test",)}))

    async def main():
        _, port = await served()
        with calling("model", TENANT), socket.socket() as mine, pytest.raises(EgressRefused):
            mine.setblocking(False)
            await asyncio.get_running_loop().sock_connect(mine, ("127.0.0.1", port))

    on_loop(main())


def test_datagrams_are_refused(on_loop):
    async def main():
        with calling("model", TENANT), pytest.raises(EgressRefused):
            await asyncio.get_running_loop().create_datagram_endpoint(
                asyncio.DatagramProtocol, remote_addr=("127.0.0.1", 9)
            )

    on_loop(main())


def test_the_name_of_a_tls_server_is_the_hosts_not_the_addresses(on_loop, dns):
    dns["api.model.test"] = ["127.0.0.1"]
    asked = []

    async def main():
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.sni_callback = lambda sock, name, ctx: asked.append(name)
        server = await asyncio.start_server(lambda r, w: None, "127.0.0.1", 0, ssl=context)
        port = server.sockets[0].getsockname()[1]
        with pytest.raises((ssl.SSLError, OSError)):  # the server has no certificate
            await call("api.model.test", port, ssl=ssl.create_default_context())

    on_loop(main())
    assert asked == ["api.model.test"]


def test_run_gives_the_result_on_a_guarded_loop():
    async def main():
        return type(asyncio.get_running_loop()).__name__

    assert run(main()) == "GuardedLoop"


def test_nothing_makes_a_loop_in_another_way():
    for folder in ("platform", "plugins", "admin"):
        for file in (HERE / folder).rglob("*.py"):
            text = file.read_text(encoding="utf-8")
            if file.name != "loop.py" and file.parent.name != "testing":
                assert "asyncio.run(" not in text and "new_event_loop(" not in text, file
