"""Fusion of ranked legs, and the gate that tells a question of the sources from any other."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .chunks import Chunk, Hit, Ref

Fused = tuple[Ref, float, dict[str, tuple[int, float]]]
"""A chunk's name, its fused score and, per leg that found it, (rank from 1, the leg's score)."""
WEIGHTS = {"stem": 1.0, "trigram": 0.5, "dense": 1.5}
WEIGHTS_LEXICAL = {"stem": 1.0, "trigram": 1.0}
"""Measured on eight question sets in English, German and Hindi; see docs/adr/0004."""


@dataclass(frozen=True)
class Ranked:
    """A chunk with its fused score and, per leg that found it, (rank from 1, the leg's score)."""

    chunk: Chunk
    score: float
    legs: Mapping[str, tuple[int, float]]


def fuse(legs: Mapping[str, Sequence[Hit]], limit: int) -> list[Fused]:
    """Weighted sum of the legs' scores, each brought to 0..1 (convex combination; Bruch, Gai and Ingber, 2023).

    BM25 has a true zero (no word in common), so its scores are divided by the best one; cosines have none, so the
    lowest of the hits counts as zero.
    """
    weights = WEIGHTS if "dense" in legs else WEIGHTS_LEXICAL
    scores: dict[Ref, float] = {}
    seen: dict[Ref, dict[str, tuple[int, float]]] = {}
    for leg, hits in legs.items():
        low = min((h.score for h in hits), default=0.0) if leg == "dense" else 0.0
        span = max((h.score for h in hits), default=0.0) - low or 1.0
        for rank, hit in enumerate(hits, 1):
            scores[hit.ref] = scores.get(hit.ref, 0.0) + weights[leg] * (hit.score - low) / span
            seen.setdefault(hit.ref, {})[leg] = (rank, hit.score)
    best = sorted(scores, key=lambda ref: -scores[ref])[:limit]
    return [(ref, scores[ref], seen[ref]) for ref in best]


def inverse_frequencies(stems: Sequence[str], total: int, frequencies: Mapping[str, int]) -> dict[str, float]:
    """How much each stem of a question says: ln(1 + (N - n + 0.5) / (n + 0.5)), as in BM25."""
    return {
        s: math.log(1 + (total - frequencies.get(s, 0) + 0.5) / (frequencies.get(s, 0) + 0.5))
        for s in dict.fromkeys(stems)
    }


def coverage(weights: Mapping[str, float], stems: Sequence[str]) -> float:
    """The share, by weight, of the question's stems that stand in a text (0 to 1)."""
    total = sum(weights.values())
    present = set(stems)
    return sum(w for s, w in weights.items() if s in present) / total if total else 0.0
