"""How often words stand in a tenant's chunks, counted over its own chunks only and remembered for some seconds."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from elasticsearch import Elasticsearch

from .elastic_records import feature, is_plain

KEPT_SECONDS = 5.0  # another process may have written meanwhile; a weight moves little in that time
AT_ONCE = 500  # filters of one aggregation
MOST_TENANTS, MOST_TERMS = 1000, 20_000


@dataclass
class Counts:
    """A tenant's number of chunks, the mean lengths of them, and in how many of them each term stands."""

    until: float
    total: int = 0
    means: dict[str, float] = field(default_factory=dict)
    known: dict[tuple[str, str], int] = field(default_factory=dict)

    def of(self, name: str, terms: Sequence[str]) -> dict[str, int]:
        """The counts of terms; those of none are left out."""
        return {t: n for t in terms if (n := self.known.get((name, t), 0))}


class CountCache:
    """Counts of the tenants that were asked for lately. `clock` gives seconds that only grow."""

    def __init__(self, index: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._index, self._clock = index, clock
        self._kept: OrderedDict[int, Counts] = OrderedDict()
        self._lock = threading.Lock()

    def forget(self, tenant_id: int) -> None:
        """A tenant's chunks changed."""
        with self._lock:
            self._kept.pop(tenant_id, None)

    def read(self, client: Elasticsearch, tenant_id: int, **terms: Sequence[str]) -> Counts:
        """Counts with at least these terms of the fields `stems` and `grams`."""
        with self._lock:
            kept = self._kept.get(tenant_id)
            if kept is None or kept.until < self._clock() or len(kept.known) > MOST_TERMS:
                kept = Counts(self._clock() + KEPT_SECONDS, total=-1)
        wanted = [(name, t) for name, some in terms.items() for t in dict.fromkeys(some) if (name, t) not in kept.known]
        if wanted or kept.total < 0:
            self._count(client, tenant_id, kept, wanted)
        with self._lock:
            self._kept[tenant_id] = kept
            self._kept.move_to_end(tenant_id)
            while len(self._kept) > MOST_TENANTS:
                self._kept.popitem(last=False)
        return kept

    def _count(self, client: Elasticsearch, tenant_id: int, counts: Counts, wanted: list[tuple[str, str]]) -> None:
        plain = [(name, t) for name, t in wanted if is_plain(t)]
        parts = [plain[i : i + AT_ONCE] for i in range(0, len(plain), AT_ONCE)] or [[]]
        searches: list[dict[str, Any]] = []
        for part in parts:
            searches += [{"routing": str(tenant_id)}, _body(tenant_id, part)]
        answers = client.msearch(index=self._index, searches=searches)["responses"]
        for part, answer in zip(parts, answers, strict=True):
            raise_for(answer)
            found = answer["aggregations"]
            counts.total = answer["hits"]["total"]["value"]
            for name in ("stem", "gram"):
                counts.means[f"{name}s"] = found[name]["value"] / counts.total if counts.total else 0.0
            counts.known.update(dict.fromkeys(part, 0))
            for i, bucket in enumerate(found.get("terms", {}).get("buckets", ())):
                counts.known[part[i]] = bucket["doc_count"]
        counts.known.update({key: 0 for key in wanted if key not in counts.known})


def _body(tenant_id: int, terms: list[tuple[str, str]]) -> dict[str, Any]:
    aggs: dict[str, Any] = {name: {"sum": {"field": f"{name}_count"}} for name in ("stem", "gram")}
    if terms:
        aggs["terms"] = {"filters": {"filters": [{"term": {name: feature(t)}} for name, t in terms]}}
    return {"size": 0, "track_total_hits": True, "query": chunks_of(tenant_id), "aggs": aggs}


def chunks_of(tenant_id: int, **more: Any) -> dict[str, Any]:
    """The filter of every question: one tenant's chunks."""
    terms = [{"term": {"tenant": tenant_id}}, {"term": {"kind": "chunk"}}]
    return {"bool": {"filter": [*terms, *({"term": {name: value}} for name, value in more.items())]}}


def raise_for(answer: dict[str, Any]) -> None:
    """Raise what one of several searches met. Raises IndexMissing, Unavailable."""
    from ..core.errors import IndexUnavailable
    from .elastic_client import IndexMissing

    if answer.get("status", 200) == 404:
        raise IndexMissing("The index is gone.", "it is made again from the stored texts", retry_after=30)
    if "error" in answer or answer.get("timed_out") or (answer.get("_shards") or {}).get("failed"):
        raise IndexUnavailable("The index is busy.", "try again in a moment", retry_after=2)
