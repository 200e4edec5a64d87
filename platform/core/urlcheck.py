"""Which URLs may be fetched at all, before anything is resolved."""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from .addresses import canonical_host
from .errors import WebChatAgentError

PORTS = {"http": 80, "https": 443}
LOCAL = (".localhost", ".local", ".internal", ".home.arpa")
MAX_URL = 2000
_CONTROL = re.compile(r"[\x00-\x20\x7f\\]")


class FetchRefused(WebChatAgentError):
    """The address may not be fetched. One sentence for all reasons that lie inside, so that nobody can scan by it."""

    status, code = 422, "fetch_refused"

    def __init__(
        self,
        message: str = "This address cannot be fetched: it is not a public web address",
        cure: str = "use an http or https address on port 80 or 443",
        *,
        code: str | None = None,
    ) -> None:
        super().__init__(message, cure, code=code)


@dataclass(frozen=True)
class Target:
    """A URL that passed: `host` is canonical (IPv6 without brackets), `path` is what goes into the request line."""

    url: str
    scheme: str
    host: str
    port: int
    path: str


def parse_target(url: str, private_hosts: frozenset[str]) -> Target:
    """Check a URL. Raises FetchRefused."""
    url = url.strip().split("#")[0]
    if not url or len(url) > MAX_URL or _CONTROL.search(url):
        raise FetchRefused()
    try:
        parts = urlsplit(url)
        port, name = parts.port, parts.hostname or ""
    except ValueError:
        raise FetchRefused() from None
    if parts.scheme not in PORTS or not name or "@" in parts.netloc:
        raise FetchRefused()
    port = port or PORTS[parts.scheme]
    if unicodedata.normalize("NFKC", name) != name:
        raise FetchRefused()
    host = canonical_host(name)
    if f"{host}:{port}" not in private_hosts:
        _check_public(host, port)
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._") + (
        "?" + quote(parts.query, safe="/%:@!$&'()*+,;=~-._?[]|") if parts.query else ""
    )
    shown = f"[{host}]" if ":" in host else host
    netloc = shown if port == PORTS[parts.scheme] else f"{shown}:{port}"
    return Target(f"{parts.scheme}://{netloc}{path}", parts.scheme, host, port, path)


def _check_public(host: str, port: int) -> None:
    if port not in PORTS.values() or not host.isascii():
        raise FetchRefused()
    if host == "localhost" or host.endswith(LOCAL):
        raise FetchRefused()
    last = host.rsplit(".", 1)[-1]
    if last.isdigit() or last.startswith("0x"):
        # 2130706433, 0x7f.1 and 0177.0.0.1 are loopback to some resolvers
        try:
            ipaddress.IPv4Address(host)
        except ValueError:
            raise FetchRefused() from None
