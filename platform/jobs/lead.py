"""Which process of an installation leads the clock.

A lock that ends with its holder, so that another one takes over at once: of a file in the data folder, or of a session
of PostgreSQL where several machines share the database.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
from pathlib import Path
from typing import IO, Protocol

from sqlalchemy import Connection, NullPool, create_engine, text
from sqlalchemy.exc import SQLAlchemyError

from ..core.db.database import Database

log = logging.getLogger(__name__)
NUMBER = 0x77636163
"""Of the lock in PostgreSQL; any number that nothing else of the installation takes."""
OPTIONS = {"connect_timeout": 5, "options": "-c statement_timeout=5s"}
KEEP_ALIVE = {"idle": 20, "interval": 5, "count": 3}
"""In seconds, at the side of the server, which would else wait for two hours."""


class Lead(Protocol):
    """The right to run the schedule."""

    def holds(self) -> bool:
        """Whether this process has it, or gets it now."""

    def close(self) -> None:
        """Give it to another process."""


def make_lead(database: Database, folder: Path) -> Lead:
    """The lead of an installation, held by nobody yet."""
    return _OfDatabase(database.url) if database.engine.dialect.name == "postgresql" else _OfFile(folder / "clock.lock")


class _OfFile:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[str] | None = None

    def holds(self) -> bool:
        if self._file is None:
            file = open(self._path, "a", encoding="ascii")  # noqa: SIM115 (open as long as it is held)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.close()
                return False
            self._file = file
        return True

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


class _OfDatabase:
    """A connection of its own, outside of any transaction and of the pool; when it is lost, so is the lock."""

    def __init__(self, url: str) -> None:
        self._engine = create_engine(
            url, poolclass=NullPool, isolation_level="AUTOCOMMIT", hide_parameters=True, connect_args=OPTIONS
        )
        self._connection: Connection | None = None

    def holds(self) -> bool:
        try:
            if self._connection is not None:
                self._connection.execute(text("select 1"))
                return True
            return self._take()
        except SQLAlchemyError as error:  # a database that is away has no clock; the next look may do
            log.warning("the lead of the clock cannot be had: %s", type(error).__name__)
            self.close()
            return False

    def _take(self) -> bool:
        connection, taken = self._engine.connect(), False
        try:
            for name, value in KEEP_ALIVE.items():  # a machine that vanished is noticed in half a minute
                connection.execute(text(f"set tcp_keepalives_{name} = {value}"))
            taken = bool(connection.scalar(text("select pg_try_advisory_lock(:number)"), {"number": NUMBER}))
        finally:
            if not taken:
                connection.close()
        self._connection = connection if taken else None
        return taken

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(SQLAlchemyError):  # it may be gone already
                connection.close()
