"""The sockets and connections of a server: those that nobody is behind end, and slow ones hold nothing for long."""

from __future__ import annotations

import asyncio
import errno
import socket
from typing import Any

HEAD_SECONDS = 15.0
"""How long the head of a request may take to come."""
UNANSWERED_SECONDS = 30
"""After so long without an answer from the other side's kernel a connection is closed; a stream sends every 5 s."""
BACKLOG = 4096
ABSENT = (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL)


def open_sockets(host: str, port: int) -> list[socket.socket]:
    """Sockets that are bound to the addresses of a host, and listen once a server starts. Raises OSError."""
    found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    made: list[socket.socket] = []
    missing: OSError | None = None
    for family, address in dict.fromkeys((family, address) for family, _, _, _, address in found):
        try:
            made.append(_bound(family, address))
        except OSError as error:
            if error.errno not in ABSENT:
                for one in made:
                    one.close()
                raise
            missing = error  # a machine without IPv6 has names that mean such an address all the same
    if not made:
        raise missing or OSError(f"{host} has no address")
    return made


def _bound(family: int, address: Any) -> socket.socket:
    one = socket.socket(family, socket.SOCK_STREAM)
    try:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        # Accepted connections inherit these.
        one.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in (
            ("TCP_KEEPIDLE", UNANSWERED_SECONDS),
            ("TCP_KEEPINTVL", 10),
            ("TCP_KEEPCNT", 3),
            ("TCP_USER_TIMEOUT", UNANSWERED_SECONDS * 1000),
        ):
            if hasattr(socket, name):
                one.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
        one.bind(address)
    except OSError:
        one.close()
        raise
    return one


def patient_protocol() -> Any:
    """The HTTP protocol of a server, which closes a connection whose request does not come; uvicorn has no such limit."""
    try:
        from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
    except ImportError:  # Windows
        return "auto"

    class Patient(HttpToolsProtocol):
        """Begins to wait with the connection, and with the first byte of each further request."""

        _waiting: asyncio.TimerHandle | None = None

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._wait()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            if self.cycle is not None and not self.cycle.response_complete:
                self._enough()
            elif self._waiting is None:
                self._wait()

        def connection_lost(self, exc: Exception | None) -> None:
            self._enough()
            super().connection_lost(exc)

        def _wait(self) -> None:
            self._waiting = self.loop.call_later(HEAD_SECONDS, self._close)

        def _enough(self) -> None:
            if self._waiting is not None:
                self._waiting.cancel()
                self._waiting = None

        def _close(self) -> None:
            self._waiting = None
            if not self.transport.is_closing():
                self.transport.close()

    return Patient
