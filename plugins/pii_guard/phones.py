"""Phone numbers: whatever somebody announces as one, and what libphonenumber knows as one and is written like one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from .kinds import NOT_PERSONAL

_SHAPE = re.compile(
    r"(?<![\w#@=-])(?<!\d[.,:])(?:\+ ?|\(\+?)?\d(?:[ \-/.()]{0,3}\d){5,17}(?:\s?(?:x|ext\.?|Durchwahl)\s?\d{1,6})?(?!\w|[.,:]\d)"
)
_ANNOUNCED = re.compile(
    r"(?i)(?<![^\W\d_])(?:tele(?:f|ph)\w*|tel|phone\w*|fone?|fax|mobil\w*|handy\w*|cell\w*|call\w*|dial|ring|reach\w*"
    r"|contact\w*|whats ?app|sms|text me|answering|rufen?|anruf\w*|kontakt\w*|(?:my|our|her|his) number|meine nummer"
    r"|phone number|rückruf\w*|hotline|फ़ोन|फोन|मोबाइल|संपर्क|कॉल|व्हाट्सएप|नंबर)(?![^\W\d_])\W[^\n\d]{0,32}(?:\n\W{0,3})?$"
)
_NAMED_BEHIND = re.compile(
    r"(?i)^\W{0,3}(?:\(?(?:office|fax|mobile|mobil|home|work|cell|tel|phone|handy|privat)\)?)(?!\w)"
)
_DATE = re.compile(
    r"(?:19|20)\d{2}([-./])\d{1,2}\1\d{1,2}|\d{1,2}([-./])\d{1,2}\2(?:19|20)?\d{2}|(?:19|20)\d{2} ?[-/] ?(?:19|20)\d{2}"
)
_GROUPED = re.compile(r"\(?\d{3}\)?[ -]\d{3}-\d{4}|\(\d{3}\)\d{3}-\d{4}|0\d")


def find_phones(text: str, regions: Sequence[str]) -> Iterator[tuple[int, int]]:
    """The places of phone numbers in a text with ASCII digits."""
    for shape in _SHAPE.finditer(text):
        start, end = shape.span()
        if text[start] == "(" and ")" not in shape[0]:
            start += 1
        if _DATE.fullmatch(shape[0]):
            continue
        before = text[max(0, start - 60) : start]
        digits = sum(c.isdigit() for c in shape[0])
        thing, announced = NOT_PERSONAL.search(before), _ANNOUNCED.search(before)
        nearer = announced is not None and (thing is None or announced.start() > thing.start())
        if (nearer and digits <= 15) or _NAMED_BEHIND.match(text[end : end + 14]):
            yield start, end
        elif thing is None:
            yield from _known(text, start, end, regions)


def _known(text: str, start: int, end: int, regions: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Numbers that are valid somewhere and written like a phone number: with a country code, or grouped."""
    import phonenumbers

    piece = text[start:end]
    digits = sum(c.isdigit() for c in piece)
    international = digits > 7 and piece.lstrip("( ").startswith(("+", "00"))
    if not (international or (_GROUPED.match(piece) and re.search(r"[ /()-]", piece))):
        return
    for region in ("ZZ", *regions) if piece.lstrip("( ").startswith("+") else regions:
        leniency = phonenumbers.Leniency.POSSIBLE if international else phonenumbers.Leniency.VALID
        matches = list(phonenumbers.PhoneNumberMatcher(piece, region, leniency=leniency))
        if matches:
            for match in matches:
                a = match.start + len(match.raw_string) - len(match.raw_string.lstrip(" ./-"))
                yield start + a, start + match.end
            return
