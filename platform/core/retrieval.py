"""From a question to passages: analyse, ask the legs, fuse, gate, cap, widen."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from . import ranking
from .analysis import STOP_WORDS, detect_language, stems, trigrams, words
from .chunks import Chunk, Legs
from .models import EmbeddingSpace
from .ranking import Fused, Ranked
from .slots import step_aside
from .spaces import embedding_model

if TYPE_CHECKING:
    from .tenants import Tenant

DEPTH = 50  # hits per leg
READ = 24  # fused chunks that are read for an answer: enough to find six of different documents
READ_FIRST = 10  # so many are enough for most questions; the others are read when they are not
PER_DOCUMENT = 3  # chunks of one document among the passages
BUDGET = 6000  # characters of all passages together
LEXICAL_THRESHOLD = 0.5  # share of the question's words that the best passage must hold when there are no vectors


@dataclass(frozen=True)
class Found:
    """What a question found. `relevant` is the gate's verdict on `best`, the value it compared with `threshold`."""

    language: str
    ranked: Sequence[Ranked]
    relevant: bool
    best: float
    threshold: float


def search(tenant: Tenant, bot_id: int, question: str, *, limit: int = 10, language: str = "") -> list[Ranked]:
    """The best chunks of a bot for a question, without gate and without cap."""
    return _read(tenant, _fused(tenant, bot_id, question, language or detect_language(question, tenant.locale), limit))


def _legs(tenant: Tenant, question: str, language: str) -> Legs:
    stop = STOP_WORDS.get(language, frozenset())
    content = [w for w in words(question) if w not in stop] or words(question)
    legs = Legs(
        stems=list(dict.fromkeys(stems(question, language))), trigrams=list(dict.fromkeys(trigrams(" ".join(content))))
    )
    model = embedding_model(tenant)
    if model is None or not question.strip() or not _speaks(model.space, language):
        return legs
    text = question
    if not model.local:
        text = str(tenant.vault().mask_types(question, language))
        step_aside()
    return replace(legs, vector=model.embed_query(text), space=model.space.id)


def _speaks(space: EmbeddingSpace, language: str) -> bool:
    return space.languages is None or language in space.languages


def _fused(tenant: Tenant, bot_id: int, question: str, language: str, limit: int) -> list[Fused]:
    """The best chunks by name, best first."""
    hits = tenant.platform.chunks.search(tenant.id, bot_id, _legs(tenant, question, language), DEPTH)
    if not hits.get("dense"):
        hits.pop("dense", None)  # nothing embedded yet: fuse as if there were no model
    return ranking.fuse(hits, limit)


def _read(tenant: Tenant, fused: Sequence[Fused]) -> list[Ranked]:
    """The chunks themselves; one that is gone meanwhile is left out."""
    chunks = {c.ref: c for c in tenant.platform.chunks.get(tenant.id, [ref for ref, _, _ in fused])}
    return [Ranked(chunks[ref], score, legs) for ref, score, legs in fused if ref in chunks]


def retrieve(tenant: Tenant, bot_id: int, question: str, *, limit: int = 6, language: str = "") -> Found:
    """Passages to answer from: gated, at most three of a document, each text once, widened by their neighbours."""
    language = language or detect_language(question, tenant.locale)
    fused = _fused(tenant, bot_id, question, language, READ)
    ranked = _read(tenant, fused[:READ_FIRST])
    best, threshold = _gate(tenant, question, language, ranked[:5])
    kept = _cap(ranked, limit)
    if len(kept) < limit and len(fused) > READ_FIRST:
        kept = _cap(ranked + _read(tenant, fused[READ_FIRST:]), limit)
    return Found(language, _widen(tenant, kept), bool(kept) and best >= threshold, best, threshold)


def _gate(tenant: Tenant, question: str, language: str, top: Sequence[Ranked]) -> tuple[float, float]:
    """The best evidence among the first chunks, and the threshold it must reach.

    Within a language: cosine_weight x cosine + share of the question's words, by weight, that the chunk holds.
    Across languages words cannot match, so the cosine alone must reach `cross_threshold`.
    """
    if not top:
        return 0.0, 1.0
    asked = stems(question, language)
    weights = ranking.inverse_frequencies(asked, *tenant.platform.chunks.frequencies(tenant.id, asked))
    model = embedding_model(tenant)
    if model is None or not any("dense" in r.legs for r in top):
        return max(ranking.coverage(weights, r.chunk.stems) for r in top), LEXICAL_THRESHOLD
    space, evidence = model.space, []
    for r in top:
        cosine = r.legs.get("dense", (0, 0.0))[1]
        if r.chunk.language == language:
            value = space.cosine_weight * cosine + ranking.coverage(weights, r.chunk.stems)
            evidence.append((value - space.threshold, value, space.threshold))
        else:
            evidence.append((space.cosine_weight * (cosine - space.cross_threshold), cosine, space.cross_threshold))
    _, value, threshold = max(evidence)
    return value, threshold


def _cap(ranked: Sequence[Ranked], limit: int) -> list[Ranked]:
    kept: list[Ranked] = []
    per_document: dict[int, int] = {}
    texts: set[bytes] = set()
    for r in ranked:
        digest = hashlib.sha256(r.chunk.text.encode()).digest()
        if digest in texts or per_document.get(r.chunk.key.document_id, 0) >= PER_DOCUMENT:
            continue
        texts.add(digest)
        per_document[r.chunk.key.document_id] = per_document.get(r.chunk.key.document_id, 0) + 1
        kept.append(r)
        if len(kept) == limit:
            break
    return kept


def _widen(tenant: Tenant, kept: Sequence[Ranked]) -> list[Ranked]:
    """Add the chunks right before and after to each, best first, while the budget lasts; none is shown twice."""
    shown = {_place(r.chunk) for r in kept}
    left = BUDGET - sum(len(r.chunk.text) for r in kept)
    around = tenant.platform.chunks.neighbours(tenant.id, [r.chunk for r in kept]) if left > 0 else ()
    places = {_place(c): c for c in around}
    out = []
    for r in kept:
        near = []
        for number in (r.chunk.number - 1, r.chunk.number + 1):
            place = (r.chunk.key.document_id, number)
            n = places.get(place)
            if n and place not in shown and n.heading == r.chunk.heading and len(n.text) <= left:
                shown.add(place)
                left -= len(n.text)
                near.append(n)
        out.append(replace(r, chunk=_join(r.chunk, near)))
    return out


def _place(chunk: Chunk) -> tuple[int, int]:
    return chunk.key.document_id, chunk.number


def _join(chunk: Chunk, near: Sequence[Chunk]) -> Chunk:
    if not near:
        return chunk
    parts = sorted([chunk, *near], key=lambda c: c.number)
    return replace(chunk, text="\n".join(c.text for c in parts), stemmed=" ".join(c.stemmed for c in parts))
