"""robots.txt: what may be read, how fast, and where the sitemaps are (RFC 9309)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin

from webchatagent.core.api import Fetcher

AGENT = "WebChatAgentBot"
MAX_BYTES = 500 * 1024
MAX_DELAY = 5.0


@dataclass(frozen=True)
class Robots:
    """The rules of one site. `delay` in seconds."""

    allowed: Callable[[str], bool]
    delay: float = 0.0
    sitemaps: tuple[str, ...] = field(default=())
    reachable: bool = True


def read_robots(fetcher: Fetcher, start: str, allow_host: Callable[[str], bool]) -> Robots:
    """Fetch and read: no file (4xx) allows all, a server in trouble (5xx) nothing. Raises what the fetcher raises."""
    answer = fetcher.get(urljoin(start, "/robots.txt"), allow_host=allow_host)
    if answer.status >= 500 or answer.status == 429:
        return Robots(lambda url: False, reachable=False)
    if answer.status != 200:
        return Robots(lambda url: True)
    return parse_robots(answer.body)


def parse_robots(body: bytes) -> Robots:
    """The rules in a file; only the first 500 KiB count."""
    from protego import Protego

    text = body[:MAX_BYTES].decode("utf-8-sig", "replace")
    if text.lstrip()[:1] == "<":  # a page of the site instead of the file
        return Robots(lambda url: True)
    rules: Any = Protego.parse(text)
    delay = rules.crawl_delay(AGENT) or 0.0
    return Robots(
        lambda url: bool(rules.can_fetch(url, AGENT)), min(max(float(delay), 0.0), MAX_DELAY), tuple(rules.sitemaps)
    )
