"""What both stores share of BM25: the constants, the weight of a term, and which trigrams are worth asking for."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

K1, B = 1.2, 0.75
LEAST_IDF = 1e-6  # of a term that stands in most chunks
HEAD = 2.0  # what a word in the title or heading counts against one in the text
FEW_TRIGRAMS = 6


def weight(total: int, documents: int) -> float:
    """How much a term says that stands in `documents` of `total` chunks, as FTS5 counts it."""
    return max(LEAST_IDF, math.log((total - documents + 0.5) / (documents + 0.5)))


def gain(often: float, length: float, mean: float) -> float:
    """What a term adds, before its weight, to a chunk of so many words where it stands so often."""
    return often * (K1 + 1) / (often + K1 * (1 - B + B * length / max(1.0, mean)))


def telling(grams: Sequence[str], total: int, known: Mapping[str, int]) -> Sequence[str]:
    """The trigrams that tell chunks apart: those in every seventh chunk or more weigh next to nothing in BM25, but
    have by far the longest postings."""
    rare = [term for term, documents in known.items() if documents * 7 < total]
    return rare if len(rare) >= FEW_TRIGRAMS else grams
