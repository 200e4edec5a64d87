"""Working on the ledger, or watching a server do it, until sources are ready."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click
from sqlalchemy import select

from ..core.db.records import BackgroundJob
from ..core.db.sources import Document, Source
from ..core.documents import PASSING
from ..core.ingest import embed_missing
from ..core.spaces import embedding_model
from ..core.tenants import Tenant
from ..jobs.worker import drain
from ..serverlock import server_is_running


def documents_of(tenant: Tenant, source_ids: Sequence[int]) -> tuple[list[Document], bool]:
    """The sources' documents, and whether a source is still being read."""
    with tenant.read() as db:
        rows = list(db.scalars(select(Document).where(Document.source_id.in_(source_ids)).order_by(Document.id)))
        states = list(db.scalars(select(Source.state).where(Source.id.in_(source_ids))))
    return rows, "syncing" in states


def work_is_left(tenant: Tenant) -> bool:
    """Whether any job of the tenant is queued or running."""
    with tenant.read() as db:
        return (
            db.scalar(select(BackgroundJob.id).where(BackgroundJob.state.in_(("queued", "running"))).limit(1))
            is not None
        )


def wait_for_sources(tenant: Tenant, source_ids: Sequence[int], *, wait: bool) -> list[Document]:
    """The documents when all have ended, or at once when a server is running and nobody wants to wait."""
    running = server_is_running(tenant.platform.settings)
    if running and not wait:
        return documents_of(tenant, source_ids)[0]
    meaning = embedding_model(tenant) is not None
    if wait:
        embed_missing(tenant)
    progress = _Progress()

    def ended() -> bool:
        idle = not work_is_left(tenant)  # looked at first: a job ends after what it did can be seen
        rows, reading = documents_of(tenant, source_ids)
        chunks, vectors = sum(d.chunks for d in rows), sum(d.vectors for d in rows)
        passing = sum(d.state in PASSING for d in rows)
        progress.show(len(rows) - passing, len(rows), vectors, chunks if meaning else 0)
        return idle or (not reading and not passing and (vectors >= chunks or not meaning))

    drain(tenant.platform, ended)
    progress.end()
    return documents_of(tenant, source_ids)[0]


class _Progress:
    """A line on a terminal that says how far it is; silent elsewhere."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()

    def show(self, documents: int, of: int, vectors: int, chunks: int) -> None:
        if self._terminal:
            share = (documents + vectors) / ((of + chunks) or 1)
            bar = ("█" * round(share * 30)).ljust(30, "░")
            click.echo(f"\r{bar} documents {documents}/{of}  by meaning {vectors}/{chunks} ", err=True, nl=False)

    def end(self) -> None:
        if self._terminal:
            click.echo("", err=True)
