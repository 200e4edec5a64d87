"""Fusion of ranked legs, and the gate that tells a question of the sources from any other."""
from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .chunks import Chunk, Hit, Ref

WEIGHTS = {"stem": 1.0, "trigram": 0.5, "dense": 1.5}
K = 20
WEIGHTS_LEXICAL = {"stem": 1.0, "trigram": 1.0}
K_LEXICAL = 60
"""Measured on eight question sets in English, German and Hindi; see docs/retrieval.md."""


@dataclass(frozen=True)
class Ranked:
    """A chunk with its fused score and, per leg that found it, (rank from 1, the leg's score)."""

    chunk: Chunk
    score: float
    legs: Mapping[str, tuple[int, float]]


def fuse(legs: Mapping[str, Sequence[Hit]], limit: int) -> list[tuple[Ref, float, dict[str, tuple[int, float]]]]:
    """Reciprocal rank fusion (Cormack, Clarke and Büttcher, 2009): the sum of weight / (k + rank) over the legs."""
    weights, k = (WEIGHTS, K) if "dense" in legs else (WEIGHTS_LEXICAL, K_LEXICAL)
    scores: dict[Ref, float] = {}
    seen: dict[Ref, dict[str, tuple[int, float]]] = {}
    for leg, hits in legs.items():
        for rank, hit in enumerate(hits, 1):
            scores[hit.ref] = scores.get(hit.ref, 0.0) + weights[leg] / (k + rank)
            seen.setdefault(hit.ref, {})[leg] = (rank, hit.score)
    best = sorted(scores, key=lambda ref: -scores[ref])[:limit]
    return [(ref, scores[ref], seen[ref]) for ref in best]


def inverse_frequencies(stems: Sequence[str], total: int, frequencies: Mapping[str, int]) -> dict[str, float]:
    """How much each stem of a question says: ln(1 + (N - n + 0.5) / (n + 0.5)), as in BM25."""
    return {
        s: math.log(1 + (total - frequencies.get(s, 0) + 0.5) / (frequencies.get(s, 0) + 0.5)) for s in dict.fromkeys(stems)
    }


def coverage(weights: Mapping[str, float], stems: Sequence[str]) -> float:
    """The share, by weight, of the question's stems that stand in a text (0 to 1)."""
    total = sum(weights.values())
    present = set(stems)
    return sum(w for s, w in weights.items() if s in present) / total if total else 0.0
