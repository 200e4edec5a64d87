"""Where a text holds personal data. The last answers are kept by a keyed digest of their text, never by the text."""

from __future__ import annotations

import re
import secrets
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from threading import Lock

from webchatagent.core.api import PersonalSpan, fold_signs

from .kinds import KINDS, NOT_PERSONAL, SIGNS, THING_BEHIND, Kind
from .names import find_cued, find_recognised, find_streets
from .phones import find_phones

KEPT = 8192
_DIGIT = re.compile(r"\d")
_key = secrets.token_bytes(32)
_kept: OrderedDict[bytes, list[PersonalSpan]] = OrderedDict()
_lock = Lock()


def find(text: str, mode: str, regions: Sequence[str]) -> list[PersonalSpan] | None:
    """The places of personal data, by `mode`: standard or strict; None when it is off."""
    if mode == "off":
        return None
    digest = blake2b(f"{mode}|{regions}|{text}".encode(errors="surrogatepass"), key=_key, digest_size=16).digest()
    known = _kept.get(digest)
    if known is None:
        known = list(_search(text, mode, regions))
        with _lock:
            _kept[digest] = known
            if len(_kept) > KEPT:
                _kept.popitem(last=False)
    return known


def _search(text: str, mode: str, regions: Sequence[str]) -> Iterator[PersonalSpan]:
    folded = fold_signs(text)
    small = folded.lower()
    signs = {name for name, pattern in SIGNS.items() if pattern.search(folded)}
    for kind in KINDS:
        if any(need in signs or need in small for need in kind.needs):
            yield from _matches(kind, folded)
    if "a long number" in signs:
        yield from ((a, b, "PHONE") for a, b in find_phones(folded, regions))
    yield from ((a, b, "NAME") for a, b in find_cued(folded, small))
    if mode == "strict":
        yield from ((a, b, "ADDRESS") for a, b in find_streets(folded))
        yield from ((a, b, "NAME") for a, b in find_recognised(text))


def _matches(kind: Kind, text: str) -> Iterator[PersonalSpan]:
    for match in kind.pattern.finditer(text):
        start, end = match.span("v") if "v" in kind.pattern.groupindex else match.span()
        if kind.check is None:
            yield start, end, kind.label
            continue
        end = _proven(kind, text, start, end)
        if end:
            yield start, end, kind.label


def _proven(kind: Kind, text: str, start: int, end: int) -> int:
    """Where the number ends, or 0 when nothing proves it. A greedy pattern may have taken the next word too."""
    assert kind.check is not None
    before = text[max(0, start - 40) : start]
    announced = kind.cue is not None and kind.cue.search(before) is not None
    if not announced and (NOT_PERSONAL.search(before) or THING_BEHIND.match(text[end : end + 20])):
        return 0
    stop = end
    while stop > start:
        if kind.check(text[start:stop]):
            return stop
        cut = text.rfind(" ", start, stop)
        if kind.label != "IBAN" or cut <= start:
            break
        stop = cut
    if not announced:
        return 0
    while kind.label == "IBAN" and not _DIGIT.search(text, cut := text.rfind(" ", start, end) + 1, end) and cut > start:
        end = cut - 1  # a word behind a mistyped number
    return end
