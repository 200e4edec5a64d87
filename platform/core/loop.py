"""Event loops that the egress guard can see.

The guard lives on Python's audit events. uvloop resolves and connects below Python and raises none; asyncio resolves in
a thread that does not know which plugin is calling. The loops made here do both in the open, so an asynchronous library
is judged like any other. Nothing in the platform makes a loop in another way; a test holds that.
"""

from __future__ import annotations

import asyncio
import contextvars
import functools
import socket
import sys
from collections.abc import Coroutine
from typing import Any, TypeVar

from .addresses import is_address
from .egress import EgressRefused, caller

Result = TypeVar("Result")


class _Target:
    """What the guard reads of a socket that uvloop makes below Python."""

    def __init__(self, family: int) -> None:
        self.family = family


class _Guarded(asyncio.AbstractEventLoop):
    """Mixed in before the class of a loop."""

    raises_events = True  # whether the loop's own connect() raises audit events

    async def getaddrinfo(
        self, host: Any, port: Any, *, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0
    ) -> Any:
        """Resolve in a thread that carries the caller's context."""
        resolve = functools.partial(socket.getaddrinfo, host, port, family, type, proto, flags)
        return await self.run_in_executor(None, contextvars.copy_context().run, resolve)

    async def create_connection(self, protocol_factory: Any, host: Any = None, port: Any = None, **options: Any) -> Any:
        """As of the loop: to the first of the host's addresses that answers, each judged before it is called."""
        if host is None:
            return await super().create_connection(protocol_factory, host, port, **options)
        if options.get("ssl") and options.get("server_hostname") is None:
            options["server_hostname"] = host
        failure: OSError | None = None
        for family, address in await self._addresses(host, port, options):
            if not self.raises_events:
                sys.audit("socket.connect", _Target(family), (address, port))
            try:
                return await super().create_connection(protocol_factory, address, port, **options)
            except OSError as error:
                failure = error
        raise failure or OSError(f"{host} has no address")

    async def _addresses(self, host: Any, port: Any, options: dict[str, Any]) -> list[tuple[int, str]]:
        if is_address(str(host)):
            return [(socket.AF_INET6 if ":" in str(host) else socket.AF_INET, str(host))]
        kinds = {k: options.pop(k) for k in ("family", "proto", "flags") if k in options}
        found = await self.getaddrinfo(host, port, type=socket.SOCK_STREAM, **kinds)
        return list(dict.fromkeys((family, sockaddr[0]) for family, _, _, _, sockaddr in found))

    async def create_datagram_endpoint(self, protocol_factory: Any, *args: Any, **options: Any) -> Any:
        """Refused: where a datagram goes is said with each of them, and uvloop sends them below Python."""
        raise EgressRefused(caller()[0], "anybody by datagram")


@functools.cache
def _loop_class(fast: bool) -> type[asyncio.AbstractEventLoop]:
    try:
        if fast:
            import uvloop

            return type("GuardedLoop", (_Guarded, uvloop.Loop), {"raises_events": False})
    except ImportError:  # Windows
        pass
    return type("GuardedLoop", (_Guarded, asyncio.SelectorEventLoop), {})


def new_loop(*, fast: bool = True) -> asyncio.AbstractEventLoop:
    """A new event loop under the guard's eyes: uvloop's where it is installed (and `fast`), else asyncio's."""
    return _loop_class(fast)()


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine to its end on a loop of its own, as `asyncio.run`."""
    with asyncio.Runner(loop_factory=new_loop) as runner:
        return runner.run(work)
