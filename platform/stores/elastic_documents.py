"""Replacing a document in Elasticsearch so that a reader never sees half of it.

The new chunks are written beside the old ones under another version; then one small record, the document's head, is
changed to name that version, and that single write is the moment of the change. Readers drop what no head names. Of
two writers the head takes one; the other removes what it wrote and begins anew.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Sequence
from typing import Any

from elasticsearch import ConflictError, Elasticsearch

from ..core.chunks import DocumentKey, NewChunk
from ..core.errors import IndexUnavailable
from . import elastic_bulk as bulk
from .elastic_mapping import Indexes
from .elastic_records import Ref, chunk_record, edition, head_id

TRIES = 20


def replace_document(
    client: Elasticsearch, indexes: Indexes, tenant_id: int, key: DocumentKey, chunks: Sequence[NewChunk]
) -> None:
    """Put chunks in place of a document's present ones. Raises Unavailable."""
    routing = str(tenant_id)
    for _ in range(TRIES):
        head = client.options(ignore_status=404).get(
            index=indexes.chunks, id=head_id(tenant_id, key.document_id), routing=routing
        )
        old = head["_source"]["version"] if head.get("found") else ""
        version = f"{edition(old) + 1 if old else 1}-{secrets.token_hex(6)}"
        records = [chunk_record(tenant_id, key, version, n, c) for n, c in enumerate(chunks)]
        written = time.time_ns() // 1000
        bulk.write(client, _actions(client, indexes, tenant_id, records, written, key.document_id, old))
        client.indices.refresh(index=indexes.all)
        mine = {"term": {"version": version}}
        if not _flip(client, indexes, tenant_id, key, version, head, len(records)):
            _delete(client, indexes, routing, key.document_id, mine)
            continue
        older = {"bool": {"filter": [{"range": {"edition": {"lte": edition(version)}}}], "must_not": [mine]}}
        _delete(client, indexes, routing, key.document_id, older)
        if _count(client, indexes, routing, key.document_id, version) == len(records):
            return
    raise IndexUnavailable("The document is being changed by others.", "try again", retry_after=5)


def _actions(
    client: Elasticsearch,
    indexes: Indexes,
    tenant_id: int,
    records: list[dict[str, Any]],
    written: int,
    document_id: int,
    old: str,
) -> Iterator[bulk.Action]:
    """The records of chunks, and of the vectors of those whose embedded text stays the same."""
    known: dict[str, list[tuple[str, dict[str, Any]]]] = {}
    if old:
        mine = {"bool": {"filter": [{"term": {"tenant": tenant_id}}, {"term": {"document": document_id}}]}}
        for hit in bulk.find(client, indexes.spaces, str(tenant_id), mine, {"exclude_vectors": False}):
            known.setdefault(hit["_source"]["digest"], []).append((hit["_source"]["space"], hit["_source"]))
    for record in records:
        ref = str(Ref(tenant_id, document_id, record["version"], record["number"]))
        record["written"] = written
        common = {"_id": ref, "routing": str(tenant_id), "require_alias": True}
        yield {"_index": indexes.chunks, **common, "_source": record}
        for space, vector in dict(known.get(record["digest"], ())).items():
            kept = {**vector_record(record), "space": space, "embedding": vector.get("embedding")}
            yield {
                "_index": indexes.space(space),
                **common,
                "_source": {k: v for k, v in kept.items() if v is not None},
            }


def vector_record(chunk: dict[str, Any]) -> dict[str, Any]:
    """What a vector's record has of its chunk's."""
    names = ("tenant", "bot", "source", "document", "number", "edition", "version", "size", "written", "digest")
    return {name: chunk[name] for name in names}


def _flip(
    client: Elasticsearch,
    indexes: Indexes,
    tenant_id: int,
    key: DocumentKey,
    version: str,
    head: Any,
    chunks: int,
) -> bool:
    """Name another version in the head; False when somebody else did so since `head` was read."""
    if head.get("found"):
        condition = {"if_seq_no": head["_seq_no"], "if_primary_term": head["_primary_term"]}
    else:
        condition = {"op_type": "create"}
    record = {
        "kind": "head",
        "tenant": tenant_id,
        "bot": key.bot_id,
        "source": key.source_id,
        "document": key.document_id,
        "version": version,
        "before": head["_source"]["version"] if head.get("found") else "",
        "chunks": chunks,
    }
    try:
        client.index(
            index=indexes.chunks,
            id=head_id(tenant_id, key.document_id),
            routing=str(tenant_id),
            document=record,
            require_alias=True,
            refresh=True,
            **condition,
        )
    except ConflictError:
        return False
    return True


def _delete(client: Elasticsearch, indexes: Indexes, routing: str, document_id: int, which: dict[str, Any]) -> None:
    query = {"bool": {"filter": [{"term": {"tenant": int(routing)}}, {"term": {"document": document_id}}, which]}}
    query["bool"]["must_not"] = [{"term": {"kind": "head"}}]
    bulk.delete_found(client, indexes.all, routing, query)


def _count(client: Elasticsearch, indexes: Indexes, routing: str, document_id: int, version: str) -> int:
    terms = [{"term": {"document": document_id}}, {"term": {"version": version}}, {"term": {"kind": "chunk"}}]
    query = {"bool": {"filter": [{"term": {"tenant": int(routing)}}, *terms]}}
    return int(client.count(index=indexes.chunks, routing=routing, query=query)["count"])
