"""Which chunks have no vector in a space: two indexes, compared page by page from where the last look ended."""

from __future__ import annotations

import threading
from typing import Any

from elasticsearch import Elasticsearch

from ..core.chunks import NewChunk, Ref
from .elastic_counts import chunks_of
from .elastic_mapping import Indexes

PAGE = 500
_ORDER = [{"written": "asc"}, {"document": "asc"}, {"number": "asc"}]
_MOST = 10_000


class MissingVectors:
    """Remembers up to where everything of a tenant has vectors; newer chunks come after, so nothing is passed over.

    When nothing is missing beyond that place, it looks once from the start before it says so: another process may have
    deleted vectors.
    """

    def __init__(self, indexes: Indexes) -> None:
        self._indexes = indexes
        self._places: dict[tuple[int, str], list[Any]] = {}
        self._lock = threading.Lock()

    def forget(self, tenant_id: int, space_id: str) -> None:
        """Vectors were deleted."""
        with self._lock:
            self._places.pop((tenant_id, space_id), None)

    def find(
        self, client: Elasticsearch, tenant_id: int, space_id: str, limit: int, document_id: int | None
    ) -> list[tuple[Ref, str]]:
        """See ChunkStore.missing_vectors."""
        key = (tenant_id, space_id)
        if document_id is not None:
            query = chunks_of(tenant_id, document=document_id)
            return self._walk(client, tenant_id, space_id, query, limit, None)[0]
        start = self._places.get(key)
        found, place = self._walk(client, tenant_id, space_id, chunks_of(tenant_id), limit, start)
        if not found and start is not None:
            found, place = self._walk(client, tenant_id, space_id, chunks_of(tenant_id), limit, None)
        with self._lock:
            if len(self._places) > _MOST:
                self._places.clear()
            if place is not None:
                self._places[key] = place
        return found

    def _walk(
        self, client: Elasticsearch, tenant_id: int, space_id: str, query: Any, limit: int, after: list[Any] | None
    ) -> tuple[list[tuple[Ref, str]], list[Any] | None]:
        """What is missing, and the place before the first of it."""
        found: list[tuple[Ref, str]] = []
        whole = after
        while len(found) < limit:
            page = client.search(
                index=self._indexes.chunks,
                routing=str(tenant_id),
                query=query,
                sort=_ORDER,
                size=max(PAGE, limit),
                search_after=after,
                source_includes=["title", "heading", "text"],
                track_total_hits=False,
            )["hits"]["hits"]
            if not page:
                break
            there = self._there(client, tenant_id, space_id, [hit["_id"] for hit in page])
            for hit in page:
                if hit["_id"] not in there:
                    s = hit["_source"]
                    found.append((hit["_id"], NewChunk(s["text"], s["title"], s["heading"]).embedded_text))
                elif not found:
                    whole = hit["sort"]
            after = page[-1]["sort"]
        return found[:limit], whole

    def _there(self, client: Elasticsearch, tenant_id: int, space_id: str, names: list[str]) -> set[str]:
        hits = client.search(
            index=self._indexes.space(space_id),
            routing=str(tenant_id),
            query={"bool": {"filter": [{"term": {"tenant": tenant_id}}, {"ids": {"values": names}}]}},
            size=len(names),
            source=False,
            track_total_hits=False,
            ignore_unavailable=True,
        )["hits"]["hits"]
        return {hit["_id"] for hit in hits}
