"""Cutting passages into sentences, and choosing those that answer a question."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from webchatagent.core.api import MaskedPassage, stems

_BORDER = re.compile(r"(?<=[.!?।॥。！？…])[\"'”’)\]]*\s+(?=\S)|\n+")
_MARKUP = re.compile(r"^(?:#{1,6}\s+|[-*+]\s+|>\s+|\d+[.)]\s+)")
MOST = 420  # characters of an answer
ENOUGH = 3  # sentences of an answer
TITLE = 0.8  # what a word in the title counts more
RANK_DECAY = 0.9  # what a passage counts less for each that was found before it
AS_NEAR = 0.85  # how near the second passage must come to be quoted too
SECOND_MORE = 120  # characters that a second passage may add
KEPT = 512  # passages whose sentences are kept: the same few answer most questions


@dataclass(frozen=True)
class Sentence:
    """A sentence of a passage; `order` is its place in the passage."""

    passage: int
    order: int
    text: str
    stems: frozenset[str]


def cut(passage: int, text: str, language: str) -> list[Sentence]:
    """The sentences of a passage, without list and heading marks; fragments of tables and code stay as lines."""
    return [Sentence(passage, order, clean, found) for order, clean, found in _cut(text, language)]


@lru_cache(maxsize=KEPT)
def _cut(text: str, language: str) -> tuple[tuple[int, str, frozenset[str]], ...]:
    parts = ((order, _MARKUP.sub("", part.strip())) for order, part in enumerate(_BORDER.split(text)))
    return tuple(
        (order, clean, frozenset(stems(clean, language)))
        for order, clean in parts
        if clean and not set(clean) <= set("|-: ")
    )


@lru_cache(maxsize=2 * KEPT)
def _stem_set(text: str, language: str) -> frozenset[str]:
    return frozenset(stems(text, language))


def weigh(question: Sequence[str], sentences: Sequence[Sentence]) -> dict[str, float]:
    """How much each stem of the question says among the sentences at hand (rarer says more)."""
    total = len(sentences)
    return {
        s: math.log(1 + (total + 0.5) / (sum(s in x.stems for x in sentences) + 0.5)) for s in dict.fromkeys(question)
    }


def score(sentence: Sentence, weights: Mapping[str, float]) -> float:
    """The weight of the question's stems in the sentence, a little less for very long ones."""
    hit = sum(w for s, w in weights.items() if s in sentence.stems)
    return hit / (1 + max(0, len(sentence.text) - 300) / 600)


def value(passage: MaskedPassage, weights: Mapping[str, float]) -> float:
    """The weight of the question's stems in a passage; those in its title count more, for a title often is the question."""
    title = _stem_set(str(passage.title), passage.language)
    text = _stem_set(str(passage.text), passage.language)
    return sum(w * ((s in text) + TITLE * (s in title)) for s, w in weights.items())
