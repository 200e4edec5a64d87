"""The legs of a question: one msearch, every part of it with the tenant's own filter; then the exact scores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from elasticsearch import Elasticsearch

from ..core.chunks import Hit, Legs
from .bm25 import gain, telling, weight
from .elastic_counts import CountCache, Counts, chunks_of, raise_for
from .elastic_mapping import Indexes
from .elastic_records import feature, gram_count, stem_count

MORE = 2  # candidates for each hit that is wanted: their order is only nearly right before they are scored
CANDIDATES = 200  # of the nearest-neighbour search, for each shard
MOST_TERMS = 300
OVERSAMPLE = 2.0  # quantised vectors find, full ones score


class Searcher:
    """Runs legs over the indexes."""

    def __init__(self, indexes: Indexes, counts: CountCache) -> None:
        self._indexes, self._counts = indexes, counts

    def run(self, client: Elasticsearch, tenant_id: int, bot_id: int, legs: Legs, limit: int) -> dict[str, list[Hit]]:
        """See ChunkStore.search."""
        grams = legs.trigrams[:500]
        bodies: list[tuple[str, dict[str, Any], Callable[[Any], list[Hit]]]] = []
        counts = None
        if legs.stems or grams:
            counts = self._counts.read(client, tenant_id, stems=legs.stems, grams=grams)
            asked = {"stems": legs.stems, "grams": telling(grams, counts.total, counts.of("grams", grams))}
            for leg, name in (("stem", "stems"), ("trigram", "grams")):
                if terms := _weights(counts, name, asked[name]):
                    bodies.append((leg, *self._words(tenant_id, bot_id, name, terms, counts, limit)))
        if legs.vector is not None:
            bodies.append(("dense", self._near(tenant_id, bot_id, legs, limit), _cosines))
        out: dict[str, list[Hit]] = {"stem": []} if legs.stems else {}
        out.update({"trigram": []} if legs.trigrams else {})
        if bodies:
            out.update(self._ask(client, tenant_id, legs, bodies, limit))
        return out

    def _ask(self, client: Elasticsearch, tenant_id: int, legs: Legs, bodies: Any, limit: int) -> dict[str, list[Hit]]:
        searches: list[dict[str, Any]] = []
        for leg, body, _ in bodies:
            index = self._indexes.space(legs.space) if leg == "dense" else self._indexes.chunks
            searches += [{"index": index, "routing": str(tenant_id), "ignore_unavailable": leg == "dense"}, body]
        answers = client.msearch(searches=searches)["responses"]
        out = {}
        for (leg, _, score), answer in zip(bodies, answers, strict=True):
            raise_for(answer)
            out[leg] = score(answer["hits"]["hits"])[:limit]
        return out

    def _words(
        self, tenant_id: int, bot_id: int, name: str, terms: dict[str, float], counts: Counts, limit: int
    ) -> tuple[dict[str, Any], Callable[[Any], list[Hit]]]:
        should = [{"term": {name: {"value": feature(t), "boost": w}}} for t, w in terms.items()]
        query = chunks_of(tenant_id, bot=bot_id)
        query["bool"] |= {"should": should, "minimum_should_match": 1}
        fields = ["stemmed", "stem_count"] if name == "stems" else ["folded", "gram_count"]
        body = {
            "size": limit * MORE,
            "query": query,
            "track_total_hits": False,
            "_source": [*fields, "written", "document", "number"],
        }
        return body, lambda hits: _scored(hits, name, terms, counts.means[name])

    def _near(self, tenant_id: int, bot_id: int, legs: Legs, limit: int) -> dict[str, Any]:
        assert legs.vector is not None
        knn = {
            "field": "embedding",
            "query_vector": legs.vector.tolist(),
            "k": limit,
            "num_candidates": max(CANDIDATES, limit),
            "filter": [{"term": {"tenant": tenant_id}}, {"term": {"bot": bot_id}}],
            "rescore_vector": {"oversample": OVERSAMPLE},
        }
        return {"size": limit, "knn": knn, "track_total_hits": False, "_source": False}


def _weights(counts: Counts, name: str, terms: Sequence[str]) -> dict[str, float]:
    """The terms that stand in any of the tenant's chunks, with what they weigh there; the heaviest of very many."""
    known = {t: weight(counts.total, n) for t, n in counts.of(name, terms).items()}
    if len(known) > MOST_TERMS:
        known = dict(sorted(known.items(), key=lambda item: -item[1])[:MOST_TERMS])
    return known


def _scored(hits: list[Any], name: str, terms: dict[str, float], mean: float) -> list[Hit]:
    """The candidates by BM25 with the tenant's own mean length, best first, ties by age."""
    out = []
    for hit in hits:
        record, score = hit["_source"], 0.0
        if name == "stems":
            stemmed = record["stemmed"].split()
            bar = stemmed.index("|")
            present = terms.keys() & set(stemmed)
            often = {t: stem_count(t, stemmed, bar) for t in present}
        else:
            often = {t: float(gram_count(t, record["folded"])) for t in terms}
        length = record["stem_count" if name == "stems" else "gram_count"]
        for term, n in often.items():
            if n:
                score += terms[term] * gain(n, length, mean)
        out.append((-score, record["written"], record["document"], record["number"], hit["_id"]))
    return [Hit(ref, -score) for score, _, _, _, ref in sorted(out) if score]


def _cosines(hits: list[Any]) -> list[Hit]:
    return [Hit(hit["_id"], 2 * hit["_score"] - 1) for hit in hits]
