"""Writing jobs to the ledger. A job is a row of the transaction that needs it; workers are rung after the commit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select

from . import audit
from .clock import new_uuid, now
from .db.records import BackgroundJob
from .db.tenants import TenantRow
from .tenancy import TenantSession, current_tenant_id, system_scope
from .tenants import Platform, Tenant

QUEUES = ("soon", "documents", "websites", "vectors", "care")
"""What workers can be started for: what people wait for, and what takes long, each beside the others."""


@dataclass(frozen=True)
class JobKind:
    """A kind of job: how urgent (lowest first), how long one attempt may take, how often it is tried, in which queue.

    Of a `serial` kind, jobs of one key never run at the same time.
    """

    name: str
    priority: int = 5
    lease_seconds: int = 120
    attempts: int = 3
    quick: bool = True
    serial: bool = False
    title: Mapping[str, str] = field(default_factory=dict)
    queue: str = "soon"


class JobCancelled(BaseException):
    """The job in hand was cancelled, or another worker has it. Not an Exception: what a job catches must not keep it."""


_lost: ContextVar[Callable[[], bool] | None] = ContextVar("lost", default=None)


def run_unless(lost: Callable[[], bool], work: Callable[[], object]) -> None:
    """Run a job's work; inside, `stop_if_cancelled` asks whether the job was `lost`."""
    token = _lost.set(lost)
    try:
        work()
    finally:
        _lost.reset(token)


def stop_if_cancelled() -> None:
    """To be called between two steps of long work, also outside of a job. Raises JobCancelled."""
    lost = _lost.get()
    if lost is not None and lost():
        raise JobCancelled


INDEX = JobKind("index_document", priority=1, queue="documents")
DELETE = JobKind("delete_documents", priority=0)
ERASE = JobKind("erase_session", priority=0)
SYNC = JobKind("sync_source", priority=2, lease_seconds=300, quick=False, queue="websites")
EMBED = JobKind("embed_document", priority=8, lease_seconds=300, quick=False, queue="vectors")
FILL = JobKind("fill_space", priority=9, lease_seconds=300, quick=False, queue="vectors")
DROP = JobKind("drop_space", priority=9, lease_seconds=300, quick=False, queue="vectors")
MAIL = JobKind("send_mail", priority=1, quick=False)
PURGE = JobKind("purge", priority=9, queue="care")
ERASE_TENANT = JobKind("erase_tenant", priority=7, lease_seconds=300, attempts=10, quick=False, queue="care")
NOTICE = JobKind("send_notice", priority=6, quick=False, queue="care")
SETTLE = JobKind("settle_request", priority=1, attempts=12, quick=False)
KINDS = {k.name: k for k in (SETTLE, INDEX, DELETE, ERASE, SYNC, EMBED, FILL, DROP, MAIL, PURGE, ERASE_TENANT, NOTICE)}


def add_job(db: TenantSession, kind: JobKind, key: str = "", *, delay: float = 0.0, **arguments: Any) -> str:
    """Add a job to the session's transaction; returns its id, to be rung after the commit.

    With a `key`, a job of that key that is still queued is returned instead of a second one.
    """
    if key:
        found = db.scalar(select(BackgroundJob.id).where(BackgroundJob.key == key, BackgroundJob.state == "queued"))
        if found:
            return found
    job = BackgroundJob(
        id=new_uuid(),
        tenant_id=current_tenant_id(),
        kind=kind.name,
        key=key,
        arguments=arguments,
        priority=kind.priority,
        run_at=now() + timedelta(seconds=delay),
    )
    db.add(job)
    return job.id


def retry_jobs(tenant: Tenant, ids: Sequence[str]) -> int:
    """Queue jobs again that failed or were cancelled; returns how many. Others of `ids` stay as they are."""
    with tenant.write() as db:
        wanted = (BackgroundJob.id.in_(ids), BackgroundJob.state.in_(("failed", "cancelled")))
        rows = list(db.scalars(select(BackgroundJob).where(*wanted)))
        for row in rows:
            row.state, row.attempts, row.run_at, row.finished_at = "queued", 0, now(), None
        if rows:
            audit.record(db, audit.current_actor(), "jobs.retried", count=len(rows))
    tenant.platform.ring([row.id for row in rows])
    return len(rows)


@dataclass(frozen=True)
class FailedJobs:
    """How many jobs of a tenant failed for good and wait for somebody."""

    slug: str
    name: str
    count: int


def failed_by_tenant(platform: Platform) -> Sequence[FailedJobs]:
    """The tenants with jobs that failed for good, the most first."""
    number = func.count(BackgroundJob.id)
    with system_scope("count failed jobs, for the operator"), platform.database.read() as db:
        rows = db.execute(
            select(TenantRow.slug, TenantRow.name, number)
            .join(BackgroundJob, BackgroundJob.tenant_id == TenantRow.id)
            .where(BackgroundJob.state == "failed")
            .group_by(TenantRow.id)
            .order_by(number.desc(), TenantRow.name)
            .limit(50)
        )
        return [FailedJobs(*row) for row in rows]


def count_jobs(platform: Platform) -> dict[str, int]:
    """The jobs of all tenants by state, for the operator."""
    with system_scope("count jobs, for the operator"), platform.database.read() as db:
        rows = db.execute(select(BackgroundJob.state, func.count(BackgroundJob.id)).group_by(BackgroundJob.state))
        return {row[0]: row[1] for row in rows}
