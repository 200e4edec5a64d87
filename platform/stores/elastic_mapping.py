"""The indexes: one of chunks, one of vectors for each embedding space, each behind an alias.

Words are weights, `sparse_vector`: what a term adds to a chunk is computed here, what it weighs comes with the
question. So Elasticsearch needs no analyzer, and no statistics of other tenants enter a score.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import Any

from elasticsearch import BadRequestError, Elasticsearch

from ..core.analysis import VERSION
from .elastic_client import Address

AWAIT = "3s"  # less than a question waits
AWAIT_TO_WRITE = "30s"
_KEYWORD = {"type": "keyword"}
_KEPT = {"type": "keyword", "index": False, "doc_values": False}  # shown, never searched
_NUMBER = {"type": "long"}
_WEIGHTS = {"type": "sparse_vector", "index_options": {"prune": False}}
_PLACE: dict[str, Any] = dict.fromkeys(
    ("tenant", "bot", "source", "document", "number", "edition", "size", "written"), _NUMBER
)
CHUNK: dict[str, Any] = {
    **_PLACE,
    "kind": _KEYWORD,
    "version": _KEYWORD,
    "before": _KEPT,
    "chunks": {"type": "integer", "index": False},
    "page": {"type": "integer", "index": False},
    "stem_count": {"type": "integer"},
    "gram_count": {"type": "integer"},
    **dict.fromkeys(("text", "title", "heading", "language", "url", "stemmed", "folded", "digest"), _KEPT),
    "stems": _WEIGHTS,
    "grams": _WEIGHTS,
}


def vector_properties(dimensions: int) -> dict[str, Any]:
    """The fields of a space's index."""
    embedding = {
        "type": "dense_vector",
        "dims": dimensions,
        "similarity": "cosine",
        "index_options": {"type": "int8_hnsw", "m": 16, "ef_construction": 100},
    }
    return {**_PLACE, "space": _KEYWORD, "version": _KEYWORD, "digest": _KEPT, "embedding": embedding}


class Indexes:
    """The names of the indexes, and making them."""

    def __init__(self, address: Address) -> None:
        self.chunks = f"{address.prefix}-chunks"
        self.spaces = f"{address.prefix}-space-*"
        self.all = f"{self.chunks},{self.spaces}"
        self._prefix, self._shards = address.prefix, address.shards

    def space(self, space_id: str) -> str:
        """The alias of a space."""
        return f"{self._prefix}-space-{hashlib.sha256(space_id.encode()).hexdigest()[:16]}"

    def make_chunks(self, client: Elasticsearch, patience: str = AWAIT) -> None:
        """Make the index of chunks unless it is there, and wait until it answers: another process may just make it."""
        if not client.indices.exists_alias(name=self.chunks):
            self._make(client, self.chunks, CHUNK, ["stems", "grams"])
        self._await(client, self.chunks, patience)

    def make_space(self, client: Elasticsearch, space_id: str, dimensions: int) -> None:
        """Make the index of a space unless it is there."""
        alias = self.space(space_id)
        if not client.indices.exists_alias(name=alias):
            self._make(client, alias, vector_properties(dimensions), [])
            self._await(client, alias)

    def _make(self, client: Elasticsearch, alias: str, properties: dict[str, Any], unkept: list[str]) -> None:
        try:  # a fixed first name: of two processes one makes it
            self.create(client, f"{alias}-1", properties, unkept, {alias: {"is_write_index": True}})
        except BadRequestError as error:
            if error.error != "resource_already_exists_exception":
                raise

    @staticmethod
    def _await(client: Elasticsearch, alias: str, patience: str = AWAIT) -> None:
        """Give an index that is being made some time; one that stays red is met by whoever asks it."""
        client.options(ignore_status=408).cluster.health(index=alias, wait_for_status="yellow", timeout=patience)

    def create(
        self,
        client: Elasticsearch,
        name: str,
        properties: dict[str, Any],
        unkept: list[str],
        aliases: dict[str, Any],
    ) -> None:
        """Make one index."""
        client.indices.create(
            index=name,
            aliases=aliases,
            settings={
                "number_of_shards": self._shards,
                "auto_expand_replicas": "0-1",
                "refresh_interval": "30s",  # every change refreshes by itself
                "max_result_window": 20_000,
                "merge.policy.expunge_deletes_allowed": 0,  # what is erased leaves the disk with the next merge
                "merge.policy.deletes_pct_allowed": 20,
            },
            mappings={
                "dynamic": "strict",
                "_routing": {"required": True},
                "_meta": {"analysis": VERSION},
                **({"_source": {"excludes": unkept}} if unkept else {}),
                "properties": properties,
            },
        )

    def fresh_name(self) -> str:
        """A name for another index of chunks."""
        return f"{self.chunks}-{secrets.token_hex(4)}"
