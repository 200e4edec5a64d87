"""The chunk store of an installation with Elasticsearch: for several processes and more chunks than one machine takes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from elasticsearch import Elasticsearch

from ..core.chunks import Chunk, DocumentKey, Hit, IndexStats, Lacking, Legs, NewChunk, Ref
from ..core.models import EmbeddingSpace, Vectors
from ..core.tenants import Health
from . import elastic_bulk as bulk
from .elastic_client import Connection, IndexMissing, read_address
from .elastic_counts import CountCache, chunks_of
from .elastic_documents import replace_document, vector_record
from .elastic_erasing import expunge_erased, mark_erased
from .elastic_health import look
from .elastic_mapping import AWAIT, AWAIT_TO_WRITE, Indexes
from .elastic_missing import MissingVectors
from .elastic_records import SHOWN, head_id, read_chunk, read_ref
from .elastic_search import Searcher

Result = TypeVar("Result")
AT_ONCE = 500  # records that are read by their names at once


class ElasticsearchChunkStore:
    """A `ChunkStore` in a cluster. Makes its indexes when it is first used; `url` as in the settings."""

    def __init__(self, url: str) -> None:
        address = read_address(url)
        self._connection = Connection(address)
        self._indexes = Indexes(address)
        self._counts = CountCache(self._indexes.chunks)
        self._searcher = Searcher(self._indexes, self._counts)
        self._missing = MissingVectors(self._indexes)
        self._made = False
        self._making = threading.Lock()

    # -- the connection -------------------------------------------------------------------------------------

    def _ready(self, client: Elasticsearch, patience: str) -> None:
        if not self._made:
            with self._making:
                self._indexes.make_chunks(client, patience)
                self._made = True

    def _ask(self, question: Callable[[Elasticsearch], Result]) -> Result:
        """Run a question. Raises Unavailable."""
        try:
            with self._connection.asking() as client:
                self._ready(client, AWAIT)
                return question(client)
        except IndexMissing:
            self._made = False  # made anew, empty, by whoever comes next; `core.reindexing` fills it
            raise

    def _change(self, tenant_id: int, change: Callable[[Elasticsearch], Result]) -> Result:
        """Run a change. Raises Unavailable."""
        try:
            with self._connection.writing() as client:
                self._ready(client, AWAIT_TO_WRITE)
                return change(client)
        except IndexMissing:
            self._made = False
            raise
        finally:
            self._counts.forget(tenant_id)

    def ping(self) -> Health:
        """How the cluster is, for the doctor."""
        return look(self._connection.read, self._indexes)

    # -- writing --------------------------------------------------------------------------------------------

    def ensure_space(self, space: EmbeddingSpace) -> None:
        """Make the space's index."""
        with self._connection.writing() as client:
            self._indexes.make_space(client, space.id, space.dimensions)

    def replace_document(self, tenant_id: int, key: DocumentKey, chunks: Sequence[NewChunk]) -> int:
        """See ChunkStore.replace_document."""
        if not chunks:
            self.delete_documents(tenant_id, [key.document_id])
            return 0
        self._change(tenant_id, lambda client: replace_document(client, self._indexes, tenant_id, key, chunks))
        return len(chunks)

    def put_vectors(self, tenant_id: int, space_id: str, refs: Sequence[Ref], vectors: Vectors) -> int:
        """See ChunkStore.put_vectors."""
        if not len(refs):
            return 0
        return self._change(tenant_id, lambda client: self._put(client, tenant_id, space_id, refs, vectors))

    def _put(self, client: Elasticsearch, tenant_id: int, space_id: str, refs: Sequence[Ref], vectors: Vectors) -> int:
        self._indexes.make_space(client, space_id, vectors.shape[1])
        alias, routing = self._indexes.space(space_id), str(tenant_id)
        there = self._read(client, tenant_id, refs)
        actions: list[bulk.Action] = []
        for ref, vector in zip(refs, vectors, strict=True):
            if ref in there:
                record = {**vector_record(there[ref]), "space": space_id}
                if vector.any():  # an empty vector has no direction: it is counted, and found by nothing
                    record["embedding"] = vector.tolist()
                common = {"_index": alias, "_id": ref, "routing": routing, "require_alias": True}
                actions.append({**common, "_source": record})
        bulk.write(client, actions)
        still = self._read(client, tenant_id, [a["_id"] for a in actions])
        gone = [str(a["_id"]) for a in actions if a["_id"] not in still]  # the document was deleted meanwhile
        bulk.write(client, ({"_op_type": "delete", "_index": alias, "_id": i, "routing": routing} for i in gone))
        client.indices.refresh(index=alias)
        return len(actions) - len(gone)

    def delete_vectors(self, tenant_id: int, space_id: str, limit: int) -> int:
        """See ChunkStore.delete_vectors."""
        return self._change(tenant_id, lambda client: self._drop(client, tenant_id, space_id, limit))

    def _drop(self, client: Elasticsearch, tenant_id: int, space_id: str, limit: int) -> int:
        alias, routing = self._indexes.space(space_id), str(tenant_id)
        self._missing.forget(tenant_id, space_id)
        found: list[str] = []
        while len(found) < limit:
            page = client.search(
                index=alias,
                routing=routing,
                query={"term": {"tenant": tenant_id}},
                size=min(limit - len(found), 10_000),
                source=False,
                ignore_unavailable=True,
            )["hits"]["hits"]
            if not page:
                break
            found += [hit["_id"] for hit in page]
            bulk.write(
                client,
                ({"_op_type": "delete", "_index": alias, "_id": hit["_id"], "routing": routing} for hit in page),
            )
            client.indices.refresh(index=alias)
        if found:
            mark_erased(client, self._indexes)
        return len(found)

    def delete_documents(self, tenant_id: int, document_ids: Sequence[int]) -> int:
        """See ChunkStore.delete_documents."""
        which = {"terms": {"document": list(document_ids)}}
        return self._change(tenant_id, lambda c: self._delete(c, tenant_id, which)) if document_ids else 0

    def delete_bot(self, tenant_id: int, bot_id: int) -> int:
        """See ChunkStore.delete_bot."""
        return self._change(tenant_id, lambda c: self._delete(c, tenant_id, {"term": {"bot": bot_id}}))

    def delete_tenant(self, tenant_id: int) -> None:
        """See ChunkStore.delete_tenant."""
        self._change(tenant_id, lambda c: self._delete(c, tenant_id, {"match_all": {}}))

    def _delete(self, client: Elasticsearch, tenant_id: int, which: dict[str, Any]) -> int:
        """Delete heads first, so that a writer who is at work finds that it must begin anew; then all the rest."""
        query: dict[str, Any] = {"bool": {"filter": [{"term": {"tenant": tenant_id}}, which]}}
        client.indices.refresh(index=self._indexes.all)
        gone = bulk.delete_found(client, self._indexes.all, str(tenant_id), query)
        mark_erased(client, self._indexes)
        return gone

    def tidy(self) -> None:
        """See ChunkStore.tidy."""
        with self._connection.writing() as client:
            self._ready(client, AWAIT_TO_WRITE)
            expunge_erased(client, self._indexes)

    # -- reading --------------------------------------------------------------------------------------------

    def missing_vectors(
        self, tenant_id: int, space_id: str, limit: int, document_id: int | None = None
    ) -> list[tuple[Ref, str]]:
        """See ChunkStore.missing_vectors."""
        return self._ask(lambda client: self._missing.find(client, tenant_id, space_id, limit, document_id))

    def lacking(self, tenant_id: int, space_id: str) -> Lacking:
        """See ChunkStore.lacking."""

        def count(client: Elasticsearch) -> Lacking:
            total, there = (
                client.search(
                    index=index,
                    routing=str(tenant_id),
                    size=0,
                    track_total_hits=True,
                    query=query,
                    aggs={"size": {"sum": {"field": "size"}}},
                    ignore_unavailable=ignore,
                )
                for index, query, ignore in (
                    (self._indexes.chunks, chunks_of(tenant_id), False),
                    (self._indexes.space(space_id), {"term": {"tenant": tenant_id}}, True),
                )
            )
            have = there.get("aggregations", {"size": {"value": 0}})["size"]["value"]
            chunks = total["hits"]["total"]["value"] - there["hits"]["total"]["value"]
            return Lacking(max(0, chunks), max(0, int(total["aggregations"]["size"]["value"] - have)))

        return self._ask(count)

    def count_vectors(self, tenant_id: int, space_id: str, document_id: int) -> int:
        """See ChunkStore.count_vectors."""
        query = {"bool": {"filter": [{"term": {"tenant": tenant_id}}, {"term": {"document": document_id}}]}}
        alias = self._indexes.space(space_id)
        return self._ask(
            lambda client: int(
                client.count(index=alias, routing=str(tenant_id), query=query, ignore_unavailable=True)["count"]
            )
        )

    def search(self, tenant_id: int, bot_id: int, legs: Legs, limit: int) -> dict[str, list[Hit]]:
        """See ChunkStore.search."""
        return self._ask(lambda client: self._searcher.run(client, tenant_id, bot_id, legs, limit))

    def frequencies(self, tenant_id: int, stems: Sequence[str]) -> tuple[int, dict[str, int]]:
        """See ChunkStore.frequencies."""
        counts = self._ask(lambda client: self._counts.read(client, tenant_id, stems=stems))
        return counts.total, counts.of("stems", stems)

    def get(self, tenant_id: int, refs: Sequence[Ref]) -> list[Chunk]:
        """See ChunkStore.get."""
        found = self._ask(lambda client: self._read(client, tenant_id, refs)) if refs else {}
        return [read_chunk(str(ref), found[ref]) for ref in refs if ref in found]

    def _read(self, client: Elasticsearch, tenant_id: int, refs: Sequence[Ref]) -> dict[Ref, dict[str, Any]]:
        """The records of chunks that their documents' heads name, of one version of each document.

        Those of the version before are taken when none of the present one is asked for: they are whole, too, and
        whoever asks began before the change.
        """
        mine = {ref: parts for ref in refs if (parts := read_ref(ref)) and parts.tenant == tenant_id}
        heads = {p.document: head_id(tenant_id, p.document) for p in mine.values()}
        read = {}
        names = [*heads.values(), *map(str, mine)]
        fields = [*SHOWN, "before", "edition", "size", "written", "digest"]
        for start in range(0, len(names), AT_ONCE):
            answer = client.mget(
                index=self._indexes.chunks,
                docs=[{"_id": i, "routing": str(tenant_id)} for i in names[start : start + AT_ONCE]],
                source_includes=fields,
            )
            for record in answer["docs"]:
                if "error" in record:
                    raise IndexMissing("The index is gone.", "it is made again from the stored texts", retry_after=30)
                if record["found"] and record["_source"]["tenant"] == tenant_id:
                    read[record["_id"]] = record["_source"]
        out: dict[Ref, dict[str, Any]] = {}
        for document, name in heads.items():
            head = read.get(name)
            there = {r: p.version for r, p in mine.items() if p.document == document and r in read}
            if head:
                wanted = head["version"] if head["version"] in there.values() else head["before"]
                out.update({r: read[str(r)] for r, version in there.items() if version == wanted})
        return out

    def neighbours(self, tenant_id: int, chunks: Sequence[Chunk]) -> list[Chunk]:
        """See ChunkStore.neighbours."""
        near = set()
        for chunk in chunks:
            name = str(chunk.ref).rpartition(".")[0]
            near |= {f"{name}.{n}" for n in (chunk.number - 1, chunk.number + 1) if n >= 0}
        found = self.get(tenant_id, sorted(near))
        return sorted(found, key=lambda c: (c.key.document_id, c.number))

    def stats(self, tenant_id: int, bot_id: int | None = None) -> IndexStats:
        """See ChunkStore.stats."""
        terms = [{"term": {"tenant": tenant_id}}] + ([{"term": {"bot": bot_id}}] if bot_id is not None else [])
        query: dict[str, Any] = {"bool": {"filter": terms}}

        def count(client: Elasticsearch, index: str, by: str, ignore: bool) -> dict[str, int]:
            aggs = {"by": {"terms": {"field": by, "size": 1000}}}
            found = client.search(
                index=index, routing=str(tenant_id), size=0, query=query, aggs=aggs, ignore_unavailable=ignore
            )
            buckets = found.get("aggregations", {}).get("by", {}).get("buckets", ())
            return {bucket["key"]: bucket["doc_count"] for bucket in buckets}

        def read(client: Elasticsearch) -> IndexStats:
            kinds = count(client, self._indexes.chunks, "kind", False)
            vectors = count(client, self._indexes.spaces, "space", True)
            return IndexStats(kinds.get("head", 0), kinds.get("chunk", 0), vectors)

        return self._ask(read)

    def documents(self, tenant_id: int) -> dict[int, int]:
        """See ChunkStore.documents."""
        query = {"bool": {"filter": [{"term": {"tenant": tenant_id}}, {"term": {"kind": "head"}}]}}

        def read(client: Elasticsearch) -> dict[int, int]:
            heads = bulk.find(client, self._indexes.chunks, str(tenant_id), query, ["document", "chunks"])
            return {hit["_source"]["document"]: hit["_source"]["chunks"] for hit in heads}

        return self._ask(read)

    def close(self) -> None:
        """Nothing to let go of between uses: the sockets end with the process."""
