"""One guarded way to fetch what a person named by URL: public hosts only, bounded in time, bytes and redirects.

The check sits where the connection is made (one resolver call, every answer vetted, connected to that very address),
so no difference between URL parsers, no second DNS answer and no redirect can lead inside.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection

from .addresses import canonical_host, is_public
from .errors import WebChatAgentError
from .urlcheck import FetchRefused, Target, parse_target

__all__ = ["FetchFailed", "FetchRefused", "Fetched", "Fetcher", "is_public"]
MAX_REDIRECTS = 5
REDIRECTS = frozenset({301, 302, 303, 307, 308})
BLOCK = 65536


class FetchFailed(WebChatAgentError):
    """The page could not be had. Codes: fetch_failed, fetch_timeout, fetch_too_large, fetch_encoding."""

    status, code = 502, "fetch_failed"


@dataclass(frozen=True)
class Fetched:
    """An answer: `url` is where it was found after redirects, header names are lower case, `body` is decoded."""

    status: int
    url: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


class _Deadline:
    """When everything must be over, on the monotonic clock."""

    def __init__(self, seconds: float) -> None:
        self.end = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds left; raises TimeoutError when there are none."""
        left = self.end - time.monotonic()
        if left <= 0:
            raise TimeoutError("deadline")
        return left


# A time-out of a socket is per read: a server that sends one byte at a time would hold it for ever. So each read
# gets what is left of the whole.


class _Socket(socket.socket):
    deadline: _Deadline

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        self.settimeout(self.deadline.left())
        return super().recv_into(*args, **kwargs)


class _TLSSocket(ssl.SSLSocket):
    deadline: _Deadline | None = None

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        if self.deadline is not None:
            self.settimeout(self.deadline.left())
        return super().recv_into(*args, **kwargs)


class _Guarded:
    """Mixed into urllib3's connections: makes the connection itself, to an address it has vetted."""

    guard: Fetcher
    deadline: _Deadline
    host: str
    port: int

    def _new_conn(self) -> socket.socket:
        host, error = canonical_host(self.host), None
        for family, kind, proto, _, address in self.guard.vetted(host, self.port):
            sock = _Socket(family, kind, proto)
            sock.deadline = self.deadline
            try:
                sock.settimeout(min(self.deadline.left(), 10.0))
                sock.connect(address)
                if sock.getpeername()[0] != address[0]:
                    raise FetchRefused()
                return sock
            except OSError as caught:
                sock.close()
                error = caught
            except BaseException:  # refused, or the process ends: the socket must not stay open
                sock.close()
                raise
        raise error or OSError("no address")


class _HTTP(_Guarded, HTTPConnection):
    pass


class _HTTPS(_Guarded, HTTPSConnection):
    def connect(self) -> None:
        super().connect()
        if isinstance(self.sock, _TLSSocket):
            self.sock.deadline = self.deadline


