"""BM25 over postings in memory: FTS5 keeps the words, this keeps those that are asked for as arrays.

FTS5's own bm25() scores a chunk at a time, which made the two legs of words the dearest part of a question; here a term
that was asked for before costs one addition of arrays. The formula is FTS5's (https://sqlite.org/fts5.html, 5.1.1).
While a file changes, arrays would be read anew for every question, so FTS5 scores itself until it has been quiet.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..core.chunks import Hit
from .bm25 import HEAD, K1, B, weight
from .file_state import FileState, read_state

BUDGET = 64 * 1024 * 1024  # bytes of postings kept in memory
QUIET = 1.0  # seconds without a change before arrays are made
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
    """The words of the tenants' files, as arrays; read when first asked for, dropped when the file has changed.

    `clock` gives seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: OrderedDict[int, _Words] = OrderedDict()
        self._seen: OrderedDict[int, tuple[FileState, float]] = OrderedDict()  # each file's state, and since when
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
        if words is None:
            return _by_fts5(db, table, terms, bot_id, limit)
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
        if words is None:
            return db.execute("select count(*) from chunk").fetchone()[0], _counts(
                db, table, list(dict.fromkeys(terms))
            )
        known = words.counts
        new = [t for t in dict.fromkeys(terms) if (table, t) not in known]
        if new:
            found = _counts(db, table, new)
            if len(known) > MOST_COUNTS:
                known.clear()
            known.update({(table, t): found.get(t, 0) for t in new})
        return len(words.refs), {t: n for t in terms if (n := known.get((table, t), 0))}

    def _words(self, db: sqlite3.Connection, tenant_id: int) -> _Words | None:
        """The arrays of a file as it is now; None while it changes."""
        state = read_state(db)
        with self._lock:
            old = self._kept.get(tenant_id)
            if old and old.state[:3] == state[:3]:
                self._kept.move_to_end(tenant_id)
                return old
            if not self._is_quiet(tenant_id, state):
                return None
        words = _extend(db, old, state) if old and old.state[:2] == state[:2] else _extend(db, _NOTHING, state)
        self.drop(tenant_id)
        with self._lock:
            self._kept[tenant_id] = words
            while len(self._kept) > MOST_FILES:
                self._forget_one()
        return words

    def _is_quiet(self, tenant_id: int, state: FileState) -> bool:
        at = self._clock()
        before, since = self._seen.pop(tenant_id, (state, at))
        self._seen[tenant_id] = (state, since if before[:3] == state[:3] else at)
        while len(self._seen) > MOST_FILES:
            self._seen.popitem(last=False)
        return at - self._seen[tenant_id][1] >= QUIET

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


def _by_fts5(db: sqlite3.Connection, table: str, terms: Sequence[str], bot_id: int, limit: int) -> list[Hit]:
    """The same hits by FTS5 itself, a chunk at a time."""
    plain = [t for t in dict.fromkeys(terms) if t and all(c > "\x7f" or c.isalnum() for c in t)]
    if not plain:  # a term with anything but letters, digits and marks is in no text
        return []
    match = " OR ".join(f'"{t}"' for t in plain)  # quoting takes every operator its meaning
    rank = f"bm25(by_stem, {HEAD}, 1.0)" if table == "stem" else "bm25(by_trigram)"
    rows = db.execute(  # `+`: else SQLite runs the match once for each of the bot's rows
        f"select rowid, -{rank} from by_{table} where by_{table} match ? "
        "and +rowid in (select id from chunk where bot_id = ?) order by 2 desc, 1 limit ?",
        (match, bot_id, limit),
    )
    return [Hit(ref, score) for ref, score in rows]


def _counts(db: sqlite3.Connection, table: str, terms: Sequence[str]) -> dict[str, int]:
    """In how many chunks each term stands; terms of none are left out."""
    found: dict[str, int] = {}
    for start in range(0, len(terms), 500):  # SQLite takes 999 values at least
        part = terms[start : start + 500]
        marks = ", ".join("?" * len(part))
        found.update(db.execute(f"select term, doc from {table}_vocabulary where term in ({marks})", part).fetchall())
    return found


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
    rows = rows[np.isin(rows[:, 0], words.refs)]  # a writer may have been quicker than this reader
    refs, starts = np.unique(rows[:, 0], return_index=True)
    if not len(refs):
        return _Postings(np.empty(0, np.int32), np.empty(0, np.float32))
    often = np.add.reduceat(1.0 + (HEAD - 1.0) * rows[:, 1], starts)
    idf = weight(len(words.refs), len(refs))
    positions = np.searchsorted(words.refs, refs)
    lengths = words.lengths[table]
    penalty = K1 * (1 - B + B * lengths[positions] / max(1.0, lengths.mean()))
    gains = idf * often * (K1 + 1) / (often + penalty)
    return _Postings(positions.astype(np.int32), gains.astype(np.float32))
