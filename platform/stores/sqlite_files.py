"""SQLite files, one per tenant, with a few open connections per thread."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

WAIT_SECONDS = 30.0
MOST_OPEN = 16  # per thread; a hundred tenants times twenty threads would run out of file handles


class TenantFiles:
    """Opens `<folder>/<tenant id>.sqlite`. A connection whose file was deleted or replaced is opened anew."""

    def __init__(self, folder: Path, schema: str, upgrade: Callable[[sqlite3.Connection], None]) -> None:
        self._folder, self._schema, self._upgrade = folder, schema, upgrade
        self._local = threading.local()
        self._prepared: set[tuple[int, int]] = set()
        self._lock = threading.Lock()

    def path(self, tenant_id: int) -> Path:
        """The tenant's file; the id is a number, so no name can leave the folder."""
        return self._folder / f"{int(tenant_id)}.sqlite"

    def exists(self, tenant_id: int) -> bool:
        """Whether anything was ever written for the tenant."""
        return os.path.exists(self.path(tenant_id))

    def connection(self, tenant_id: int, *, create: bool = False) -> sqlite3.Connection:
        """This thread's connection to the tenant's file."""
        open_files: OrderedDict[int, tuple[int, sqlite3.Connection]] = self._local.__dict__.setdefault(
            "open", OrderedDict()
        )
        path = self.path(tenant_id)
        inode = os.stat(path).st_ino if os.path.exists(path) else 0
        kept = open_files.get(tenant_id)
        if kept and kept[0] == inode:
            open_files.move_to_end(tenant_id)
            return kept[1]
        if kept:
            kept[1].close()
            del open_files[tenant_id]
        if create:
            self._folder.mkdir(parents=True, exist_ok=True)
        connection = self._open(path)
        open_files[tenant_id] = (os.stat(path).st_ino, connection)
        while len(open_files) > MOST_OPEN:
            open_files.popitem(last=False)[1][1].close()
        return connection

    def _open(self, path: Path) -> sqlite3.Connection:
        connection = sqlite3.connect(path, isolation_level=None, timeout=WAIT_SECONDS)
        _keep_log_ahead(connection)
        for pragma in (
            "synchronous=NORMAL",
            "secure_delete=ON",
            "cache_size=-4000",
        ):
            connection.execute(f"pragma {pragma}")
        stat = os.stat(path)
        with self._lock:
            if (stat.st_dev, stat.st_ino) not in self._prepared:
                connection.executescript(self._schema)
                self._upgrade(connection)
                self._prepared.add((stat.st_dev, stat.st_ino))
        return connection

    def delete(self, tenant_id: int) -> None:
        """Delete the tenant's file and what SQLite keeps beside it."""
        kept = self._local.__dict__.get("open", {}).pop(tenant_id, None)
        if kept:
            kept[1].close()
        for suffix in ("", "-wal", "-shm"):
            path = Path(f"{self.path(tenant_id)}{suffix}")
            if path.exists() and not suffix:
                with self._lock:
                    self._prepared.discard((path.stat().st_dev, path.stat().st_ino))
            path.unlink(missing_ok=True)

    def close(self) -> None:
        """Close this thread's connections."""
        for _, connection in self._local.__dict__.pop("open", {}).values():
            connection.close()


def _keep_log_ahead(connection: sqlite3.Connection) -> None:
    """Switch a file to write-ahead logging, which stays. Of several that do it to a new file at the same moment all
    but one are refused at once: for this lock alone SQLite does not wait.
    """
    limit = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            connection.execute("pragma journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > limit:
                connection.close()
                raise
            time.sleep(0.01)
