"""Cancelling jobs: those that wait do not run, one that runs stops at its next step; what waited for them is told."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select, update

from . import audit
from .clock import now
from .db.records import BackgroundJob
from .db.sources import Document, Source
from .documents import PASSING
from .jobs import INDEX, SYNC
from .tenants import Tenant

KEPT = ("erase_session", "erase_tenant", "delete_documents", "purge", "settle_request")
"""What must be done, whoever does not want it: deleting, and what a person asked for by right."""


def cancel_jobs(tenant: Tenant, ids: Sequence[str]) -> int:
    """Cancel a tenant's jobs that wait or run; returns how many. Those that delete something stay.

    A document whose indexing is cancelled ends as broken and can be sent again; a website stays as it was read so far.
    """
    at = now()
    with tenant.write() as db:
        wanted = (BackgroundJob.id.in_(ids), BackgroundJob.state.in_(("queued", "running")))
        rows = list(db.scalars(select(BackgroundJob).where(*wanted, BackgroundJob.kind.not_in(KEPT))))
        for row in rows:
            row.state, row.finished_at, row.lease_until, row.leased_by = "cancelled", at, None, ""
        documents = [(row.arguments or {}).get("document_id") for row in rows if row.kind == INDEX.name]
        sources = [(row.arguments or {}).get("source_id") for row in rows if row.kind == SYNC.name]
        if documents:
            db.execute(
                update(Document)
                .where(Document.id.in_(documents), Document.state.in_(tuple(PASSING)))
                .values(state="broken", error="Its processing was cancelled. (send it again)")
            )
        if sources:
            db.execute(update(Source).where(Source.id.in_(sources), Source.state == "syncing").values(state="ready"))
        if rows:
            audit.record(db, audit.current_actor(), "jobs.cancelled", count=len(rows))
    return len(rows)
