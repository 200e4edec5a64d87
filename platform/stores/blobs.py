"""Where the bytes of documents are kept: a folder, or any place that fsspec knows; one sub-folder per tenant."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import time
from collections.abc import Set
from pathlib import Path
from typing import Any

from ..core.errors import Unavailable, WebChatAgentError


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


class RemoteBlobs:
    """Blobs at an address of fsspec, such as `s3://bucket/folder`; keys are as those of `FolderBlobs`."""

    def __init__(self, url: str) -> None:
        from fsspec.core import url_to_fs

        try:
            self._files, self._root = url_to_fs(url)
        except (ImportError, ValueError) as error:
            raise WebChatAgentError(
                f"WEBCHATAGENT_BLOBS_URL cannot be used: {error}.",
                "install what it needs, such as `webchatagent[s3]`, or leave it empty",
                code="setting_wrong",
            ) from None

    def put(self, tenant_id: int, data: bytes) -> str:
        """Keep bytes; returns the key. Raises Unavailable when the place does not take them."""
        key = f"{int(tenant_id)}/{secrets.token_hex(16)}"
        try:
            self._files.makedirs(f"{self._root}/{int(tenant_id)}", exist_ok=True)
            self._files.pipe_file(f"{self._root}/{key}", data)
        except Exception:  # each place has errors of its own; to the caller all are one
            raise Unavailable("The file could not be stored.", "try again in a moment") from None
        return key

    def get(self, tenant_id: int, key: str) -> bytes:
        """The bytes of a key. Raises FileNotFoundError, also for another tenant's key."""
        data: bytes = self._files.cat_file(self._path(tenant_id, key))
        return data

    def delete(self, tenant_id: int, key: str) -> None:
        """Delete a blob; deleting twice is fine."""
        with contextlib.suppress(FileNotFoundError):
            self._files.rm_file(self._path(tenant_id, key))

    def sweep(self, tenant_id: int, named: Set[str], seconds: float) -> int:
        """Delete a tenant's blobs that are older than `seconds` and not named; returns how many."""
        oldest, gone = time.time() - seconds, 0
        for found in self._list(tenant_id):
            key = f"{int(tenant_id)}/{found['name'].rsplit('/', 1)[-1]}"
            if key not in named and _written(found) < oldest:
                self.delete(tenant_id, key)
                gone += 1
        return gone

    def delete_tenant(self, tenant_id: int) -> None:
        """Delete everything of a tenant."""
        with contextlib.suppress(FileNotFoundError):
            self._files.rm(f"{self._root}/{int(tenant_id)}", recursive=True)

    def _list(self, tenant_id: int) -> list[dict[str, Any]]:
        try:
            found = self._files.ls(f"{self._root}/{int(tenant_id)}", detail=True, refresh=True)
        except FileNotFoundError:
            return []
        return [f for f in found if f["type"] == "file"]

    def _path(self, tenant_id: int, key: str) -> str:
        owner, _, name = key.partition("/")
        if owner != str(int(tenant_id)) or not name.isalnum():
            raise FileNotFoundError(key)
        return f"{self._root}/{owner}/{name}"


def _written(found: dict[str, Any]) -> float:
    """When a file was written, by any of the names that places have for it; now when none says."""
    at = found.get("LastModified") or found.get("mtime") or found.get("created") or time.time()
    return float(at.timestamp() if hasattr(at, "timestamp") else at)
