"""Who holds a lease: names of workers that tell whether their process still lives."""

from __future__ import annotations

import uuid

from sqlalchemy import select, update

from ..core.alive import is_dead as is_dead
from ..core.alive import process_name
from ..core.clock import now
from ..core.db.database import Database
from ..core.db.records import BackgroundJob
from ..core.tenancy import system_scope


def worker_name() -> str:
    """`host:pid:start:random`, see `core.alive`."""
    return f"{process_name()}:{uuid.uuid4().hex[:8]}"


def release_dead(database: Database) -> int:
    """End the leases of workers that were killed here, so that their jobs run now and not when the lease ends."""
    with system_scope("release the jobs of killed workers"), database.write() as db:
        running = db.execute(select(BackgroundJob.id, BackgroundJob.leased_by).where(BackgroundJob.state == "running"))
        ids = [job for job, name in running if is_dead(name)]
        db.execute(update(BackgroundJob).where(BackgroundJob.id.in_(ids)).values(lease_until=now()))
    return len(ids)
