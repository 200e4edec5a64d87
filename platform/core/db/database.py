"""One installation's database: sessions to read and to write with."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

from ..tenancy import TenantSession
from .engine import make_engine, make_sessions


class Database:
    """Opens guarded sessions. The scope (whose rows) is the caller's; see `tenancy`."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.engine = make_engine(url)
        self.sessions = make_sessions(self.engine)
        # SQLite lets writers wait by polling, so a late one may wait for ever; here they queue up. RLock: a write inside
        # a write must fail at SQLite's own lock, where it is seen, and not hang here.
        sqlite = url.startswith("sqlite")
        self._writers: Any = threading.RLock() if sqlite else contextlib.nullcontext()
        # One connection writes: SQLite empties a connection's page cache whenever another one has written.
        self._write_engine = make_engine(url, pool_size=1) if sqlite else self.engine

    @contextlib.contextmanager
    def read(self) -> Iterator[TenantSession]:
        """A session that is rolled back at the end."""
        with self.sessions() as session:
            yield session

    @contextlib.contextmanager
    def write(self) -> Iterator[TenantSession]:
        """A session that is committed at the end, or rolled back when the block raises."""
        with self._writers, self.sessions(bind=self._write_engine) as session:
            session.connection(execution_options={"write": True})
            yield session
            session.commit()

    def forget_deleted(self) -> None:
        """Make SQLite drop the old pages of its log, so that nothing deleted can be read in a file. Best effort:

        a reader that is busy keeps its pages until the next time.
        """
        if self.engine.dialect.name == "sqlite":
            with contextlib.closing(self.engine.raw_connection()) as connection:
                connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()
        self._write_engine.dispose()
