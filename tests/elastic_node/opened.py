"""Stores on the tests' node: one folder is one set of indexes. Children of a test find the node by the environment."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from webchatagent.stores.chunks_elastic import ElasticsearchChunkStore

URL, DATA = "TEST_ELASTICSEARCH_URL", "TEST_ELASTICSEARCH_DATA"


def url_of(folder: Path) -> str:
    """The setting for a folder."""
    return f"{os.environ[URL]}?prefix=t{hashlib.sha256(str(folder).encode()).hexdigest()[:16]}"


def open_elastic(folder: Path) -> ElasticsearchChunkStore:
    """A store whose indexes are those of a folder."""
    return ElasticsearchChunkStore(url_of(folder))


def index_ids(folder: Path) -> list[str]:
    """The ids of the folder's indexes, which are the names of their folders on the node."""
    store = open_elastic(folder)
    prefix = store._indexes.chunks.removesuffix("-chunks")
    found = store._connection.read.indices.get_settings(index=f"{prefix}-*")
    return [index["settings"]["index"]["uuid"] for index in found.values()]


def stored_bytes(folder: Path) -> bytes:
    """Every byte of the folder's indexes on the node's disk: segments and the log of operations."""
    ids = set(index_ids(folder))
    assert ids
    files = [p for p in sorted(Path(os.environ[DATA]).rglob("*")) if p.is_file() and ids & set(p.parts)]
    assert files
    return b"".join(map(_bytes, files))


def _bytes(path: Path) -> bytes:
    """The bytes of a file; none of one that the node deleted since it was listed."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
