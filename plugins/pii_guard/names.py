"""Names of people: those that a cue announces, and those that an installed recogniser finds."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from importlib.metadata import entry_points

GROUP = "webchatagent.name_recognisers"
Recogniser = Callable[[str], Iterable[tuple[int, int]]]
_WORD = r"(?:[A-ZÀ-Þ\u0100-\u017f](?:\.|[\w'’-]+)|[\u0900-\u097f]{2,})"
_TITLE = r"(?:(?:Univ\.|Dipl\.)?-?(?:Dr|Prof|Ing|Dipl|med|Mag|Herrn?|Frau|Mrs?|Ms)\.? )*"
_NAME = rf"{_TITLE}{_WORD}(?: (?:von|van|de|der|zu|al|bin)){{0,2}}(?: {_WORD}){{0,2}}"
_LOWER = (
    r"(?!(?:not|no|the|a|an|is|in|on|and|my|your|none|nobody|nicht|keine?|egal|eine?|der|die|das|und)\b)[^\W\d_]{2,20}"
)
_CUED = (  # words in small letters without which a text is not searched, and the cue with its name
    (
        ("name", "ich hei"),
        rf"(?i:\bmy name is|\bmy name's|\bmein name (?:ist|lautet)|\bich hei(?:ß|ss)e)\s+(?P<v>{_NAME})",
    ),
    (
        ("name", "ich hei"),
        rf"(?i:\bmy name is|\bmein name ist|\bich hei(?:ß|ss)e)\s+(?P<v>{_LOWER}(?: {_LOWER})?)",
    ),
    (
        ("i'm", "i’m", "i am", "hier "),
        rf"(?:\bI am|\bI'm|\bI’m|\bHier ist|\bHier spricht)\s+(?P<v>{_TITLE}{_WORD}(?: {_WORD}){{1,2}})",
    ),
    (
        ("ansprechpartner", "contact", "name:"),
        rf"(?:\b[Aa]nsprechpartner(?:in)?(?: ist|:)|\bContact(?: person)?:|\bName:)\s*(?P<v>{_TITLE}{_WORD}(?: {_WORD}){{1,2}})",
    ),
    (
        ("herr", "frau", "mr", "ms", "miss"),
        rf"(?:\bHerrn?|\bFrau|\bMrs?\.?|\bMs\.?|\bMiss)\s(?P<v>{_NAME})",
    ),
    (
        ("regards", "sincerely", "cheers", "grüße", "gruß", "grüsse"),
        rf"(?i:\b(?:regards|sincerely|cheers|grüße|gruß|grüsse)),?\s*\n\s*(?P<v>{_WORD}(?: {_WORD}){{0,2}})",
    ),
    (("मेरा नाम",), r"मेरा नाम (?P<v>[^\s।,]+(?: (?!है|हूँ)[^\s।,]+){0,3}) है"),
    (
        ("श्री", "सुश्री", "डॉ"),
        r"(?:श्रीमती|श्री|सुश्री|डॉ\.) (?!लंका)(?P<v>[\u0900-\u097f]{2,}(?: (?!जी|का|की|के|से|को|है|ने)[\u0900-\u097f]{2,})?)",
    ),
)
_PATTERNS = tuple((needs, re.compile(pattern)) for needs, pattern in _CUED)
_STREET = (
    re.compile(
        r"\b[A-ZÄÖÜ][\wäöüß.-]*(?:(?i:stra(?:ß|ss)e|str\.|weg|platz|allee|gasse|ring|damm|ufer))\s\d{1,4}\s?[a-z]?\b(?:,?\s\d{5}\s[A-ZÄÖÜ][\w-]+)?"
    ),
    re.compile(
        r"\b\d{1,5}[A-Z]?\s(?:[A-Z][\w'-]+\s){1,3}(?:Street|St|Road|Rd|Avenue|Ave|Lane|Ln|Drive|Dr|Boulevard|Blvd|Way|Court|Ct|Square|Close|Nagar|Marg)\b\.?"
    ),
)


def find_cued(text: str, small: str) -> Iterator[tuple[int, int]]:
    """Names behind "my name is", "Herr", "मेरा नाम" and the like; `small` is the text in small letters."""
    for needs, pattern in _PATTERNS:
        if any(need in small for need in needs):
            for match in pattern.finditer(text):
                yield match.span("v")


def find_streets(text: str) -> Iterator[tuple[int, int]]:
    """Streets with a house number."""
    for pattern in _STREET:
        for match in pattern.finditer(text):
            yield match.span()


@lru_cache(maxsize=1)
def recognisers() -> tuple[Recogniser, ...]:
    """The installed recognisers of names: functions that give (start, end) of each in a text."""
    return tuple(point.load() for point in entry_points(group=GROUP))


def find_recognised(text: str) -> Iterator[tuple[int, int]]:
    """Names that an installed recogniser finds. One that fails fails the turn: nothing may leave unguarded."""
    for recognise in recognisers():
        yield from recognise(text)