class Fetcher:
    """Fetches by GET. `deadline` in seconds covers a whole call with its redirects; `max_bytes` counts decoded bytes.

    `private_hosts` are `host:port` pairs that may be called although private or on another port than 80 and 443.
    Proxy settings of the environment are ignored. Safe to share between threads.
    """

    def __init__(
        self,
        private_hosts: frozenset[str] = frozenset(),
        user_agent: str = "WebChatAgentBot/1.0",
        deadline: float = 20.0,
        max_bytes: int = 10_000_000,
    ) -> None:
        self.private_hosts = frozenset(h.lower() for h in private_hosts)
        self.user_agent, self.deadline, self.max_bytes = user_agent, deadline, max_bytes
        self._tls = ssl.create_default_context()
        self._tls.sslsocket_class = _TLSSocket

    def get(
        self, url: str, headers: Mapping[str, str] | None = None, allow_host: Callable[[str], bool] | None = None
    ) -> Fetched:
        """Fetch; any HTTP status is an answer. `allow_host` is asked for every hop, with the canonical host name.

        Raises FetchRefused (not a public web address, or a host that `allow_host` declines) or FetchFailed.
        """
        return self.send("GET", url, headers, None, allow_host)

    def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        allow_host: Callable[[str], bool] | None = None,
    ) -> Fetched:
        """As `get`, with another method and a body. Only a GET follows redirects: nothing else is sent twice."""
        deadline = _Deadline(self.deadline)
        for _ in range(MAX_REDIRECTS + 1):
            target = parse_target(url, self.private_hosts)
            if allow_host is not None and not allow_host(target.host):
                raise FetchRefused(f"The address leads to another host: {target.host}", code="fetch_other_host")
            answer = self._hop(target, headers or {}, deadline, method, body)
            location = answer.headers.get("location")
            if answer.status not in REDIRECTS or not location or method != "GET":
                return answer
            url = urljoin(target.url, location)
        raise FetchFailed(f"{target.host} redirects more than {MAX_REDIRECTS} times", code="fetch_redirects")

    def vetted(self, host: str, port: int) -> list[Any]:
        """The resolver's answers for a host, when every one of them is public; else raises FetchRefused."""
        infos = socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)
        if f"{host}:{port}" not in self.private_hosts and not all(is_public(str(i[4][0])) for i in infos):
            raise FetchRefused()  # one private answer spoils all
        return infos

    def _hop(
        self, target: Target, headers: Mapping[str, str], deadline: _Deadline, method: str, sends: bytes | None
    ) -> Fetched:
        connection: _HTTP | _HTTPS
        if target.scheme == "https":
            connection = _HTTPS(target.host, target.port, ssl_context=self._tls, timeout=deadline.left())
        else:
            connection = _HTTP(target.host, target.port, timeout=deadline.left())
        connection.guard, connection.deadline = self, deadline
        sent = {"User-Agent": self.user_agent, "Accept-Encoding": "gzip, deflate", "Connection": "close", **headers}
        try:
            connection.request(
                method, target.path, body=sends, headers=sent, preload_content=False, decode_content=False
            )
            response = connection.getresponse()
            found = {name.lower(): value for name, value in response.headers.items()}
            body = (
                b"" if response.status in REDIRECTS or response.status == 304 else self._body(response, found, deadline)
            )
            return Fetched(response.status, target.url, found, body)
        except TimeoutError as error:
            raise FetchFailed(f"{target.host} took too long to answer", code="fetch_timeout") from error
        except socket.gaierror as error:
            raise FetchFailed(f"There is no host named {target.host}", code="fetch_no_host") from error
        except ssl.SSLError as error:
            raise FetchFailed(f"{target.host} has no valid certificate", code="fetch_tls") from error
        except (OSError, urllib3.exceptions.HTTPError, http.client.HTTPException, ValueError, zlib.error) as error:
            if isinstance(error, urllib3.exceptions.TimeoutError) or time.monotonic() >= deadline.end:
                raise FetchFailed(f"{target.host} took too long to answer", code="fetch_timeout") from error
            raise FetchFailed(f"{target.host} cannot be reached or does not speak HTTP") from error
        finally:
            connection.close()

    def _body(self, response: Any, headers: Mapping[str, str], deadline: _Deadline) -> bytes:
        length = headers.get("content-length", "")
        if length.isdigit() and int(length) > self.max_bytes:
            raise self._too_large()
        body = bytearray()
        for part in _decoded(response.stream(BLOCK, decode_content=False), headers.get("content-encoding", "")):
            body += part
            if len(body) > self.max_bytes:
                raise self._too_large()
            deadline.left()
        return bytes(body)

    def _too_large(self) -> FetchFailed:
        return FetchFailed(f"The page is larger than {self.max_bytes / 1e6:g} MB", code="fetch_too_large")


def _decoded(parts: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    """The decoded body in blocks of bounded size, so that a bomb is seen before it fills the memory."""
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        yield from parts
        return
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise FetchFailed("The page is compressed in a way that was not asked for", code="fetch_encoding")
    inflate = None
    for part in parts:
        if inflate is None:
            raw = encoding == "deflate" and part[:1] and part[0] & 0x0F != 8  # some servers leave the zlib header out
            inflate = zlib.decompressobj(-15 if raw else 47)
        while part:
            yield inflate.decompress(part, BLOCK)
            part = inflate.unconsumed_tail
            if inflate.eof:
                part = inflate.unused_data
                inflate = zlib.decompressobj(47)
                if part[:2] != b"\x1f\x8b":  # padding behind the last member
                    return
    if inflate is not None:
        yield inflate.flush()
