"""Which process of an installation leads the clock.

A lock that ends with its holder, so that another one takes over at once: of a file in the data folder, or of a session
of PostgreSQL where several machines share the database.
"""

from __future__ import annotations

import fcntl
import logging
from pathlib import Path
from typing import IO, Protocol

from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from ..core.db.database import Database

log = logging.getLogger(__name__)
NUMBER = 0x77636163
"""Of the lock in PostgreSQL; any number that nothing else of the installation takes."""


class Lead(Protocol):
    """The right to run the schedule."""

    def holds(self) -> bool:
        """Whether this process has it, or gets it now."""

    def close(self) -> None:
        """Give it to another process."""


def make_lead(database: Database, folder: Path) -> Lead:
    """The lead of an installation, held by nobody yet."""
    return _OfDatabase(database) if database.engine.dialect.name == "postgresql" else _OfFile(folder / "clock.lock")


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
    """A connection of its own, outside of any transaction; when it is lost, so is the lock."""

    def __init__(self, database: Database) -> None:
        self._database = database
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
        connection = self._database.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        taken = False
        try:
            for name, value in (("idle", 20), ("interval", 5), ("count", 3)):  # a machine that vanished is noticed
                connection.execute(text(f"set tcp_keepalives_{name} = {value}"))
            taken = bool(connection.scalar(text("select pg_try_advisory_lock(:number)"), {"number": NUMBER}))
        finally:
            if not taken:
                connection.close()
        self._connection = connection if taken else None
        return taken

    def close(self) -> None:
        if self._connection is not None:
            try:
                self._connection.invalidate()  # closed for good: back in the pool it would hold the lock
            except SQLAlchemyError:
                log.debug("the connection of the lead was gone already")
            self._connection.close()
            self._connection = None
