"""The one egress guard for every library: Python's audit events see each name that is resolved and each connection.

Core runs every call into a plugin inside `calling(plugin, tenant)`; a call out is then judged by what that plugin
declares in its manifest. Outside of `calling` it is the platform itself, which calls its own servers only.
A thread that a plugin starts by itself inherits nothing, so it is judged as the platform and refused: fail closed.
"""

from __future__ import annotations

import logging
import socket
import sys
import threading
from collections import Counter, deque
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Literal

from .addresses import canonical_host, is_address, is_loopback, is_public
from .errors import WebChatAgentError
from .slots import step_aside

log = logging.getLogger(__name__)
Mode = Literal["open", "declared", "none"]
REMEMBERED = 256
"""How many resolved addresses one context remembers."""


class EgressRefused(WebChatAgentError):
    """A plugin (or the platform, `plugin` is empty) called a host that it does not declare."""

    status, code = 502, "egress_refused"

    def __init__(self, plugin: str, host: str) -> None:
        who = f"The plugin {plugin}" if plugin else "The platform"
        super().__init__(f"{who} may not call {host}", "see `egress` in its plugin.toml and WEBCHATAGENT_EGRESS")
        self.plugin, self.host = plugin, host


@dataclass(frozen=True)
class EgressPolicy:
    """Who may call what. Hosts are canonical names; an entry of `platform_hosts` may carry a port (`db:5432`).

    `declared` maps plugin ids to the hosts of their manifests: `api.example.org`, `*.example.org`, or `*` for the
    hosts that a tenant entered, which `tenant_hosts(plugin, tenant_id)` and `calling(..., hosts=)` name.
    `private_hosts` are the operator's `host:port` pairs: any plugin may call them, in the mode `declared`.
    """

    mode: Mode = "declared"
    platform_hosts: frozenset[str] = frozenset()
    declared: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    private_hosts: frozenset[str] = frozenset()
    tenant_hosts: Callable[[str, int | None], frozenset[str]] = lambda plugin, tenant_id: frozenset()

    def allows(
        self, plugin: str, tenant_id: int | None, host: str, port: int | None, hosts: frozenset[str] = frozenset()
    ) -> bool:
        """Whether `plugin` may call; the empty plugin id is the platform itself."""
        if self.mode == "open":
            return True
        # Core's own connections (a pool that grows during a hook, say) are made inside `calling` too.
        if _named(self.platform_hosts, host, port):
            return True
        if not plugin:
            return is_loopback(host)
        if self.mode == "none":
            return False
        if f"{host}:{port}" in self.private_hosts:
            return True
        declared = self.declared.get(plugin, ())
        return _matches(declared, host) or self.entered(plugin, tenant_id, host, port, hosts)

    def entered(self, plugin: str, tenant_id: int | None, host: str, port: int | None, hosts: frozenset[str]) -> bool:
        """Whether a tenant entered the host, the plugin declares `*`, and it is no address inside the house."""
        if "*" not in self.declared.get(plugin, ()) or (is_address(host) and not is_public(host)):
            return False
        return _named(hosts, host, port) or _named(self.tenant_hosts(plugin, tenant_id), host, port)


def _named(hosts: frozenset[str], host: str, port: int | None) -> bool:
    return host in hosts or f"{host}:{port}" in hosts


def _matches(patterns: tuple[str, ...], host: str) -> bool:
    return any(host == p or (p.startswith("*.") and host.endswith(p[1:])) for p in patterns)


class calling:
    """Context: what happens inside is done by `plugin` for `tenant` (an object with `.id`, or None).

    `hosts` are the hosts of the source that is being read, as its connector names them. Costs about a microsecond.
    """

    __slots__ = ("_before", "addresses", "hosts", "plugin", "tenant_id")

    def __init__(self, plugin: str, tenant: Any = None, hosts: frozenset[str] = frozenset()) -> None:
        self.plugin = plugin
        self.tenant_id: int | None = None if tenant is None else tenant.id
        self.hosts = hosts
        self.addresses: dict[str, str] | None = None

    def __enter__(self) -> calling:
        self._before = _caller.get()
        if self._before.plugin == self.plugin and self._before.tenant_id == self.tenant_id:
            self.hosts |= self._before.hosts  # the hosts of a source or a configuration that is being tried
        _caller.set(self)
        return self

    def __exit__(self, *exc: object) -> None:
        _caller.set(self._before)  # not reset(token): a generator may be closed in another context


