"""The ledger of jobs: taking due ones with a lease, finishing them. The ledger is the truth; a queue only rings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, case, or_, select, update
from sqlalchemy.orm import aliased

from ..core.clock import now
from ..core.db.database import Database
from ..core.db.records import BackgroundJob
from ..core.jobs import KINDS, JobKind
from ..core.tenancy import TenantSession, system_scope

BACK_OFF = (2.0, 15.0, 60.0)
BATCH = 16
CRASHES = 25
"""A job that was begun so often and never came to an end takes its process along; it is not begun again."""


@dataclass(frozen=True)
class Taken:
    """A job in this worker's hands until its lease ends. `attempts` counts the one that is about to begin."""

    id: str
    tenant_id: int
    kind: JobKind
    arguments: dict[str, Any]
    attempts: int


def take_jobs(database: Database, worker: str, *, wanted: Sequence[str] = (), only_quick: bool = False) -> list[Taken]:
    """Take the most urgent due job, and as many quick ones behind it as make a batch.

    Due are queued jobs whose time has come, and running ones whose lease ran out: their worker is gone.
    """
    query = select(BackgroundJob).where(_due()).order_by(BackgroundJob.priority, BackgroundJob.run_at)
    if wanted:
        query = query.where(BackgroundJob.id.in_(wanted))
    if only_quick:
        query = query.where(BackgroundJob.kind.in_([k.name for k in KINDS.values() if k.quick]))
    with system_scope("take due jobs of any tenant"), database.write() as db:
        rows = list(db.scalars(query.limit(BATCH).with_for_update(skip_locked=True)))
        taken = _batch(rows)
        for row in taken:
            row.state, row.leased_by = "running", worker
            row.lease_until = now() + timedelta(seconds=KINDS[row.kind].lease_seconds)
        return [Taken(r.id, r.tenant_id, KINDS[r.kind], dict(r.arguments or {}), r.attempts + 1) for r in taken]


def _due() -> ColumnElement[bool]:
    """Queued and its time has come, or running with a lease that ran out; of a kind that is known here."""
    at = now()
    return and_(
        BackgroundJob.kind.in_(list(KINDS)),
        *_one_at_a_time(at),
        or_(
            and_(BackgroundJob.state == "queued", BackgroundJob.run_at <= at),
            and_(BackgroundJob.state == "running", BackgroundJob.lease_until < at),
        ),
    )


def _one_at_a_time(at: datetime) -> list[ColumnElement[bool]]:
    """That no job of the same key runs, for kinds whose jobs come one after another."""
    serial = [name for name, kind in KINDS.items() if kind.serial]
    if not serial:
        return []
    other = aliased(BackgroundJob)
    runs = select(other.id).where(
        other.kind == BackgroundJob.kind,
        other.tenant_id == BackgroundJob.tenant_id,
        other.key == BackgroundJob.key,
        other.state == "running",
        other.lease_until >= at,
    )
    return [or_(BackgroundJob.kind.not_in(serial), BackgroundJob.key == "", ~runs.exists())]


def _batch(rows: Sequence[BackgroundJob]) -> list[BackgroundJob]:
    """The first job alone, or with the quick ones that follow it when it is quick itself."""
    out: list[BackgroundJob] = []
    for row in rows:
        quick = KINDS[row.kind].quick
        if out and not quick:
            break
        out.append(row)
        if not quick:
            break
    return out


def begin_job(database: Database, worker: str, job: Taken, done: Sequence[str] = ()) -> bool:
    """Count an attempt, and mark the jobs before it in the batch as done: a kill costs one job one attempt.

    False when another worker has the job by now.
    """
    with system_scope("begin a job"), database.write() as db:
        _finish(db, worker, done)
        held = db.execute(
            update(BackgroundJob)
            .where(BackgroundJob.id == job.id, BackgroundJob.leased_by == worker, BackgroundJob.state == "running")
            .values(attempts=job.attempts)
            .execution_options(synchronize_session=False)
        )
        return bool(getattr(held, "rowcount", 0))


