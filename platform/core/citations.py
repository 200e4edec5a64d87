"""Citations in a stream: `[3]` is held until it is whole, renumbered, and dropped when it names nothing retrieved."""

from __future__ import annotations

import re
from collections.abc import Mapping

_WHOLE = re.compile(r"\[(\d{1,3})\]")
_PART = re.compile(r"[ \t]*(?:\[\d{0,3})?\Z")  # blanks too: they go with a citation that is dropped
_SPACE_BEFORE = re.compile(r"[ \t]+\Z")


class CitationStream:
    """Rewrites the model's passage numbers to source numbers, which count from 1 in the order of appearance.

    `passages` maps the model's numbers to document ids; passages of one document are one source.
    `cited` lists the passage numbers that were cited, first of each document first.
    """

    def __init__(self, passages: Mapping[int, int]) -> None:
        self._passages = passages
        self._held, self._tail = "", ""
        self._numbers: dict[int, int] = {}
        self.cited: list[int] = []

    def feed(self, text: str) -> str:
        """Take the next piece; returns what can be shown now."""
        text = self._held + text
        part = _PART.search(text)
        self._held = text[part.start() :] if part else ""
        return self._rewrite(text[: part.start()] if part else text)

    def close(self) -> str:
        """What is left at the end: a bracket that never became a citation is text."""
        text, self._held = self._held, ""
        return self._rewrite(text)

    def _rewrite(self, text: str) -> str:
        if "[" not in text:
            return self._shown(text)
        out = ""
        position = 0
        for match in _WHOLE.finditer(text):
            number = self._number(int(match[1]))
            before = text[position : match.start()]
            out += f"{before}[{number}]" if number else _SPACE_BEFORE.sub("", before)
            if not number and _PART.search(self._tail + out)[0].strip():  # type: ignore[index]
                out += " "  # what stood on both sides must not become a citation
            position = match.end()
        return self._shown(out + text[position:])

    def _shown(self, text: str) -> str:
        self._tail = (self._tail + text)[-4:]
        return text

    def _number(self, passage: int) -> int:
        document = self._passages.get(passage)
        if document is None:
            return 0
        if document not in self._numbers:
            self._numbers[document] = len(self._numbers) + 1
            self.cited.append(passage)
        return self._numbers[document]
