"""Which version of a tenant's chunk file a cache was made from."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

_SELECT = (
    "select (select value from meta where key = 'birth'), (select value from meta where key = 'deletions'), "
    "(select seq from sqlite_sequence where name = 'chunk'), (select seq from sqlite_sequence where name = 'vector')"
)


class FileState(NamedTuple):
    """What changes with the rows: the file's own random name, deletions so far, the last chunk, the last vector."""

    birth: str
    deletions: int
    chunk: int
    vector: int


def read_state(db: sqlite3.Connection) -> FileState:
    """The present state of a file."""
    birth, deletions, chunk, vector = db.execute(_SELECT).fetchone()
    return FileState(birth or "", deletions or 0, chunk or 0, vector or 0)
