"""Phone numbers: whatever somebody announces as one, and what libphonenumber knows as one and is written like one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from .kinds import NOT_PERSONAL, THING_BEHIND

_SHAPE = re.compile(
    r"(?<![\w#@=-])(?<!\d[.,:])(?:\+ ?|\(\+?)?\d(?:[ \-/.()]{0,3}\d){5,17}(?:\s?(?:x|ext\.?|Durchwahl)\s?\d{1,6})?(?!\w|[.,:]\d)"
)
_ANNOUNCED = re.compile(
    r"(?i)(?<![^\W\d_])(?:tele(?:f|ph)\w*|tel|phone\w*|fone?|fax|mobil\w*|handy\w*|cell\w*|calls?|calling|dial|ring|reach\w*"
    r"|contact\w*|whats ?app|sms|text me|answering|rufen?|anruf\w*|kontakt\w*|(?:my|our|her|his) number|meine nummer"
    r"|phone number|rückruf\w*|hotline|फ़ोन|फोन|मोबाइल|संपर्क|कॉल|व्हाट्सएप|नंबर)(?![^\W\d_])\W[^\n\d]{0,32}(?:\n\W{0,3})?$"
)
_NAMED_BEHIND = re.compile(
    r"(?i)^\W{0,3}(?:\(?(?:office|fax|mobile|mobil|home|work|cell|tel|phone|handy|privat)\)?)(?!\w)"
)
_NO_PHONE = re.compile(  # dates, spans of years, coordinates
    r"(?:19|20)\d{2}([-./])\d{1,2}\1\d{1,2}|\d{1,2}([-./])\d{1,2}\2(?:19|20)?\d{2}"
    r"|(?:19|20)\d{2} ?[-/] ?(?:19|20)\d{2}|(?:\d{1,2}|[1-9]\d{2})\.\d{4,}"
)
_GROUPED = re.compile(r"\(?\d{3}\)?[ -]\d{3}-\d{4}|\(\d{3}\)\d{3}-\d{4}|0\d")


_MOBILE = (1, 2)
"""libphonenumber's kinds of number: mobile, and fixed or mobile where nobody can tell."""


def find_phones(text: str, regions: Sequence[str]) -> Iterator[tuple[int, int]]:
    """The places of phone numbers in a text with ASCII digits."""
    for shape in _SHAPE.finditer(text):
        start, end = shape.span()
        if text[start] == "(" and ")" not in shape[0]:
            start += 1
        if _NO_PHONE.fullmatch(shape[0]):
            continue
        before = text[max(0, start - 60) : start]
        digits = sum(c.isdigit() for c in shape[0])
        thing, announced = NOT_PERSONAL.search(before), _ANNOUNCED.search(before)
        nearer = announced is not None and (thing is None or announced.start() > thing.start())
        if (nearer and 7 <= digits <= 15) or _NAMED_BEHIND.match(text[end : end + 14]):
            yield start, end
        elif thing is None and not THING_BEHIND.match(text[end : end + 20]):
            yield from _known(text, start, end, regions)


def _known(text: str, start: int, end: int, regions: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Numbers that are valid somewhere and written like a phone number: with a country code, grouped, or a mobile one.

    A number that is all of a message is mostly the answer to "what is your number?".
    """
    import phonenumbers

    piece = text[start:end]
    international = sum(c.isdigit() for c in piece) > 7 and piece.lstrip("( ").startswith(("+", "00"))
    grouped = _GROUPED.match(piece) and re.search(r"[ /()-]", piece)
    if not (international or grouped or piece.startswith("0") or text.strip() == piece):
        return
    leniency = phonenumbers.Leniency.POSSIBLE if international else phonenumbers.Leniency.VALID
    for region in ("ZZ", *regions) if "+" in piece else regions:
        found = [
            match
            for match in phonenumbers.PhoneNumberMatcher(piece, region, leniency=leniency)
            if international or grouped or phonenumbers.number_type(match.number) in _MOBILE
        ]
        for match in found:
            first = match.start + len(match.raw_string) - len(match.raw_string.lstrip(" ./-"))
            yield start + first, start + match.end
        if found:
            return
