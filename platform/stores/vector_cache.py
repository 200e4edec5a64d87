"""Vectors of a tenant in memory, for exact search: right for every tenant size, and fastest up to some 50,000 chunks."""

from __future__ import annotations

import sqlite3
import threading
from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..core.chunks import Hit
from ..core.models import Vectors
from .file_state import read_state

BUDGET = 256 * 1024 * 1024  # bytes of matrices kept in memory


@dataclass
class _Matrix:
    version: tuple[str, int]  # the file's birth and its deletions
    last: int
    refs: NDArray[np.int64]
    bots: NDArray[np.int64]
    rows: Vectors


class VectorCache:
    """One matrix per (tenant, space), read as it grows, dropped when something was deleted; the least used go first."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[int, str], _Matrix] = OrderedDict()
        self._lock = threading.Lock()

    def drop(self, tenant_id: int) -> None:
        """Forget a tenant."""
        with self._lock:
            for key in [k for k in self._kept if k[0] == tenant_id]:
                del self._kept[key]

    def nearest(
        self, db: sqlite3.Connection, tenant_id: int, space: str, bot_id: int, vector: Vectors, limit: int
    ) -> list[Hit]:
        """The bot's chunks with the highest cosine, best first."""
        matrix = self._load(db, tenant_id, space, len(vector))
        if not len(matrix.refs):
            return []
        scores = matrix.rows @ vector
        mine = matrix.bots == bot_id
        if not mine.all():
            scores = np.where(mine, scores, -2.0)
        limit = min(limit, int(mine.sum()))
        if not limit:
            return []
        best = np.argpartition(-scores, limit - 1)[:limit]
        best = best[np.argsort(-scores[best], kind="stable")]
        return [Hit(int(matrix.refs[i]), float(scores[i])) for i in best]

    def _load(self, db: sqlite3.Connection, tenant_id: int, space: str, dimensions: int) -> _Matrix:
        birth, deletions, _, last = read_state(db)
        version = (birth, deletions)
        key = (tenant_id, space)
        with self._lock:
            matrix = self._kept.get(key)
            if matrix and matrix.version == version and matrix.last == last:
                self._kept.move_to_end(key)
                return matrix
        if matrix is None or matrix.version != version:
            matrix = _Matrix(
                version, 0, np.empty(0, np.int64), np.empty(0, np.int64), np.empty((0, dimensions), np.float32)
            )
        new = db.execute(
            "select seq, chunk_id, bot_id, data from vector where space = ? and seq > ? and seq <= ? order by seq",
            (space, matrix.last, last),
        ).fetchall()
        if new:
            rows = np.frombuffer(b"".join(r[3] for r in new), "<f4").reshape(len(new), dimensions)
            matrix = _Matrix(
                version,
                last,
                np.append(matrix.refs, [r[1] for r in new]).astype(np.int64),
                np.append(matrix.bots, [r[2] for r in new]).astype(np.int64),
                np.vstack([matrix.rows, rows]),
            )
        else:
            matrix = _Matrix(version, last, matrix.refs, matrix.bots, matrix.rows)
        with self._lock:
            self._kept[key] = matrix
            while sum(m.rows.nbytes for m in self._kept.values()) > BUDGET and len(self._kept) > 1:
                self._kept.popitem(last=False)
        return matrix
