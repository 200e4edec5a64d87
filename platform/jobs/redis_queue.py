"""RQ on Redis: rings and runs the ledger. The queue holds ids only; when it is flushed, the ledger still knows.

A job on the queue is a bell: who hears it takes what is due in that queue, in the ledger's fair order.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Sequence

import redis
from rq import Queue, get_current_job
from rq.exceptions import DuplicateJobError
from sqlalchemy.exc import SQLAlchemyError

from ..core.jobs import QUEUES
from ..core.settings import load_settings
from ..core.tenants import Platform
from ..redis_client import connect
from . import ledger
from .worker import Worker

log = logging.getLogger(__name__)
PREFIX = "webchatagent-"
FAILURE_SECONDS = 60
TIMEOUT_SECONDS = 6 * 3600  # a large website takes its time; a dead worker is noticed by its lease
BELLS = 16
"""So many bells wake as many workers at most; each goes on while something is due."""
SLICE_SECONDS = 10.0
"""So long a bell keeps a worker at one queue, before the others have their turn."""
_platforms: dict[str, Platform] = {}
_notes: list[Callable[[str], None]] = []


def make_queue(name: str, connection: redis.Redis) -> Queue:
    """The queue of RQ for one of `QUEUES`."""
    return Queue(PREFIX + name, connection=connection, serializer="json")


def make_ring(platform: Platform) -> Callable[[Sequence[str]], None]:
    """A function that rings for jobs. When Redis does not answer it says so in the log and goes on."""
    client = connect(platform.settings.redis_url)
    queues = {name: make_queue(name, client) for name in QUEUES}

    def ring(ids: Sequence[str]) -> None:
        if not ids:
            return
        try:
            found = ledger.queues_of(platform.database, list(ids)[:1000])
        except SQLAlchemyError:  # the jobs are stored; they are rung again
            log.warning("the kinds of new jobs cannot be read; they will be rung again")
            return
        for name, own in found.items():
            if not _ring(queues[name], own[:BELLS]):
                return

    return ring


def _ring(queue: Queue, ids: Sequence[str]) -> bool:
    """Put bells on a queue; one that waits there already is not put twice. False when Redis does not answer."""
    for job_id in ids:
        try:
            queue.enqueue(
                "webchatagent.jobs.redis_queue.run_ledgered",
                job_id,
                job_id=job_id,
                unique=True,
                result_ttl=0,
                failure_ttl=FAILURE_SECONDS,
                job_timeout=TIMEOUT_SECONDS,
            )
        except DuplicateJobError:
            continue
        except (redis.RedisError, OSError):
            log.warning("redis does not answer; the jobs are in the ledger and will be rung again")
            return False
    return True


def run_ledgered(job_id: str) -> str:
    """What RQ runs: jobs of the queue that was rung, until nothing is due there or others must have their turn."""
    platform = _platform()
    bell = get_current_job()
    names = [name for name in QUEUES if bell is not None and bell.origin == PREFIX + name] or list(QUEUES)
    worker = Worker(platform, queues=names, **({"note": _notes[0]} if _notes else {}))
    end, batches = time.monotonic() + SLICE_SECONDS, 0
    while worker.run_due():
        batches += 1
        if time.monotonic() >= end:
            reconcile(platform, names)
            break
    return f"{batches} batches" if batches else "nothing to do"


def _platform() -> Platform:
    """This process's platform; RQ forks for each bell, so it is built before the fork and inherited."""
    if "it" not in _platforms:
        from ..app import build_platform, guard_egress

        inherit(build_platform(load_settings()))
        guard_egress(_platforms["it"])
    return _platforms["it"]


def inherit(platform: Platform, note: Callable[[str], None] | None = None) -> None:
    """Let bells run on this platform, also in forked processes; `note` is told which job is in hand."""
    _platforms["it"] = platform
    platform.ring = make_ring(platform)
    _notes[:] = [note] if note else []


def reconcile(platform: Platform, names: Sequence[str] = QUEUES) -> int:
    """Ring for what is due and has no bell: what a flush or a crash of Redis forgot. Returns how many jobs are due.

    A bell of a worker that died is not waited for: those that are put here have names of their own.
    """
    client, total = connect(platform.settings.redis_url), 0
    for name in names:
        ids = ledger.due_ids(platform.database, queues=(name,))
        total += len(ids)
        if not ids:
            continue
        queue = make_queue(name, client)
        try:
            missing = min(len(ids), BELLS) - queue.count
        except (redis.RedisError, OSError):
            log.warning("redis does not answer; %d jobs wait in the ledger", total)
            break
        if missing > 0 and not _ring(queue, [f"{job_id}-{uuid.uuid4().hex[:8]}" for job_id in ids[:missing]]):
            break
    client.close()
    return total