_PLATFORM = calling("", None)
_caller: ContextVar[calling] = ContextVar("egress_caller", default=_PLATFORM)
_lock = threading.Lock()
_policy: EgressPolicy | None = None
_installed = False
_recent: deque[tuple[str, int | None, str]] = deque(maxlen=500)
refused: Counter[tuple[str, str]] = Counter()
"""How often, per (plugin, host), a call was refused."""
_resolve = socket.getaddrinfo


def caller() -> tuple[str, int | None]:
    """The plugin id (empty: the platform) and the tenant id that the present code runs for."""
    now = _caller.get()
    return now.plugin, now.tenant_id


def recent() -> list[tuple[str, int | None, str]]:
    """The last 500 hosts that were called, oldest first, as (plugin, tenant id, host). For tests and the admin."""
    return list(_recent)


def install(policy: EgressPolicy) -> None:
    """Put the policy into force in this process; calling it again replaces the policy."""
    global _policy, _installed
    with _lock:
        _policy = policy
        if not _installed:
            _installed = True
            sys.addaudithook(_audit)  # for ever: Python has no way to take one away
            socket.getaddrinfo = _remembering


def reset() -> None:
    """Take the policy out of force and forget what was recorded. For tests."""
    global _policy
    with _lock:
        _policy = None
        _recent.clear()
        refused.clear()
        _PLATFORM.addresses = None


def _check(host: str, port: int | None) -> None:
    step_aside()
    policy, now = _policy, _caller.get()
    if policy is None:
        return
    if not policy.allows(now.plugin, now.tenant_id, host, port, now.hosts):
        raise _refusal(now.plugin, host)
    _recent.append((now.plugin, now.tenant_id, host))


def _refusal(plugin: str, host: str) -> EgressRefused:
    with _lock:
        refused[plugin, host] += 1
    log.warning("egress refused: plugin=%s host=%s", plugin or "-", host)
    return EgressRefused(plugin, host)


def _port(value: Any) -> int | None:
    try:
        return int(value)
    except (TypeError, ValueError):
        return None


def _on_resolve(args: tuple[Any, ...]) -> None:
    if args[0]:  # None and "" are for servers that bind
        _check(canonical_host(args[0]), _port(args[1]))


def _on_name(args: tuple[Any, ...]) -> None:
    if _caller.get().plugin and args[0]:  # the platform asks for its own name
        _check(canonical_host(args[0]), None)


def _on_connect(args: tuple[Any, ...]) -> None:
    sock, address = args[0], args[1]
    if sock.family not in (socket.AF_INET, socket.AF_INET6) or not isinstance(address, tuple):
        return
    host = canonical_host(address[0])
    if host not in (_caller.get().addresses or ()):
        _check(host, _port(address[1]))


_HANDLERS: dict[str, Callable[[tuple[Any, ...]], None]] = {
    "socket.getaddrinfo": _on_resolve,
    "socket.gethostbyname": _on_name,
    "socket.connect": _on_connect,
    "socket.sendto": _on_connect,
}


def _audit(event: str, args: tuple[Any, ...]) -> None:
    handler = _HANDLERS.get(event)
    if handler is not None and _policy is not None:
        handler(args)


def _remembering(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
    """`socket.getaddrinfo` that notes what an allowed name resolved to: the audit event comes before the answer."""
    answers = _resolve(host, port, *args, **kwargs)
    policy, now = _policy, _caller.get()
    if policy is None or not host:
        return answers
    name, number = canonical_host(host), _port(port)
    found = [canonical_host(str(answer[4][0])) for answer in answers]
    entered = (
        now.plugin
        and policy.mode == "declared"
        and f"{name}:{number}" not in policy.private_hosts
        and (policy.entered(now.plugin, now.tenant_id, name, number, now.hosts))
    )
    if entered and not all(is_public(address) for address in found):
        # A tenant must not reach into the operator's network by a name that points there.
        raise _refusal(now.plugin, name)
    remembered = now.addresses if now.addresses is not None else {}
    for address in found:
        remembered[address] = name
    while len(remembered) > REMEMBERED:
        remembered.pop(next(iter(remembered)), None)
    now.addresses = remembered
    return answers
