"""An index that lost something is filled again from the stored documents."""

from __future__ import annotations

import logging

from sqlalchemy import func, select, update

from . import jobs
from .db.records import BackgroundJob
from .db.sources import Document
from .spaces import read_choice
from .tenants import Tenant

log = logging.getLogger(__name__)


def restore_lost(tenant: Tenant) -> list[str]:
    """Queue the documents whose passages are not in the index as the database says, and count vectors anew where some
    are gone, so that they are made again. Returns the ids of the jobs.

    Only counts are compared while nothing is wrong. Raises Unavailable when the index does not answer.
    """
    chunks, vectors = _expected(tenant)
    stats = tenant.platform.chunks.stats(tenant.id)
    ring = _queue_lost(tenant) if stats.chunks < chunks else []
    space = read_choice(tenant).space
    if not ring and space and stats.vectors.get(space, 0) < vectors:
        _count_anew(tenant, space)
    tenant.platform.ring(ring)
    return ring


def _expected(tenant: Tenant) -> tuple[int, int]:
    with tenant.read() as db:
        row = db.execute(
            select(func.sum(Document.chunks), func.sum(Document.vectors)).where(Document.state == "searchable")
        ).one()
    return int(row[0] or 0), int(row[1] or 0)


def _queue_lost(tenant: Tenant) -> list[str]:
    there = tenant.platform.chunks.documents(tenant.id)
    with tenant.write() as db:
        rows = db.execute(select(Document.id, Document.chunks).where(Document.state == "searchable")).all()
        lost = [number for number, chunks in rows if there.get(number, 0) < chunks]
        waiting = set(
            db.scalars(
                select(BackgroundJob.key).where(
                    BackgroundJob.kind == jobs.INDEX.name, BackgroundJob.state.in_(("queued", "running"))
                )
            )
        )
        ring = [jobs.add_job(db, jobs.INDEX, f"index:{i}", document_id=i) for i in lost if f"index:{i}" not in waiting]
    if ring:
        log.warning("tenant %s: %s documents are not in the index and are put there again", tenant.slug, len(ring))
    return ring


def _count_anew(tenant: Tenant, space: str) -> None:
    """Write how many vectors each document has; `embed_missing` makes those that lack."""
    with tenant.read() as db:
        known = db.execute(select(Document.id, Document.vectors).where(Document.vectors > 0)).all()
    found = {i: tenant.platform.chunks.count_vectors(tenant.id, space, i) for i, _ in known}
    with tenant.write() as db:
        for number, vectors in known:
            if found[number] != vectors:
                db.execute(update(Document).where(Document.id == number).values(vectors=found[number]))
