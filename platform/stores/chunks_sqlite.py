"""The embedded chunk store: one SQLite file per tenant, FTS5 for the words, exact search over vectors in numpy.

A file per tenant: no filter to forget, the statistics of words are the tenant's own, erasing is deleting a file.
"""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from ..core.analysis import VERSION, stems, trigrams
from ..core.chunks import Chunk, DocumentKey, Hit, IndexStats, Lacking, Legs, NewChunk, Ref
from ..core.models import EmbeddingSpace, Vectors
from .bm25 import telling
from .sqlite_files import TenantFiles
from .vector_cache import VectorCache
from .word_cache import WordCache

_INDEX = 3  # the version of the index of words below; another one is rebuilt from the texts, as with another analysis
_WORDS = """
create virtual table if not exists by_stem using fts5(head, body, content='', tokenize='ascii');
create virtual table if not exists by_trigram using fts5(body, content='', tokenize='ascii');
create virtual table if not exists stem_vocabulary using fts5vocab(by_stem, row);
create virtual table if not exists trigram_vocabulary using fts5vocab(by_trigram, row);
create virtual table if not exists stem_places using fts5vocab(by_stem, instance);
create virtual table if not exists trigram_places using fts5vocab(by_trigram, instance);
"""
# With less than the full detail a contentless index knows no counts, and no text could be scored. `ascii` splits at
# blanks here: our tokens hold letters, digits and marks only, and every other tokenizer knows fewer letters than we
# do and would split a word at the rest.
SCHEMA = f"""
create table if not exists meta (key text primary key, value) without rowid;
create table if not exists chunk (
    id integer primary key autoincrement, tenant_id integer not null, bot_id integer not null,
    source_id integer not null, document_id integer not null, number integer not null, text text not null,
    title text not null, heading text not null, language text not null, url text not null, page integer not null,
    stems text not null, digest blob not null, stem_count integer not null default 0,
    trigram_count integer not null default 0);
create unique index if not exists ix_chunk_document on chunk (document_id, number);
create index if not exists ix_chunk_bot on chunk (bot_id);
create table if not exists vector (
    seq integer primary key autoincrement, space text not null, chunk_id integer not null, bot_id integer not null,
    data blob not null, unique (space, chunk_id));
{_WORDS}
"""
_COLUMNS = "id, bot_id, source_id, document_id, number, text, title, heading, language, url, page, stems"


def _digest(chunk: NewChunk) -> bytes:
    return hashlib.sha256(chunk.embedded_text.encode()).digest()[:16]


