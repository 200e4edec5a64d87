"""Personal data on its way to a model: what leaves is `Masked`, and only a vault makes that."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Literal, final

import regex

from .placeholders import (
    LABELS,
    StreamRestorer,
    end_of,
    fold_signs,
    key_of,
    last_whole,
    may_begin,
    pattern,
    placeholder,
)

_MAKER = object()
PersonalSpan = tuple[int, int, str]
"""Personal data in a text: from, to (behind its last sign), and its label, one of `placeholders.LABELS`."""
Origin = Literal["visitor", "source"]
Finder = Callable[[str, str], Sequence[PersonalSpan] | None]
"""Takes text and language; None when nobody looks for personal data."""
UNKNOWN = "[…]"
"""Shown for a placeholder that stands for nothing: the model renamed or invented it."""
WITHHELD = "[•••]"
"""Shown for a value that is not put back."""
_NUMBERS = frozenset({"PHONE", "IBAN", "CARD", "TAX_ID", "AADHAAR", "PAN", "PASSPORT", "VOTER_ID", "SSN"})
_BETWEEN = dict.fromkeys(map(ord, " -/().\n\t"))
_WIDEST_GAP = 4
_SHORTEST = 3  # signs of a value that is looked for in other texts


@final
class Masked(str):
    """Text that may leave the house. The ports to models take nothing else, so the type checker sees a leak."""

    __slots__ = ()

    def __new__(cls, text: str, maker: object) -> Masked:
        if maker is not _MAKER:
            raise TypeError("only a Vault makes Masked text")
        return super().__new__(cls, text)


@dataclass(frozen=True)
class Part:
    """A text of a request. What the visitor has seen or written is `visitor`, a passage is `source`.

    `known` are places of values that were put back into it: an earlier answer may hold a name without its cue.
    """

    text: str
    language: str = ""
    origin: Origin = "visitor"
    known: Sequence[PersonalSpan] = ()


@dataclass
class _Original:
    value: str = field(repr=False)
    origins: set[Origin]


class Vault:
    """The pseudonyms of one turn; they are reversible here and die with it.

    Equal values get one placeholder, whatever blanks and dashes are in them. `public_sources`: values of passages may
    be shown to the visitor. Secrets are never put back.
    """

    def __init__(self, find: Finder | None = None, *, public_sources: bool = True) -> None:
        self._find, self._public = find, public_sources
        self._guarded = False
        self._originals: dict[tuple[str, int], _Original] = {}
        self._keys: dict[str, tuple[str, int]] = {}
        self._counts: dict[str, int] = {}

    @property
    def guarded(self) -> bool:
        """Whether anybody looks for personal data."""
        if not self._guarded and self._find is not None:
            self._guarded = self._find("-", "") is not None
        return self._guarded

    @property
    def used(self) -> bool:
        """Whether a placeholder was made."""
        return bool(self._originals)

    def mask(self, text: str, language: str = "", origin: Origin = "visitor") -> Masked:
        """One text with placeholders. A request of several goes through `mask_all`."""
        return self.mask_all([Part(text, language, origin)])[0]

    def mask_all(self, parts: Sequence[Part]) -> list[Masked]:
        """The texts of a whole request with placeholders.

        All are searched before one is written: a number that only one of them announces is masked in the others too.
        """
        found = [self._spans(part) for part in parts]
        by_origin = sorted(zip(parts, found, strict=True), key=lambda pair: pair[0].origin)
        for part, spans in by_origin:  # sources first: what is quoted from them comes back in their own writing
            for start, end, label in spans:
                self._key(label, part.text[start:end], part.origin)
        if not self.used:
            return [Masked(part.text, _MAKER) for part in parts]
        return [
            Masked(self._written(part.text, part.origin, spans, lambda key: placeholder(*key)), _MAKER)
            for part, spans in zip(parts, found, strict=True)
        ]

    def mask_types(self, text: str, language: str = "") -> Masked:
        """A text with kinds in place of values, such as `<EMAIL>`: the same today and tomorrow, as an index needs it."""
        spans = [s for s in self._spans(Part(text, language)) if s[2] != "LITERAL"]
        for start, end, label in spans:
            self._key(label, text[start:end], "source")
        return Masked(self._written(text, "source", spans, lambda key: f"<{key[0]}>") if spans else text, _MAKER)

    def restore(self, text: str) -> str:
        """The text with the values put back, for the visitor."""
        if not self._guarded:
            return text
        end = last_whole(text)
        return str(pattern().sub(self._value_of, text[:end])) + end_of(text[end:])

    def places(self, text: str) -> list[PersonalSpan]:
        """Where values of this turn stand in an answer, to find them again when they are said without a cue."""
        return _merged(self._known_values(text, ()))

    def without_secrets(self, text: str, language: str = "") -> str:
        """A text that is shown as it is, beside an answer, with its secrets withheld."""
        for start, end, label in reversed(self._spans(Part(text, language, "source"))):
            if label == "SECRET":
                text = text[:start] + WITHHELD + text[end:]
        return text

    def restorer(self) -> StreamRestorer:
        """What does the same piece by piece."""
        return StreamRestorer(self._value_of if self._guarded else None)

    def restore_json(self, value: Any, schema: Mapping[str, Any]) -> Any:
        """Arguments of a tool with values put back where the schema says `"x-personal-data": true`, and nowhere else."""
        if isinstance(value, str):
            return self.restore(value) if schema.get("x-personal-data") is True else value
        if isinstance(value, list):
            return [self.restore_json(item, schema.get("items") or {}) for item in value]
        if isinstance(value, dict):
            properties = schema.get("properties") or {}
            return {name: self.restore_json(item, properties.get(name) or {}) for name, item in value.items()}
        return value

    # -- one text ---------------------------------------------------------------------------------------------

    def _spans(self, part: Part) -> list[PersonalSpan]:
        found = self._find(part.text, part.language) if self._find and part.text else None
        if found is None:
            return []
        self._guarded = True
        spans = [(max(0, a), min(b, len(part.text)), _known(label)) for a, b, label in (*found, *part.known)]
        if may_begin(part.text):  # what a visitor writes like a placeholder must not come back as somebody's value
            spans += [(*m.span(), "LITERAL") for m in pattern().finditer(part.text)]
        return _merged(s for s in spans if s[0] < s[1])

    def _written(
        self, text: str, origin: Origin, spans: Sequence[PersonalSpan], write: Callable[[tuple[str, int]], str]
    ) -> str:
        out, position = [], 0
        for start, end, label in _merged([*spans, *self._known_values(text, spans)]):
            out += [text[position:start], write(self._key(label, text[start:end], origin))]
            position = end
        return "".join(out) + text[position:]

    def _known_values(self, text: str, spans: Sequence[PersonalSpan]) -> Iterator[PersonalSpan]:
        """Where values of this turn stand that were not found in this text by themselves."""
        plain = _folded(text)
        squeezed = plain.translate(_BETWEEN)
        here = [self._same(label, text[start:end]) for start, end, label in spans]
        for same, (label, _) in list(self._keys.items()):
            if label == "LITERAL" or len(same) < _SHORTEST:
                continue
            if (squeezed if label in _NUMBERS else plain).count(same) > here.count(same):
                yield from ((a, b, label) for a, b in _places(plain, same, label in _NUMBERS))

    # -- values -----------------------------------------------------------------------------------------------

    def _same(self, label: str, value: str) -> str:
        """What is equal in two ways to write a value. Blanks and dashes count where they tell two values apart."""
        if label == "LITERAL":
            return f"<{value}"
        folded = _folded(value)
        return folded.translate(_BETWEEN) if label in _NUMBERS else folded

    def _key(self, label: str, value: str, origin: Origin) -> tuple[str, int]:
        same = self._same(label, value)
        key = self._keys.get(same)
        if key is None:
            self._counts[label] = self._counts.get(label, 0) + 1
            key = self._keys[same] = (label, self._counts[label])
            self._originals[key] = _Original(value, set())
        self._originals[key].origins.add(origin)
        return key

    def _value_of(self, match: regex.Match[str]) -> str:
        label, number = key_of(match)
        original = self._originals.get((label, number))
        if original is None:
            return UNKNOWN
        shown = label != "SECRET" and (self._public or "visitor" in original.origins)
        return original.value if shown else WITHHELD


def _folded(text: str) -> str:
    """Folded and in small letters, still sign for sign."""
    small = fold_signs(text).lower()
    return small if len(small) == len(text) else "".join(c.lower()[0] for c in fold_signs(text))


def _known(label: str) -> str:
    return label if label in LABELS and label != "LITERAL" else "OTHER"


def _merged(spans: Iterable[PersonalSpan]) -> list[PersonalSpan]:
    """Spans in order, those that overlap as one with the label of the longest: nothing between them may stay."""
    out: list[PersonalSpan] = []
    longest = 0
    for start, end, label in sorted(spans, key=lambda s: s[0]):
        if out and start < out[-1][1]:
            first, last, kept = out[-1]
            out[-1] = (first, max(last, end), label if end - start > longest else kept)
            longest = max(longest, end - start)
        else:
            out.append((start, end, label))
            longest = end - start
    return out


def _places(text: str, value: str, squeezed: bool) -> Iterator[tuple[int, int]]:
    """Where a value stands in a folded text as a word of its own, with blanks and dashes in it when `squeezed`."""
    index = [i for i, c in enumerate(text) if not (squeezed and ord(c) in _BETWEEN)]
    signs = "".join(text[i] for i in index)
    position = signs.find(value)
    while position >= 0:
        places = index[position : position + len(value)]
        start, end = places[0], places[-1] + 1
        alone = not (text[start - 1 : start].isalnum() or text[end : end + 1].isalnum())
        if alone and all(b - a <= _WIDEST_GAP for a, b in pairwise(places)):
            yield (start - 1 if text[start - 1 : start] == "(" and ")" in text[start:end] else start), end
        position = signs.find(value, position + 1)
