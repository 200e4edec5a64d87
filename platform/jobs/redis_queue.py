"""RQ on Redis: rings and runs the ledger. The queue holds ids only; when it is flushed, the ledger still knows."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq import Queue
from rq import Worker as RqWorker
from rq.exceptions import DuplicateJobError

from ..core.settings import Settings, load_settings
from ..core.tenants import Platform
from . import ledger
from .worker import Worker
from .workers import release_dead

log = logging.getLogger(__name__)
QUEUE = "webchatagent"
FAILURE_SECONDS = 60
TIMEOUT_SECONDS = 6 * 3600  # a large website takes its time; a dead worker is noticed by its lease
SOON_NOTICED: dict[str, Any] = {"worker_ttl": 30, "maintenance_interval": 10, "job_monitoring_interval": 5}
"""RQ would notice the end of another worker after minutes; measured with these: 76 s."""
_platforms: dict[str, Platform] = {}


def connect(settings: Settings) -> redis.Redis:
    """A client that gives up fast: ringing is never worth waiting for."""
    client: redis.Redis = redis.Redis.from_url(
        settings.redis_url, socket_connect_timeout=0.3, socket_timeout=0.3, retry=Retry(NoBackoff(), 0)
    )  # its default retries for most of a minute
    return client


def make_ring(settings: Settings) -> Callable[[Sequence[str]], None]:
    """A function that puts job ids on the queue. When Redis does not answer it says so in the log and goes on."""
    queue = Queue(QUEUE, connection=connect(settings), serializer="json")

    def ring(ids: Sequence[str]) -> None:
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
            except redis.RedisError:
                log.warning("redis does not answer; the jobs are in the ledger and will be rung again")
                return

    return ring


def run_ledgered(job_id: str) -> str:
    """What RQ runs: the one job of the ledger, if it is due and nobody else has it."""
    ran = Worker(_platform()).run_due([job_id])
    return "run" if ran else "nothing to do"


def _platform() -> Platform:
    """This process's platform; RQ forks for each job, so it is built before the fork and inherited."""
    if "it" not in _platforms:
        from ..app import build_platform, guard_egress

        settings = load_settings()
        _platforms["it"] = platform = build_platform(settings)
        platform.ring = make_ring(settings)
        guard_egress(platform)
    return _platforms["it"]


def reconcile(platform: Platform) -> int:
    """Ring every due job again: what a flush or a crash of Redis forgot. Returns how many."""
    ids = ledger.due_ids(platform.database)
    make_ring(platform.settings)(ids)
    return len(ids)


def work(platform: Platform, *, burst: bool = False, **options: Any) -> None:
    """Run an RQ worker in this process until it is stopped; with `burst`, until the queue is empty."""
    _platforms["it"] = platform
    platform.ring = make_ring(platform.settings)
    connection: redis.Redis = redis.Redis.from_url(
        platform.settings.redis_url
    )  # a worker waits, and may wait for Redis
    release_dead(platform.database)
    reconcile(platform)
    platform.database.close()  # a connection must not be shared with the forked job
    platform.chunks.close()
    RqWorker(
        [Queue(QUEUE, connection=connection, serializer="json")],
        connection=connection,
        serializer="json",
        **SOON_NOTICED,
    ).work(burst=burst, logging_level="WARNING", **options)
