"""How a placeholder is written, how models garble it, and how it is found in a stream that is cut anywhere."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache

import regex

LABELS = (
    "EMAIL",
    "PHONE",
    "IBAN",
    "CARD",
    "TAX_ID",
    "AADHAAR",
    "PAN",
    "UPI",
    "PASSPORT",
    "VOTER_ID",
    "SSN",
    "PLATE",
    "BIRTHDATE",
    "NAME",
    "ADDRESS",
    "IP",
    "MAC",
    "SECRET",
    "OTHER",
    "LITERAL",
)
"""Every kind of personal data. OTHER is what a plugin names otherwise, LITERAL what was written like a placeholder."""
LONGEST = 40
"""Characters of the longest way to write a placeholder; no more is ever held back."""
_SIGNS = {
    **dict.fromkeys("\u00a0\u2007\u202f\u2009\u3000\u200b\u2060\ufeff\u00ad", " "),
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2212\ufe63\uff0d", "-"),
    "\uff20": "@",
    "\uff0b": "+",
    "\uff0e": ".",
}


def placeholder(label: str, number: int) -> str:
    """What stands for a value."""
    return f"<{label}_{number}>"


@lru_cache(maxsize=1)
def pattern() -> regex.Pattern[str]:
    """Placeholders as models write them.

    In brackets all is forgiven: case, a blank or dash for the underscore, foreign or escaped brackets, digits of any
    script; an unknown kind in capitals or another script is one that the model renamed. Without brackets only the
    exact form counts: "Card 1" is text.
    """
    loose = "|".join(label.replace("_", r"\\?[_ -]") for label in sorted(LABELS, key=len, reverse=True))
    exact = "|".join(label.replace("_", r"\\?_") for label in sorted(LABELS, key=len, reverse=True))
    return regex.compile(
        rf"(?P<open>&lt;|[<\[⟦])(?i:(?P<kind>{loose}))\\?[_ -]?(?P<number>\p{{Nd}}{{1,4}})(?:&gt;|[>\]⟧])"
        rf"|(?P<open>&lt;|<)[\p{{Lu}}\p{{Lo}}][\p{{Lu}}\p{{Lo}}\p{{M}}_]{{1,20}}\\?_\p{{Nd}}{{1,4}}(?:&gt;|>)"
        rf"|(?<![\p{{L}}\p{{N}}_])(?P<kind>{exact})\\?_(?P<number>[0-9]{{1,4}})(?![\p{{L}}\p{{N}}_])"
    )


_FIRST = re.compile("[<\\[⟦&" + "".join(sorted({label[0] for label in LABELS})) + "]")
_LIKELY = re.compile(r"\d(?:&gt;|[>\]⟧])|_\d")
_ENDS = ("_", ">", "]", "⟧", "&gt;")  # one of them is in all that _LIKELY finds
_CUT = regex.compile(r"(?:&lt;|[<\[⟦])(?:[\p{Lu}\p{Lo}]{2}|.{4})|(?:&lt;|[<⟦])[\p{Lu}\p{Lo}]$|[A-Z]+\\?_", regex.S)


def key_of(match: regex.Match[str]) -> tuple[str, int]:
    """The kind and number of a placeholder; ("", 0) for a kind that there is not."""
    kind = match["kind"]
    if kind is None:
        return "", 0
    return regex.sub(r"\\?[_ -]", "_", kind.upper()), int(match["number"])


def may_begin(text: str) -> bool:
    """Whether a text may hold a placeholder at all; a quick look."""
    return any(sign in text for sign in _ENDS) and _LIKELY.search(text) is not None


def unfinished(text: str, start: int = 0) -> int:
    """Where the first placeholder begins that the end of the text may have cut off; the text's length when none."""
    position = max(start, len(text) - LONGEST)
    while first := _FIRST.search(text, position):
        found = pattern().fullmatch(text, first.start(), partial=True)
        if found is None:
            position = first.start() + 1
        elif found.partial or found["open"] is None:  # a bare one may get another digit
            return first.start()
        else:
            break
    return len(text)


def last_whole(text: str, start: int = 0) -> int:
    """As `unfinished`, for a text that is over: a bare placeholder at its end is whole."""
    end = unfinished(text, start)
    return len(text) if pattern().fullmatch(text, end) else end


def end_of(text: str) -> str:
    """The unfinished end of an answer as it is shown: a dot-dot-dot for a placeholder that was cut off."""
    return "…" if _CUT.match(text) else text


class StreamRestorer:
    """Puts values back into a stream, however it is cut. What may become a placeholder is held, and nothing else.

    `value_of` gives the value of a placeholder that was found; None when there is nothing to put back.
    """

    def __init__(self, value_of: Callable[[regex.Match[str]], str] | None) -> None:
        self._value_of = value_of
        self._before, self._held = "", ""

    def feed(self, delta: str) -> str:
        """Take the next piece; returns what can be shown now."""
        if self._value_of is None or not (self._held or _FIRST.search(delta)):
            self._before = delta[-1:] or self._before
            return delta
        text = self._before + self._held + delta
        start = len(self._before)
        end = unfinished(text, start)
        shown = self._restored(text, start, end)
        self._held = text[end:]
        self._before = text[max(0, end - 1) : end]
        return shown

    def close(self) -> str:
        """What is left at the end."""
        text, start = self._before + self._held, len(self._before)
        self._held = ""
        if self._value_of is None:
            return ""
        end = last_whole(text, start)
        return self._restored(text, start, end) + end_of(text[end:])

    def _restored(self, text: str, start: int, end: int) -> str:
        assert self._value_of is not None
        out, position = [], start
        for match in pattern().finditer(text, start):
            if match.end() > end:
                break
            out += [text[position : match.start()], self._value_of(match)]
            position = match.end()
        return "".join(out) + text[position:end]


def fold_signs(text: str) -> str:
    """The text with digits, blanks and dashes of every script as ASCII, sign for sign, so that places stay the same."""
    return text if text.isascii() else _odd().sub(_folded, text)


@lru_cache(maxsize=1)
def _odd() -> regex.Pattern[str]:
    return regex.compile(rf"[[\p{{Nd}}--[0-9]]{''.join(_SIGNS)}]", regex.V1)


def _folded(match: regex.Match[str]) -> str:
    sign = match[0]
    return _SIGNS.get(sign) or str(unicodedata.decimal(sign))
