"""Composition: reads the settings and builds a process. The one room, with `cli`, that may import all others."""

from __future__ import annotations

import contextlib
import fcntl
import functools
import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

os.environ.setdefault("OMP_NUM_THREADS", "1")  # with two OpenMP threads a forked child hangs
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # small products: a second BLAS thread costs more than it brings

from werkzeug.middleware.dispatcher import DispatcherMiddleware

from .core import egress, own_hooks
from .core.chunks import ChunkStore
from .core.db.database import Database
from .core.errors import WebChatAgentError
from .core.plugin_jobs import know_kinds
from .core.plugins import entered_hosts
from .core.registry import load_plugins
from .core.routes import MOST_BODY
from .core.secrets import SecretBox
from .core.settings import Settings
from .core.tenants import Platform
from .jobs.worker import Worker
from .stores.blobs import FolderBlobs, RemoteBlobs
from .stores.chunks_sqlite import SqliteChunkStore
from .web.bridge import Bridge, stream

PUBLIC_BODY = 256 * 1024
UPLOAD_BODY = 60_000_000
"""The largest request bodies, in bytes: a message, an upload."""


def largest_body(path: str) -> int:
    """How many bytes a request to a path may carry: files come in the admin and through the management API."""
    is_upload = path.startswith("/admin/") or (path.startswith("/api/v1/bots/") and path.endswith("/files"))
    if path.startswith("/x/"):
        return MOST_BODY  # each route of a plugin has its own limit below this
    return UPLOAD_BODY if is_upload else PUBLIC_BODY


def build_platform(settings: Settings) -> Platform:
    """The parts of one process. Touches the data folder and the database file, nothing else; no network."""
    folder = make_folder(settings.folder)
    registry = load_plugins({"core": own_hooks})
    platform = Platform(
        settings=settings,
        database=Database(settings.database_url),
        registry=registry,
        chunks=open_chunks(settings),
        blobs=RemoteBlobs(settings.blobs_url) if settings.blobs_url else FolderBlobs(folder / "blobs"),
        secret_box=SecretBox(*settings.master_keys),
    )
    know_kinds(platform)
    return platform


def open_chunks(settings: Settings) -> ChunkStore:
    """The index that the settings name. Calls nobody yet."""
    if settings.elasticsearch_url:
        from .stores.chunks_elastic import ElasticsearchChunkStore

        return ElasticsearchChunkStore(settings.elasticsearch_url)
    return SqliteChunkStore(settings.folder / "chunks")


def make_folder(folder: Path) -> Path:
    """The data folder, private to its owner. Raises WebChatAgentError when it cannot be made."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        probe = folder / ".writable"
        probe.touch()
        probe.unlink(missing_ok=True)  # another process may look at this moment too
    except OSError as error:
        raise WebChatAgentError(
            f"The data folder {folder} cannot be written: {error.strerror}.",
            "choose another with --data",
            code="data_folder",
        ) from None
    return folder


def migration_folders(platform: Platform) -> list[Path]:
    """Where the migrations of the admin and of the installed plugins are."""
    from . import admin

    return [admin.migrations_folder(), *platform.registry.migrations()]


def prepare_database(platform: Platform) -> list[str]:
    """Bring the tables up to date; returns the revisions that were missing. Two processes at once migrate once."""
    from . import admin
    from .core.db import migrate, row_security
    from .core.tenants import ensure_operator

    folders = migration_folders(platform)
    engine = platform.database.engine
    row_security.check_role(engine)
    with migrating(platform.settings.folder), row_security.migrating(engine):
        missing = migrate.pending(platform.database, folders)
        if missing:
            migrate.migrate(platform.database, folders, [admin.metadata()])
        with engine.begin() as connection:
            row_security.build_wall(connection)  # also of tables that a plugin made in a way of its own
        ensure_operator(platform)
    row_security.check_wall(engine)
    return missing


@contextlib.contextmanager
def migrating(folder: Path) -> Iterator[None]:
    """A lock in the data folder, so that a command and a server do not migrate at the same moment."""
    with open(folder / "migrate.lock", "w", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def guard_egress(platform: Platform, hosts: frozenset[str] = frozenset()) -> None:
    """Put the egress guard into force: from here on only declared hosts can be called."""
    settings = platform.settings
    own = {
        urlsplit(url).hostname or ""
        for url in (
            settings.database_url,
            settings.redis_url,
            settings.elasticsearch_url,
            settings.smtp_url,
            settings.blobs_url,
            settings.otlp_url,
        )
    } - {""}
    egress.install(
        egress.EgressPolicy(
            mode=settings.egress,  # type: ignore[arg-type]
            platform_hosts=frozenset(own) | hosts,
            declared={name: manifest.egress for name, manifest in platform.registry.manifests.items()},
            private_hosts=settings.private_hosts,
            tenant_hosts=functools.partial(entered_hosts, platform),
        )
    )


def build_server(platform: Platform) -> tuple[Bridge, Worker | None]:
    """The ASGI application (public app and admin), and the worker that runs beside it when there is no Redis."""
    from .admin.app import create_admin
    from .doctor import look
    from .web.app import create_public
    from .web.parts import KEY

    public, admin_app = create_public(platform), create_admin(platform, doctor=look, stream=stream)
    dispatch = DispatcherMiddleware(public, {"/admin": admin_app})
    bridge = Bridge(dispatch, largest_body, finish=public.extensions[KEY].runner.finish)
    worker = None
    if platform.settings.redis_url:
        from .jobs.redis_queue import make_ring

        platform.ring = make_ring(platform)
    else:
        worker = Worker(platform)
        platform.ring = worker.ring
    return bridge, worker
