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
from .fairness import fair_batch

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


def take_jobs(database: Database, worker: str, *, queues: Sequence[str] = ()) -> list[Taken]:
    """Take the most urgent due job, and as many quick ones behind it as make a batch; of some `queues` or of all.

    Due are queued jobs whose time has come, and running ones whose lease ran out: their worker is gone. Of jobs that are
    as urgent, those of the tenant come first for whom the fewest run, then of the one whose last job ended longest ago.
    """
    with system_scope("take due jobs of any tenant"), database.write() as db:
        taken = fair_batch(db, _due(queues), BATCH)
        for row in taken:
            row.state, row.leased_by = "running", worker
            row.lease_until = now() + timedelta(seconds=KINDS[row.kind].lease_seconds)
        return [Taken(r.id, r.tenant_id, KINDS[r.kind], dict(r.arguments or {}), r.attempts + 1) for r in taken]


def _due(queues: Sequence[str] = ()) -> ColumnElement[bool]:
    """Queued and its time has come, or running with a lease that ran out; of a kind that is known here."""
    at = now()
    return and_(
        BackgroundJob.kind.in_([name for name, kind in KINDS.items() if not queues or kind.queue in queues]),
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
    """Hold jobs longer; nothing happens for those that another worker has by now, or that have ended."""
    mine = (BackgroundJob.id.in_(ids), BackgroundJob.leased_by == worker, BackgroundJob.state == "running")
    with system_scope("hold the lease of jobs"), database.write() as db:
        db.execute(update(BackgroundJob).where(*mine).values(lease_until=now() + timedelta(seconds=seconds)))


def lost_jobs(database: Database, worker: str, ids: Sequence[str]) -> set[str]:
    """Those of `ids` that this worker has no more: they were cancelled, or another one took them."""
    with system_scope("see whether jobs are still held"), database.read() as db:
        held = db.scalars(select(BackgroundJob.id).where(BackgroundJob.id.in_(ids), BackgroundJob.leased_by == worker))
        return set(ids) - set(held)


def give_back(database: Database, worker: str, ids: Sequence[str]) -> None:
    """Queue jobs again that were taken and not begun."""
    mine = (BackgroundJob.id.in_(ids), BackgroundJob.leased_by == worker, BackgroundJob.state == "running")
    with system_scope("give jobs back"), database.write() as db:
        db.execute(update(BackgroundJob).where(*mine).values(state="queued", lease_until=None, leased_by=""))


def crashed_job(database: Database, job_id: str) -> Taken | None:
    """The job whose process ended under it, if it is still marked as running: it was begun, and `attempts` counts that."""
    with system_scope("see what a process died of"), database.read() as db:
        row = db.get(BackgroundJob, job_id)
        if row is None or row.state != "running" or row.kind not in KINDS:
            return None
        return Taken(row.id, row.tenant_id, KINDS[row.kind], dict(row.arguments or {}), row.attempts)


def holder_of(database: Database, job_id: str) -> str:
    """The worker that holds a job; empty for none."""
    with system_scope("see who holds a job"), database.read() as db:
        return db.scalar(select(BackgroundJob.leased_by).where(BackgroundJob.id == job_id)) or ""


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


def due_ids(database: Database, limit: int = 1000, *, queues: Sequence[str] = ()) -> list[str]:
    """The ids of due jobs, for the queue to be rung again."""
    query = select(BackgroundJob.id).where(_due(queues)).order_by(BackgroundJob.priority).limit(limit)
    with system_scope("ring due jobs again"), database.read() as db:
        return list(db.scalars(query))


def queues_of(database: Database, ids: Sequence[str]) -> dict[str, list[str]]:
    """Jobs by the queue that they belong to."""
    with system_scope("see the kinds of jobs"), database.read() as db:
        rows = db.execute(select(BackgroundJob.id, BackgroundJob.kind).where(BackgroundJob.id.in_(ids))).all()
    found: dict[str, list[str]] = {}
    for job_id, kind in rows:
        if kind in KINDS:
            found.setdefault(KINDS[kind].queue, []).append(job_id)
    return found
