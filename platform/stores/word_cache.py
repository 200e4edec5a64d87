"""BM25 over postings in memory: FTS5 keeps the words, this keeps those that are asked for as arrays.

FTS5's own bm25() scores a chunk at a time, which made the two legs of words the dearest part of a question; here a term
that was asked for before costs one addition of arrays. The formula is FTS5's (https://sqlite.org/fts5.html, 5.1.1).
"""

from __future__ import annotations

import math
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..core.chunks import Hit
from .file_state import FileState, read_state

K1, B = 1.2, 0.75
LEAST_IDF = 1e-6  # of a term that stands in most chunks
HEAD = 2.0  # what a word in the title or heading counts against one in the text
BUDGET = 64 * 1024 * 1024  # bytes of postings kept in memory
MOST_FILES = 256
MOST_COUNTS = 200_000


@dataclass
class _Postings:
    """Where a term stands (positions in `_Words.refs`) and what it adds to the score there."""

    positions: NDArray[np.int32]
    gains: NDArray[np.float32]

    @property
    def size(self) -> int:
        return self.positions.nbytes + self.gains.nbytes + 200


@dataclass
class _Words:
    """One state of one tenant's file: its chunks in the order of their ids, and what was asked of them so far."""

    state: FileState
    refs: NDArray[np.int64]
    bots: NDArray[np.int64]
    lengths: dict[str, NDArray[np.int64]]
    counts: dict[tuple[str, str], int] = field(default_factory=dict)
    postings: dict[tuple[str, str], _Postings] = field(default_factory=dict)


_NONE = np.empty(0, np.int64)
_NOTHING = _Words(FileState("", 0, 0, 0), _NONE, _NONE, {"stem": _NONE, "trigram": _NONE})


class WordCache:
    """The words of the tenants' files, as arrays; read when first asked for, dropped when the file has changed."""

    def __init__(self) -> None:
        self._kept: OrderedDict[int, _Words] = OrderedDict()
        self._lock = threading.Lock()
        self._size = 0

    def drop(self, tenant_id: int) -> None:
        """Forget a tenant."""
        with self._lock:
            words = self._kept.pop(tenant_id, None)
            if words:
                self._size -= sum(p.size for p in words.postings.values())

    def best(
        self, db: sqlite3.Connection, tenant_id: int, table: str, terms: Sequence[str], bot_id: int, limit: int
    ) -> list[Hit]:
        """The bot's chunks with the highest BM25 for the terms of a table (`stem`, `trigram`), best first."""
        words = self._words(db, tenant_id)
        scores = np.zeros(len(words.refs), np.float32)
        for term in dict.fromkeys(terms):
            found = self._postings(db, tenant_id, words, table, term)
            scores[found.positions] += found.gains  # a chunk stands once in the postings of a term
        scores[words.bots != bot_id] = 0.0
        hits = np.flatnonzero(scores)
        if len(hits) > limit:
            hits = hits[np.argpartition(-scores[hits], limit - 1)[:limit]]
        hits = hits[np.lexsort((hits, -scores[hits]))]
        return [Hit(ref, score) for ref, score in zip(words.refs[hits].tolist(), scores[hits].tolist(), strict=True)]

    def counts(
        self, db: sqlite3.Connection, tenant_id: int, table: str, terms: Sequence[str]
    ) -> tuple[int, dict[str, int]]:
        """The number of chunks, and in how many of them each of the terms stands; terms of none are left out."""
        words = self._words(db, tenant_id)
        known = words.counts
        new = [t for t in dict.fromkeys(terms) if (table, t) not in known]
        for start in range(0, len(new), 500):  # SQLite takes 999 values at least
            part = new[start : start + 500]
            marks = ", ".join("?" * len(part))
            found = dict(
                db.execute(f"select term, doc from {table}_vocabulary where term in ({marks})", part).fetchall()
            )
            if len(known) > MOST_COUNTS:
                known.clear()
            known.update({(table, t): found.get(t, 0) for t in part})
        return len(words.refs), {t: n for t in terms if (n := known.get((table, t), 0))}

    def _words(self, db: sqlite3.Connection, tenant_id: int) -> _Words:
        state = read_state(db)
        with self._lock:
            old = self._kept.get(tenant_id)
            if old and old.state[:3] == state[:3]:
                self._kept.move_to_end(tenant_id)
                return old
        words = _extend(db, old, state) if old and old.state[:2] == state[:2] else _extend(db, _NOTHING, state)
        self.drop(tenant_id)
        with self._lock:
            self._kept[tenant_id] = words
            while len(self._kept) > MOST_FILES:
                self._forget_one()
        return words

    def _postings(self, db: sqlite3.Connection, tenant_id: int, words: _Words, table: str, term: str) -> _Postings:
        key = (table, term)
        kept = words.postings.get(key)
        if kept:
            return kept
        made = _read(db, words, table, term)
        with self._lock:
            if self._kept.get(tenant_id) is words and key not in words.postings:
                words.postings[key] = made
                self._size += made.size
                while self._size > BUDGET:
                    self._forget_one()
        return made

    def _forget_one(self) -> None:
        """Forget the tenant that was asked least recently, or the postings of the only one."""
        words = next(iter(self._kept.values()))
        self._size -= sum(p.size for p in words.postings.values())
        if len(self._kept) > 1:
            self._kept.popitem(last=False)
        else:
            words.postings = {}


def _extend(db: sqlite3.Connection, words: _Words, state: FileState) -> _Words:
    """The words of a file that has more chunks than before, up to those of `state`."""
    new = db.execute(
        "select id, bot_id, stem_count, trigram_count from chunk where id > ? and id <= ? order by id",
        (words.state.chunk, state.chunk),
    ).fetchall()
    rows = np.array(new, np.int64).reshape(-1, 4)
    lengths = {name: np.append(words.lengths[name], rows[:, n]) for n, name in ((2, "stem"), (3, "trigram"))}
    return _Words(state, np.append(words.refs, rows[:, 0]), np.append(words.bots, rows[:, 1]), lengths)


def _read(db: sqlite3.Connection, words: _Words, table: str, term: str) -> _Postings:
    """The postings of one term, with what each adds: idf x f x (K1 + 1) / (f + K1 x (1 - B + B x length / average))."""
    rows = np.array(
        db.execute(f"select doc, col = 'head' from {table}_places where term = ?", (term,)).fetchall(), np.int64
    ).reshape(-1, 2)
    refs, starts = np.unique(rows[:, 0], return_index=True)
    if not len(refs):
        return _Postings(np.empty(0, np.int32), np.empty(0, np.float32))
    often = np.add.reduceat(1.0 + (HEAD - 1.0) * rows[:, 1], starts)
    idf = max(LEAST_IDF, math.log((len(words.refs) - len(refs) + 0.5) / (len(refs) + 0.5)))
    here = np.isin(refs, words.refs)  # a writer may have been quicker than this reader
    refs, often = refs[here], often[here]
    positions = np.searchsorted(words.refs, refs)
    lengths = words.lengths[table]
    penalty = K1 * (1 - B + B * lengths[positions] / max(1.0, lengths.mean()))
    gains = idf * often * (K1 + 1) / (often + penalty)
    return _Postings(positions.astype(np.int32), gains.astype(np.float32))
