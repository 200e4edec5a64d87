"""Composition: reads the settings and builds a process. The one room, with `cli`, that may import all others."""
from __future__ import annotations

import os
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")       # with two OpenMP threads a forked child hangs
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # small products: a second BLAS thread costs more than it brings

from .core import egress, own_hooks  # noqa: E402
from .core.db.database import Database  # noqa: E402
from .core.errors import WebChatAgentError  # noqa: E402
from .core.registry import load_plugins  # noqa: E402
from .core.secrets import SecretBox  # noqa: E402
from .core.settings import Settings  # noqa: E402
from .core.tenants import Platform  # noqa: E402
from .stores.blobs import FolderBlobs  # noqa: E402
from .stores.chunks_sqlite import SqliteChunkStore  # noqa: E402


def build_platform(settings: Settings) -> Platform:
    """The parts of one process. Touches the data folder and the database file, nothing else; no network."""
    folder = make_folder(settings.folder)
    registry = load_plugins({"core": own_hooks})
    platform = Platform(
        settings=settings,
        database=Database(settings.database_url),
        registry=registry,
        chunks=SqliteChunkStore(folder / "chunks"),
        blobs=FolderBlobs(folder / "blobs"),
        secret_box=SecretBox(settings.key("MASTER_KEY")),
    )
    return platform


def make_folder(folder: Path) -> Path:
    """The data folder, private to its owner. Raises WebChatAgentError when it cannot be made."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        probe = folder / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise WebChatAgentError(f"The data folder {folder} cannot be written: {error.strerror}.",
                                "choose another with --data", code="data_folder") from None
    return folder
