"""Sitemaps: XML, text, gzip and indexes, all within bounds."""

from __future__ import annotations

import time
import zlib
from collections import deque
from collections.abc import Callable, Iterable

from defusedxml import DefusedXmlException  # type: ignore[import-untyped]
from defusedxml.ElementTree import ParseError, fromstring  # type: ignore[import-untyped]

from webchatagent.core.api import Fetcher, WebChatAgentError

MAX_FILES = 20
MAX_BYTES = 20_000_000
MAX_SECONDS = 60.0


def read_sitemaps(
    fetcher: Fetcher, addresses: Iterable[str], allow_host: Callable[[str], bool], limit: int, pause: Callable[[], None]
) -> list[str]:
    """The page addresses in the sitemaps and in those they name, at most `limit`. What cannot be read is left out."""
    waiting, seen, pages = deque(addresses), set[str](), dict[str, None]()
    end = time.monotonic() + MAX_SECONDS
    while waiting and len(seen) < MAX_FILES and len(pages) < limit and time.monotonic() < end:
        address = waiting.popleft()
        if address in seen:
            continue
        seen.add(address)
        pause()
        try:
            answer = fetcher.get(address, allow_host=allow_host)
        except WebChatAgentError:
            continue
        if answer.status == 200:
            found, more = parse_sitemap(answer.body)
            waiting.extend(more[:MAX_FILES])
            pages.update(dict.fromkeys(found))
    return list(pages)[:limit]


def parse_sitemap(body: bytes) -> tuple[list[str], list[str]]:
    """The pages and the further sitemaps that a sitemap names; nothing when it cannot be read."""
    if body.startswith(b"\x1f\x8b"):
        try:
            inflate = zlib.decompressobj(31)
            body = inflate.decompress(body, MAX_BYTES)
        except zlib.error:
            return [], []
        if inflate.unconsumed_tail:
            return [], []
    if not body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        lines = body.decode("utf-8-sig", "replace").split()
        return [line for line in lines if line.startswith(("http://", "https://"))], []
    try:
        root = fromstring(body.lstrip(), forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError):
        return [], []
    named = [(node.text or "").strip() for node in root.iterfind("./{*}*/{*}loc")]
    named = [address for address in named if address]
    return ([], named) if root.tag.rpartition("}")[2] == "sitemapindex" else (named, [])
