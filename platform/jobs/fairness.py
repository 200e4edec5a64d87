"""Whose job is next: urgency first, then the tenant that had its turn longest ago.

A tenant with a thousand documents delays another tenant's one by a batch, not by a thousand.
"""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import chain, groupby, zip_longest

from sqlalchemy import ColumnElement, func, select

from ..core.clock import now
from ..core.db.records import BackgroundJob
from ..core.db.tenants import TenantRow
from ..core.jobs import KINDS
from ..core.tenancy import TenantSession

NEVER = datetime(1970, 1, 1, tzinfo=UTC)


def fair_batch(db: TenantSession, due: ColumnElement[bool], size: int) -> list[BackgroundJob]:
    """The job that is next, alone when it takes long; else with quick ones that follow it, `size` in all.

    One that was begun before and came to no end is alone too: it may take its process along.
    """
    groups = db.execute(
        select(BackgroundJob.priority, BackgroundJob.tenant_id, func.min(BackgroundJob.run_at))
        .where(due)
        .group_by(BackgroundJob.priority, BackgroundJob.tenant_id)
        .order_by(BackgroundJob.priority)
    ).all()
    batch: list[BackgroundJob] = []
    for priority, members in groupby(groups, key=lambda group: group[0]):
        waiting = {tenant: since for _, tenant, since in members}
        for row in _of_priority(db, due, priority, waiting, size):
            alone = not KINDS[row.kind].quick or row.attempts > 0
            if not alone or not batch:
                batch.append(row)
            if alone or len(batch) == size:
                return batch
    return batch


def _of_priority(
    db: TenantSession, due: ColumnElement[bool], priority: int, waiting: dict[int, datetime], size: int
) -> list[BackgroundJob]:
    """Jobs of one urgency, one of each tenant after another; `waiting` says since when each tenant has one."""
    tenants = _in_turn(db, waiting)[:size] if len(waiting) > 1 else list(waiting)
    share = -(-size // len(tenants))
    query = select(BackgroundJob).where(due, BackgroundJob.priority == priority).order_by(BackgroundJob.run_at)
    own = [
        list(db.scalars(query.where(BackgroundJob.tenant_id == t).limit(share).with_for_update(skip_locked=True)))
        for t in tenants
    ]
    return [row for row in chain.from_iterable(zip_longest(*own)) if row is not None]


def _in_turn(db: TenantSession, waiting: dict[int, datetime]) -> list[int]:
    """Tenants in their order: few running jobs first, then who was served longest ago, then who waits longest."""
    running = dict(
        db.execute(
            select(BackgroundJob.tenant_id, func.count())
            .where(BackgroundJob.state == "running", BackgroundJob.lease_until >= now())
            .group_by(BackgroundJob.tenant_id)
        ).all()
    )
    last = (
        select(func.max(BackgroundJob.finished_at))
        .where(BackgroundJob.tenant_id == TenantRow.id)
        .scalar_subquery()  # for each tenant by the index, whatever else is kept
    )
    served = dict(db.execute(select(TenantRow.id, last).where(TenantRow.id.in_(waiting))).all())
    return sorted(waiting, key=lambda t: (running.get(t, 0), served.get(t) or NEVER, waiting[t]))