def extend_lease(database: Database, worker: str, ids: Sequence[str], seconds: int) -> None:
    """Hold jobs longer; nothing happens for those that another worker has by now."""
    with system_scope("hold the lease of jobs"), database.write() as db:
        db.execute(
            update(BackgroundJob)
            .where(BackgroundJob.id.in_(ids), BackgroundJob.leased_by == worker)
            .values(lease_until=now() + timedelta(seconds=seconds))
        )


def finish_jobs(database: Database, worker: str, ids: Sequence[str]) -> None:
    """Mark jobs as done."""
    if ids:
        with system_scope("finish jobs"), database.write() as db:
            _finish(db, worker, ids)


def _finish(db: TenantSession, worker: str, ids: Sequence[str]) -> None:
    if ids:
        db.execute(
            update(BackgroundJob)
            .where(BackgroundJob.id.in_(ids), BackgroundJob.leased_by == worker)
            .values(state="done", finished_at=now(), lease_until=None, error="")
            .execution_options(synchronize_session=False)
        )


def is_last(job: Taken) -> bool:
    """Whether a job that fails now is not tried again."""
    return job.attempts >= job.kind.attempts


def fail_job(database: Database, worker: str, job: Taken, error: str) -> bool:
    """Give a failed job back for another attempt, later each time; after the last it stays `failed`. Returns which."""
    last = is_last(job)
    delay = BACK_OFF[min(job.attempts, len(BACK_OFF)) - 1]
    with system_scope("give a job back"), database.write() as db:
        db.execute(
            update(BackgroundJob)
            .where(BackgroundJob.id == job.id, BackgroundJob.leased_by == worker)
            .values(
                state="failed" if last else "queued",
                error=error[:500],
                run_at=now() + timedelta(seconds=delay),
                lease_until=None,
                finished_at=now() if last else None,
            )
        )
    return last


def postpone_job(database: Database, worker: str, job: Taken, error: str, seconds: float) -> None:
    """Give a job back that could not be begun, for lack of a part that comes back; this was no attempt."""
    with system_scope("give a job back"), database.write() as db:
        db.execute(
            update(BackgroundJob)
            .where(BackgroundJob.id == job.id, BackgroundJob.leased_by == worker)
            .values(
                state="queued",
                error=error[:500],
                attempts=max(0, job.attempts - 1),
                run_at=now() + timedelta(seconds=seconds),
                lease_until=None,
            )
        )


def waiting_behind(database: Database, ids: Sequence[str]) -> list[str]:
    """The due jobs that have the key of one of these."""
    ended = aliased(BackgroundJob)
    same = (
        ended.kind == BackgroundJob.kind,
        ended.tenant_id == BackgroundJob.tenant_id,
        ended.key == BackgroundJob.key,
    )
    with system_scope("ring what waited for a job"), database.read() as db:
        found = select(BackgroundJob.id).join(ended, and_(*same)).where(ended.id.in_(ids), BackgroundJob.key != "")
        return list(db.scalars(found.where(BackgroundJob.state == "queued", BackgroundJob.run_at <= now()).distinct()))


def next_due(database: Database) -> datetime | None:
    """When the next job is due, or its lease ends; None when there is nothing to wait for."""
    when = case((BackgroundJob.state == "queued", BackgroundJob.run_at), else_=BackgroundJob.lease_until)
    with system_scope("see when a job is due"), database.read() as db:
        return db.scalar(select(when).where(BackgroundJob.state.in_(("queued", "running"))).order_by(when).limit(1))


def due_ids(database: Database, limit: int = 1000) -> list[str]:
    """The ids of due jobs, for the queue to be rung again."""
    with system_scope("ring due jobs again"), database.read() as db:
        return list(db.scalars(select(BackgroundJob.id).where(_due()).order_by(BackgroundJob.priority).limit(limit)))
