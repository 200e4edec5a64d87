"""Links in a stream: an address that no source and no word of the tenant's holds is shown as text.

A model that obeys a poisoned document would write what it knows into an address, as a link or an image. So an address
leaves as a link only when it stands in what the model was given, letter by letter. Any other is cut in two by a sign without
width, and moved away from the bracket of a link: it reads the same, and no reader of Markdown makes a link of it. What
may become an address is held until it is whole, and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

_START = r"(?i:https?:/|(?<![^\W_])(?:www\.|mailto:|tel:))"
_INNER = r"(?:[^\s<>()]|\([^\s<>()]*\))*(?:\([^\s<>()]*\Z)?"
_ADDRESS = re.compile(
    rf"(?<=\])(?P<open>\(\s*<?)(?P<target>{_INNER})"
    rf"|(?P<bare>{_START}(?:[^\s<>()\[\]\"'`|\\^{{}}]|\([^\s<>()]*\))*(?:\([^\s<>()]*\Z)?)"
)
_LIKELY = re.compile(rf"\]\(|{_START}")
_INSIDE = ("https:/", "http:/")
"""Beginnings that count inside a word as well: some readers make a link of `seehttps://…`, and none of `hotel:`."""
_BEGINS = (*_INSIDE, "www.", "mailto:", "tel:")
_MAYBE = re.compile(r"[A-Za-z][A-Za-z.:/]{0,6}\Z")
_TRAILING = ".,;:!?*_~…\u0964'\""
_BREAK = re.compile(r"(https?:|www|mailto|tel)(/|\.|:)", re.IGNORECASE)
JOINER = "\u2060"
"""What cuts an address: nothing to see, no blank, and no part of any address."""
LONGEST = 2000
"""Characters that are held at most; what is longer is no address that anybody cites."""


def addresses(texts: Iterable[str]) -> frozenset[str]:
    """The addresses in some texts, as they are compared."""
    found = (m["target"] or m["bare"] for text in texts for m in _ADDRESS.finditer(text))
    return frozenset(_same(address) for address in found if address)


def _same(address: str) -> str:
    """An address without what differs for no reader: its fragment, a slash and signs at its end, the case of its scheme."""
    text = address.partition("#")[0].rstrip(_TRAILING).rstrip("/")
    scheme, sign, rest = text.partition(":")
    return f"{scheme.lower()}{sign}{rest}"


class LinkStream:
    """Rewrites addresses that are not allowed. `allowed` gives those that are, and is asked at the first address only."""

    def __init__(self, allowed: Callable[[], frozenset[str]]) -> None:
        self._ask = allowed
        self._allowed: frozenset[str] | None = None
        self._held, self._last = "", ""

    def feed(self, text: str) -> str:
        """Take the next piece; returns what can be shown now."""
        if not self._held and self._last != "]" and not _LIKELY.search(text) and not _may_begin(text):
            self._last = text[-1:] or self._last
            return text
        return self._take(self._held + text, over=False)

    def close(self) -> str:
        """What is left at the end."""
        return self._take(self._held, over=True)

    def _take(self, text: str, *, over: bool) -> str:
        """Write what is whole; the rest is held."""
        text, position = self._last + text, len(self._last)  # what stands before decides what a bracket means
        out: list[str] = []
        end = len(text)
        for found in _ADDRESS.finditer(text, position):
            if found.end() == len(text) and not over and found.end() - found.start() <= LONGEST:
                end = found.start()
                break
            out += [text[position : found.start()], self._written(found)]
            position = found.end()
        else:
            end = len(text) - (0 if over else min(_may_begin(text), len(text) - position))
        self._held = text[end:]
        self._last = text[end - 1 : end] or self._last
        return "".join(out) + text[position:end]

    def _written(self, found: re.Match[str]) -> str:
        """An address kept, or made text."""
        address = found["bare"]
        if address:
            return address if self._is_allowed(address) else _cut(address)
        target = found["target"]
        return found[0] if target and self._is_allowed(target) else " " + _cut(found[0])

    def _is_allowed(self, address: str) -> bool:
        if self._allowed is None:
            self._allowed = self._ask()
        return _same(address) in self._allowed


def _cut(text: str) -> str:
    return _BREAK.sub(lambda m: f"{m[1]}{JOINER}{m[2]}", text)


def _may_begin(text: str) -> int:
    """How many characters at the end may be the beginning of an address; 0 for none."""
    found = _MAYBE.search(text[-7:])
    if found is None:
        return 0
    tail = found[0].lower()
    for size in range(len(tail), 0, -1):
        part = tail[-size:]
        before = text[len(text) - size - 1 : len(text) - size]
        begins = _INSIDE if before.isalnum() else _BEGINS
        if any(begin.startswith(part) for begin in begins):
            return size
    return 0
