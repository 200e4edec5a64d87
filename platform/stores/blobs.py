"""Where the bytes of documents are kept: a folder, one sub-folder per tenant."""

from __future__ import annotations

import os
import secrets
import shutil
import time
from collections.abc import Set
from pathlib import Path

from ..core.errors import Unavailable


class FolderBlobs:
    """Blobs as files. A key is `<tenant id>/<random name>`: nothing a person typed becomes part of a path."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, tenant_id: int, data: bytes) -> str:
        """Keep bytes; returns the key. The file is complete and on disk before it has its name.

        Raises Unavailable when the disk is full; nothing is left behind then.
        """
        key = f"{int(tenant_id)}/{secrets.token_hex(16)}"
        path = self._folder / key
        part = path.with_suffix(".part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with open(part, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(part, path)
        except OSError:
            part.unlink(missing_ok=True)
            raise Unavailable("The file could not be stored.", "free some disk space and upload it again") from None
        return key

    def get(self, tenant_id: int, key: str) -> bytes:
        """The bytes of a key. Raises FileNotFoundError, also for another tenant's key."""
        return self._path(tenant_id, key).read_bytes()

    def delete(self, tenant_id: int, key: str) -> None:
        """Delete a blob; deleting twice is fine."""
        self._path(tenant_id, key).unlink(missing_ok=True)

    def sweep(self, tenant_id: int, named: Set[str], seconds: float) -> int:
        """Delete a tenant's blobs, and parts of them, that are older than `seconds` and not named; returns how many."""
        oldest, gone = time.time() - seconds, 0
        folder = self._folder / str(int(tenant_id))
        for path in folder.iterdir() if folder.is_dir() else ():
            if f"{int(tenant_id)}/{path.name}" not in named and path.stat().st_mtime < oldest:
                path.unlink(missing_ok=True)
                gone += 1
        return gone

    def delete_tenant(self, tenant_id: int) -> None:
        """Delete everything of a tenant."""
        shutil.rmtree(self._folder / str(int(tenant_id)), ignore_errors=True)

    def _path(self, tenant_id: int, key: str) -> Path:
        owner, _, name = key.partition("/")
        if owner != str(int(tenant_id)) or not name.isalnum():
            raise FileNotFoundError(key)
        return self._folder / owner / name
