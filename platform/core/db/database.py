"""One installation's database: sessions to read and to write with."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from ..tenancy import TenantSession
from .engine import make_engine, make_sessions


class Database:
    """Opens guarded sessions. The scope (whose rows) is the caller's; see `tenancy`."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.engine = make_engine(url)
        self.sessions = make_sessions(self.engine)

    @contextlib.contextmanager
    def read(self) -> Iterator[TenantSession]:
        """A session that is rolled back at the end."""
        with self.sessions() as session:
            yield session

    @contextlib.contextmanager
    def write(self) -> Iterator[TenantSession]:
        """A session that is committed at the end, or rolled back when the block raises."""
        with self.sessions() as session:
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