class SqliteChunkStore:
    """A `ChunkStore` in a folder. Several processes may use the folder; writers wait for each other."""

    def __init__(self, folder: Path) -> None:
        self._files = TenantFiles(folder, SCHEMA, self._upgrade)
        self._vectors = VectorCache()
        self._words = WordCache()
        self._write_locks: dict[int, threading.Lock] = {}

    # -- writing --------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _writing(self, tenant_id: int) -> Iterator[sqlite3.Connection]:
        lock = self._write_locks.setdefault(tenant_id, threading.Lock())
        connection = self._files.connection(tenant_id, create=True)
        with lock:  # SQLite would let the writers of one process wait by polling
            connection.execute("begin immediate")
            try:
                yield connection
            except BaseException:
                connection.execute("rollback")
                raise
            connection.execute("commit")

    def ensure_space(self, space: EmbeddingSpace) -> None:
        """Nothing to do: vectors carry the id of their space."""

    def replace_document(self, tenant_id: int, key: DocumentKey, chunks: Sequence[NewChunk]) -> int:
        """See ChunkStore.replace_document."""
        rows = [(_digest(c), stems(f"{c.title} {c.heading}", c.language), stems(c.text, c.language), c) for c in chunks]
        grams = [trigrams(f"{c.title} {c.heading} {c.text}") for c in chunks]
        with self._writing(tenant_id) as db:
            kept = db.execute(
                "select c.digest, v.space, v.data from chunk c join vector v on v.chunk_id = c.id where c.document_id = ?",
                (key.document_id,),
            ).fetchall()
            self._delete(db, "document_id = ?", (key.document_id,))
            ids: dict[bytes, list[int]] = {}  # several: a text may stand in a document twice
            for number, ((digest, head, body, c), gram) in enumerate(zip(rows, grams, strict=True)):
                row = (
                    tenant_id,
                    key.bot_id,
                    key.source_id,
                    key.document_id,
                    number,
                    c.text,
                    c.title,
                    c.heading,
                    c.language,
                    c.url,
                    c.page,
                    " ".join([*head, "|", *body]),
                    digest,
                    len(head) + len(body),
                    len(gram),
                )
                ref = db.execute(f"insert into chunk values (null{', ?' * len(row)})", row).lastrowid
                assert ref is not None
                ids.setdefault(digest, []).append(ref)
                db.execute(
                    "insert into by_stem (rowid, head, body) values (?, ?, ?)", (ref, " ".join(head), " ".join(body))
                )
                db.execute("insert into by_trigram (rowid, body) values (?, ?)", (ref, " ".join(gram)))
            db.executemany(
                "insert or ignore into vector values (null, ?, ?, ?, ?)",
                [(space, ref, key.bot_id, data) for digest, space, data in kept for ref in ids.get(digest, ())],
            )
        return len(rows)

    @staticmethod
    def _delete(db: sqlite3.Connection, where: str, values: tuple[object, ...]) -> int:
        gone = db.execute(f"select id, title, heading, text, stems from chunk where {where}", values).fetchall()
        for ref, title, heading, text, stemmed in gone:  # a contentless index is told what to forget
            head, _, body = stemmed.partition("|")
            db.execute("insert into by_stem (by_stem, rowid, head, body) values ('delete', ?, ?, ?)", (ref, head, body))
            db.execute(
                "insert into by_trigram (by_trigram, rowid, body) values ('delete', ?, ?)",
                (ref, " ".join(trigrams(f"{title} {heading} {text}"))),
            )
        if gone:
            marks = [(ref,) for ref, *_ in gone]
            db.executemany("delete from vector where chunk_id = ?", marks)
            db.executemany("delete from chunk where id = ?", marks)
            db.execute("insert into meta values ('deletions', 1) on conflict do update set value = value + 1")
        return len(gone)

    def put_vectors(self, tenant_id: int, space_id: str, refs: Sequence[Ref], vectors: Vectors) -> int:
        """See ChunkStore.put_vectors."""
        with self._writing(tenant_id) as db:
            before = db.total_changes
            db.executemany(
                "insert or ignore into vector select null, ?, id, bot_id, ? from chunk where id = ?",
                [
                    (space_id, np.ascontiguousarray(row, "<f4").tobytes(), ref)
                    for ref, row in zip(refs, vectors, strict=True)
                ],
            )
            return db.total_changes - before

    def delete_vectors(self, tenant_id: int, space_id: str, limit: int) -> int:
        """See ChunkStore.delete_vectors."""
        if not self._files.exists(tenant_id):
            return 0
        with self._writing(tenant_id) as db:
            gone = db.execute(
                "delete from vector where seq in (select seq from vector where space = ? limit ?)", (space_id, limit)
            ).rowcount
            if gone:
                db.execute("insert into meta values ('deletions', 1) on conflict do update set value = value + 1")
        if gone:
            db.execute("pragma wal_checkpoint(truncate)")  # the log still holds the old pages
        return gone

    def delete_documents(self, tenant_id: int, document_ids: Sequence[int]) -> int:
        """See ChunkStore.delete_documents."""
        if not self._files.exists(tenant_id):
            return 0
        with self._writing(tenant_id) as db:
            gone = sum(self._delete(db, "document_id = ?", (i,)) for i in document_ids)
            self._forget(db, gone)
        if gone:
            db.execute("pragma wal_checkpoint(truncate)")  # the log still holds the old pages
        return gone

    def delete_bot(self, tenant_id: int, bot_id: int) -> int:
        """See ChunkStore.delete_bot."""
        if not self._files.exists(tenant_id):
            return 0
        with self._writing(tenant_id) as db:
            gone = self._delete(db, "bot_id = ?", (bot_id,))
            self._forget(db, gone)
        if gone:
            db.execute("pragma wal_checkpoint(truncate)")  # the log still holds the old pages
        return gone

    @staticmethod
    def _forget(db: sqlite3.Connection, gone: int) -> None:
        if gone:  # deleted words stay in old segments until they are merged
            db.execute("insert into by_stem (by_stem) values ('optimize')")
            db.execute("insert into by_trigram (by_trigram) values ('optimize')")

    def delete_tenant(self, tenant_id: int) -> None:
        """Delete the tenant's file."""
        self._files.delete(tenant_id)
        self._vectors.drop(tenant_id)
        self._words.drop(tenant_id)

    def _upgrade(self, db: sqlite3.Connection) -> None:
        """Rebuild the index of words when it was made by another version of the analysis."""
        version = f"{VERSION}.{_INDEX}"
        row = db.execute("select value from meta where key = 'analysis'").fetchone()
        if row and row[0] == version:
            return
        db.execute("begin immediate")
        try:
            self._rebuild(db, version)
        except BaseException:
            db.execute("rollback")
            raise
        db.execute("commit")

    @staticmethod
    def _rebuild(db: sqlite3.Connection, version: str) -> None:
        for table in (
            "stem_vocabulary",
            "trigram_vocabulary",
            "stem_places",
            "trigram_places",
            "by_stem",
            "by_trigram",
        ):
            db.execute(f"drop table if exists {table}")
        columns = {row[1] for row in db.execute("pragma table_info(chunk)")}
        for column in {"stem_count", "trigram_count"} - columns:  # a file of an older version
            db.execute(f"alter table chunk add column {column} integer not null default 0")
        for statement in _WORDS.strip().split("\n"):
            db.execute(statement)
        for ref, title, heading, text, language in db.execute(
            "select id, title, heading, text, language from chunk"
        ).fetchall():
            head, body = stems(f"{title} {heading}", language), stems(text, language)
            grams = trigrams(f"{title} {heading} {text}")
            db.execute(
                "update chunk set stems = ?, stem_count = ?, trigram_count = ? where id = ?",
                (" ".join([*head, "|", *body]), len(head) + len(body), len(grams), ref),
            )
            db.execute(
                "insert into by_stem (rowid, head, body) values (?, ?, ?)", (ref, " ".join(head), " ".join(body))
            )
            db.execute("insert into by_trigram (rowid, body) values (?, ?)", (ref, " ".join(grams)))
        db.execute("insert or replace into meta values ('analysis', ?), ('birth', hex(randomblob(8)))", (version,))

    # -- reading --------------------------------------------------------------------------------------------

    def missing_vectors(
        self, tenant_id: int, space_id: str, limit: int, document_id: int | None = None
    ) -> list[tuple[Ref, str]]:
        """See ChunkStore.missing_vectors."""
        if not self._files.exists(tenant_id):
            return []
        where, values = ("and c.document_id = ?", (document_id,)) if document_id is not None else ("", ())
        rows = (
            self._files.connection(tenant_id)
            .execute(
                "select c.id, c.title, c.heading, c.text from chunk c left join vector v on v.chunk_id = c.id and v.space = ? "
                f"where v.seq is null {where} order by c.id limit ?",
                (space_id, *values, limit),
            )
            .fetchall()
        )
        return [(ref, NewChunk(text, title, heading).embedded_text) for ref, title, heading, text in rows]

    def lacking(self, tenant_id: int, space_id: str) -> Lacking:
        """See ChunkStore.lacking."""
        if not self._files.exists(tenant_id):
            return Lacking(0, 0)
        row = (
            self._files.connection(tenant_id)
            .execute(
                "select count(*), coalesce(sum(length(cast(title || heading || text as blob))), 0) from chunk c "
                "where not exists (select 1 from vector v where v.space = ? and v.chunk_id = c.id)",
                (space_id,),
            )
            .fetchone()
        )
        return Lacking(*row)

    def count_vectors(self, tenant_id: int, space_id: str, document_id: int) -> int:
        """See ChunkStore.count_vectors."""
        if not self._files.exists(tenant_id):
            return 0
        found: int = (
            self._files.connection(tenant_id)
            .execute(
                "select count(*) from vector v join chunk c on c.id = v.chunk_id where v.space = ? and c.document_id = ?",
                (space_id, document_id),
            )
            .fetchone()[0]
        )
        return found

    def search(self, tenant_id: int, bot_id: int, legs: Legs, limit: int) -> dict[str, list[Hit]]:
        """See ChunkStore.search."""
        if not self._files.exists(tenant_id):
            return {}
        db = self._files.connection(tenant_id)
        found: dict[str, list[Hit]] = {}
        if legs.stems:
            found["stem"] = self._words.best(db, tenant_id, "stem", legs.stems, bot_id, limit)
        if legs.trigrams:
            counts = self._words.counts(db, tenant_id, "trigram", legs.trigrams[:500])
            rare = telling(legs.trigrams, *counts)
            found["trigram"] = self._words.best(db, tenant_id, "trigram", rare, bot_id, limit)
        if legs.vector is not None:
            found["dense"] = self._vectors.nearest(db, tenant_id, legs.space, bot_id, legs.vector, limit)
        return found

    def frequencies(self, tenant_id: int, stems: Sequence[str]) -> tuple[int, dict[str, int]]:
        """See ChunkStore.frequencies."""
        if not self._files.exists(tenant_id):
            return 0, {}
        return self._words.counts(self._files.connection(tenant_id), tenant_id, "stem", stems)

    def get(self, tenant_id: int, refs: Sequence[Ref]) -> list[Chunk]:
        """See ChunkStore.get."""
        if not refs or not self._files.exists(tenant_id):
            return []
        marks = ", ".join("?" * len(refs))
        rows = self._files.connection(tenant_id).execute(
            f"select {_COLUMNS} from chunk where id in ({marks}) and tenant_id = ?", (*refs, tenant_id)
        )
        found = {row[0]: self._chunk(row) for row in rows}
        return [found[ref] for ref in refs if ref in found]

    @staticmethod
    def _chunk(row: tuple[object, ...]) -> Chunk:
        ref, bot, source, document, number, text, title, heading, language, url, page, stemmed = row
        words = str(stemmed).replace("|", " ")
        return Chunk(ref, DocumentKey(bot, source, document), number, text, title, heading, language, url, page, words)  # type: ignore[arg-type]

    def neighbours(self, tenant_id: int, chunks: Sequence[Chunk]) -> list[Chunk]:
        """See ChunkStore.neighbours."""
        if not chunks or not self._files.exists(tenant_id):
            return []
        near = {(c.key.document_id, n) for c in chunks for n in (c.number - 1, c.number + 1)}
        rows = self._files.connection(tenant_id).execute(  # a join: SQLite takes no index for `in (values ...)`
            f"with near (d, n) as (values {', '.join(['(?, ?)'] * len(near))}) select {_COLUMNS} from near cross join chunk "
            "on document_id = d and number = n order by d, n",
            [value for pair in near for value in pair],
        )
        return [self._chunk(row) for row in rows]

    def stats(self, tenant_id: int, bot_id: int | None = None) -> IndexStats:
        """See ChunkStore.stats."""
        if not self._files.exists(tenant_id):
            return IndexStats(0, 0, {})
        db = self._files.connection(tenant_id)
        where, values = ("where bot_id = ?", (bot_id,)) if bot_id is not None else ("", ())
        documents, chunks = db.execute(
            f"select count(distinct document_id), count(*) from chunk {where}", values
        ).fetchone()
        vectors = dict(db.execute(f"select space, count(*) from vector {where} group by space", values))
        return IndexStats(documents, chunks, vectors)

    def documents(self, tenant_id: int) -> dict[int, int]:
        """See ChunkStore.documents."""
        if not self._files.exists(tenant_id):
            return {}
        rows = self._files.connection(tenant_id).execute("select document_id, count(*) from chunk group by 1")
        return dict(rows.fetchall())

    def tidy(self) -> None:
        """Nothing to do: deleting overwrites at once."""

    def close(self) -> None:
        """Close this thread's connections; those of other threads close with their threads."""
        self._files.close()
