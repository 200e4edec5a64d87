"""The egress guard: what a plugin declares is what it may call, whatever library makes the call."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from webchatagent.core import egress
from webchatagent.core.egress import EgressPolicy, EgressRefused, calling, install

TENANT = SimpleNamespace(id=7)


@pytest.fixture(autouse=True)
def no_policy_afterwards() -> Iterator[None]:
    egress.reset()
    yield
    egress.reset()


@pytest.fixture
def listener() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def dns(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Names of the test's own; the audit event is raised as the real resolver raises it."""
    import sys

    table: dict[str, str] = {}
    real = egress._resolve

    def resolve(host: str, port: object, *args: object, **kwargs: object) -> object:
        if host in table:
            sys.audit("socket.getaddrinfo", host, port, 0, 0, 0)
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (table[host], port))]
        return real(host, port, *args, **kwargs)

    monkeypatch.setattr(egress, "_resolve", resolve)
    return table


def connect(host: str, port: int) -> None:
    socket.create_connection((host, port), timeout=2).close()


def test_undeclared_host_is_refused_named_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    install(EgressPolicy(declared={"mail": ("api.mail.test",)}))
    with calling("mail", TENANT), pytest.raises(EgressRefused) as caught:
        connect("evil.test", 443)
    assert caught.value.code == "egress_refused"
    assert "mail" in caught.value.message and "evil.test" in caught.value.message
    assert egress.refused["mail", "evil.test"] == 1
    assert "evil.test" in caplog.text
    assert egress.recent() == []


def test_a_library_is_seen_without_its_help() -> None:
    install(EgressPolicy())
    with calling("mail", TENANT), pytest.raises(EgressRefused):
        http.client.HTTPConnection("evil.test", timeout=1).request("GET", "/")


def test_declared_host_resolves_then_connects_and_is_recorded(listener: int, dns: dict[str, str]) -> None:
    dns["api.mail.test"] = "127.0.0.1"
    install(EgressPolicy(declared={"mail": ("api.mail.test",)}))
    with calling("mail", TENANT):
        connect("api.mail.test", listener)
    assert egress.recent() == [("mail", 7, "api.mail.test")]


def test_an_address_resolved_in_one_context_is_not_allowed_in_another(listener: int, dns: dict[str, str]) -> None:
    dns["api.mail.test"] = "127.0.0.1"
    install(EgressPolicy(declared={"mail": ("api.mail.test",)}))
    with calling("mail", TENANT):
        connect("api.mail.test", listener)
    with calling("other", TENANT), pytest.raises(EgressRefused):
        connect("127.0.0.1", listener)


def test_literal_address_is_a_host_of_its_own(listener: int) -> None:
    install(EgressPolicy(declared={"mail": ("127.0.0.1",)}))
    with calling("mail", TENANT):
        with socket.socket() as sock:
            sock.connect(("127.0.0.1", listener))
        with socket.socket() as sock, pytest.raises(EgressRefused):
            sock.connect(("127.0.0.2", listener))


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("oauth2.googleapis.com", True),
        ("a.b.googleapis.com", True),
        ("googleapis.com", False),
        ("evilgoogleapis.com", False),
        ("googleapis.com.evil.test", False),
    ],
)
def test_wildcard_matches_below_the_dot(host: str, allowed: bool) -> None:
    policy = EgressPolicy(declared={"calendar": ("*.googleapis.com",)})
    assert policy.allows("calendar", 1, host, 443) is allowed


def test_star_means_the_hosts_of_this_tenant_and_this_source() -> None:
    policy = EgressPolicy(
        declared={"website": ("*",), "mail": ()},
        tenant_hosts=lambda plugin, tenant: frozenset({"a.test"}) if tenant == 1 else frozenset(),
    )
    assert policy.allows("website", 1, "a.test", 443)
    assert not policy.allows("website", 2, "a.test", 443)
    assert policy.allows("website", 2, "b.test", 443, frozenset({"b.test"}))
    assert not policy.allows("mail", 2, "b.test", 443, frozenset({"b.test"}))


def test_a_name_a_tenant_entered_may_not_point_inside(listener: int, dns: dict[str, str]) -> None:
    dns["intern.test"] = "127.0.0.1"
    install(EgressPolicy(declared={"website": ("*",)}))
    with calling("website", TENANT, hosts=frozenset({"intern.test"})), pytest.raises(EgressRefused):
        connect("intern.test", listener)
    assert egress.refused["website", "intern.test"] == 1


