"""Who holds a lease: names of workers that tell whether their process still lives."""

from __future__ import annotations

import os
import socket
import uuid
from pathlib import Path

from sqlalchemy import select, update

from ..core.clock import now
from ..core.db.database import Database
from ..core.db.records import BackgroundJob
from ..core.tenancy import system_scope


def worker_name() -> str:
    """`host:pid:start:random`; the start time of the process tells a pid that was given out again."""
    return f"{socket.gethostname()[:24]}:{os.getpid()}:{_started(os.getpid())}:{uuid.uuid4().hex[:8]}"


def _started(pid: int) -> str:
    """The kernel's start time of a process, or `0` where the kernel does not tell."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()[19]
    except (OSError, IndexError):
        return "0"


def is_dead(name: str) -> bool:
    """Whether a worker of this machine is gone for certain; False for other machines and wherever in doubt."""
    host, pid, started, _ = (*name.split(":"), "", "", "", "")[:4]
    if host != socket.gethostname()[:24] or not pid.isdigit() or not Path("/proc/self/stat").exists():
        return False
    return _started(int(pid)) != started


def release_dead(database: Database) -> int:
    """End the leases of workers that were killed here, so that their jobs run now and not when the lease ends."""
    with system_scope("release the jobs of killed workers"), database.write() as db:
        running = db.execute(select(BackgroundJob.id, BackgroundJob.leased_by).where(BackgroundJob.state == "running"))
        ids = [job for job, name in running if is_dead(name)]
        db.execute(update(BackgroundJob).where(BackgroundJob.id.in_(ids)).values(lease_until=now()))
    return len(ids)