@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "::ffff:10.0.0.1"])
def test_an_address_inside_that_a_tenant_entered_is_refused(address: str) -> None:
    policy = EgressPolicy(declared={"llm": ("*",)}, tenant_hosts=lambda plugin, tenant: frozenset({address}))
    assert not policy.allows("llm", 1, address, 80)
    assert not policy.allows("llm", 1, address, 80, frozenset({address}))
    assert EgressPolicy(declared={"llm": ("*",)}).allows("llm", 1, "93.184.216.34", 80, frozenset({"93.184.216.34"}))


def test_hosts_being_tried_hold_for_the_same_plugin_and_tenant_inside() -> None:
    other = SimpleNamespace(id=8)
    with calling("llm", TENANT, hosts=frozenset({"a.test"})):
        with calling("llm", TENANT) as same:
            assert same.hosts == {"a.test"}
        with calling("llm", other) as foreign, calling("mail", TENANT) as mail:
            assert not foreign.hosts and not mail.hosts


def test_private_host_of_the_operator_is_usable(listener: int) -> None:
    install(EgressPolicy(declared={"website": ("*",)}, private_hosts=frozenset({f"127.0.0.1:{listener}"})))
    with calling("website", TENANT):
        connect("127.0.0.1", listener)
        with pytest.raises(EgressRefused):
            connect("127.0.0.1", listener + 1)


@pytest.mark.parametrize(
    ("mode", "plugin_may", "database_may"), [("open", True, True), ("declared", True, True), ("none", False, True)]
)
def test_modes(mode: egress.Mode, plugin_may: bool, database_may: bool) -> None:
    policy = EgressPolicy(mode, frozenset({"db:5432"}), {"mail": ("api.mail.test",)})
    assert policy.allows("mail", 1, "api.mail.test", 443) is plugin_may
    assert policy.allows("", None, "db", 5432) is database_may
    assert policy.allows("", None, "db", 22) is (mode == "open")


def test_the_platform_calls_its_own_servers_and_loopback_only(listener: int) -> None:
    install(EgressPolicy(platform_hosts=frozenset({"redis.test:6379"})))
    connect("127.0.0.1", listener)
    with pytest.raises(EgressRefused) as caught:
        connect("telemetry.test", 443)
    assert caught.value.plugin == ""


def test_datagrams_are_judged_too() -> None:
    install(EgressPolicy())
    with calling("mail", TENANT), socket.socket(type=socket.SOCK_DGRAM) as sock, pytest.raises(EgressRefused):
        sock.sendto(b"x", ("203.0.113.9", 53))


def test_unix_sockets_are_not_egress(tmp_path: object) -> None:
    install(EgressPolicy(mode="none"))
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as sock:
        server.bind(f"{tmp_path}/s")
        server.listen()
        with calling("mail", TENANT):
            sock.connect(f"{tmp_path}/s")


def test_a_thread_of_a_plugin_inherits_no_permission() -> None:
    install(EgressPolicy(declared={"mail": ("api.mail.test",)}))
    errors: list[Exception] = []

    def run() -> None:
        try:
            connect("api.mail.test", 443)
        except Exception as error:
            errors.append(error)

    with calling("mail", TENANT):
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
    assert isinstance(errors[0], EgressRefused)


def test_nested_calls_come_back_to_the_outer_plugin() -> None:
    with calling("outer", TENANT):
        with calling("inner", None):
            assert egress.caller() == ("inner", None)
        assert egress.caller() == ("outer", 7)
    assert egress.caller() == ("", None)


def test_remembered_addresses_are_bounded(dns: dict[str, str]) -> None:
    install(EgressPolicy(declared={"mail": ("*.mail.test",)}))
    with calling("mail", TENANT) as now:
        for n in range(egress.REMEMBERED + 20):
            name = f"h{n}.mail.test"
            dns[name] = f"127.1.{n // 250}.{n % 250 + 1}"
            socket.getaddrinfo(name, 443)
        assert len(now.addresses or {}) == egress.REMEMBERED


def test_calling_is_cheap() -> None:
    rounds = 20_000
    begin = time.process_time()
    for _ in range(rounds):
        with calling("mail", TENANT):
            pass
    assert (time.process_time() - begin) / rounds < 20e-6  # measured: below 1 µs; the bound only catches a blunder
