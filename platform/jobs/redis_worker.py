"""A worker process over Redis: hears bells, forks for each, and goes on from the ledger alone while Redis is away."""

from __future__ import annotations

import logging
import mmap
import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import redis
from rq import Worker as RqWorker
from rq.worker import DequeueStrategy
from rq.worker.base import StopRequested

from ..core.jobs import QUEUES
from ..core.tenants import Platform, load_tenant
from ..redis_client import connect, connect_patiently
from . import handlers, ledger
from .redis_queue import inherit, make_queue, reconcile
from .worker import Worker
from .workers import is_dead, release_dead

log = logging.getLogger(__name__)
SOON_NOTICED: dict[str, Any] = {"worker_ttl": 30, "maintenance_interval": 10, "job_monitoring_interval": 5}
"""RQ would notice the end of another worker after minutes."""
PAUSE_SECONDS = 2.0
"""Between two looks whether Redis is back."""
CRASHED = "The job ended its process. (see the log of the worker)"
ID_BYTES = 36


class _Hand:
    """Which job is in hand, in memory that a forked process shares with the one that forked it."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, ID_BYTES)

    def note(self, job_id: str) -> None:
        """Write it; "" for none."""
        self._memory[:] = job_id.encode("ascii")[:ID_BYTES].ljust(ID_BYTES, b"\0")

    def take(self) -> str:
        """Read it, and forget it."""
        found = bytes(self._memory).rstrip(b"\0").decode("ascii", "replace")
        self.note("")
        return found


class _Worker(RqWorker):
    """RQ's worker, which tells when a forked process died under a job, and gives up when Redis is away."""

    on_death: Callable[[], None] = staticmethod(lambda: None)
    told = False

    def handle_work_horse_killed(self, job: Any, retpid: Any, ret_val: Any, rusage: Any) -> None:
        """The process of a bell ended in the middle of something."""
        self.on_death()

    def handle_warm_shutdown_request(self) -> None:
        """It was told to stop, after the bell in hand."""
        self.told = True

    def heartbeat(self, *args: Any, **more: Any) -> None:
        """Say that this worker lives. Where Redis is away this ends the loop, and `RedisWorker` goes on without it."""
        try:
            super().heartbeat(*args, **more)
        except (redis.ConnectionError, redis.TimeoutError):
            if self.horse_pid:  # its process works on, and is waited for
                return
            raise StopRequested from None

    def maintain_heartbeats(self, *args: Any, **more: Any) -> None:
        """The same, while a forked process works."""
        try:
            super().maintain_heartbeats(*args, **more)
        except (redis.ConnectionError, redis.TimeoutError):
            log.warning("redis does not answer; the job in hand goes on")

    def subscribe(self) -> None:
        """Commands by way of Redis are not used: no thread, which a fork would not survive, and no second connection."""

    def unsubscribe(self) -> None:
        """See `subscribe`."""


class RedisWorker:
    """Runs until it is told to stop; `queues` are those of `QUEUES` that it works on."""

    def __init__(self, platform: Platform, queues: Sequence[str] = QUEUES) -> None:
        self._platform, self._names = platform, list(queues)
        self._hand, self._stop = _Hand(), threading.Event()
        inherit(platform, self._hand.note)

    def run(self, *, burst: bool = False) -> None:
        """With `burst`, until nothing waits in Redis."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stop.set())
        release_dead(self._platform.database)
        while not self._stop.is_set():
            if self._redis_answers():
                self._listen(burst)
                if burst:
                    return
            else:
                log.warning("redis does not answer; jobs are taken from the ledger meanwhile")
                self._go_on_alone()
                if burst:
                    return
                self._stop.wait(PAUSE_SECONDS)

    def _redis_answers(self) -> bool:
        try:
            with connect(self._platform.settings.redis_url) as client:
                return bool(client.ping())
        except (redis.RedisError, OSError):
            return False

    def _listen(self, burst: bool) -> None:
        """Hear bells until told to stop, or until Redis goes away."""
        connection = connect_patiently(self._platform.settings.redis_url)
        reconcile(self._platform, self._names)
        self._close()
        queues = [make_queue(name, connection) for name in self._names]
        worker = _Worker(queues, connection=connection, serializer="json", **SOON_NOTICED)
        worker.on_death = self._look_at_death
        before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            worker.work(burst=burst, logging_level="WARNING", dequeue_strategy=DequeueStrategy.ROUND_ROBIN)
        except (redis.RedisError, OSError) as error:  # its last words could not be said to Redis
            log.warning("the worker lost redis: %s", type(error).__name__)
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            connection.close()
        if worker.told:
            self._stop.set()

    def _go_on_alone(self) -> None:
        """Run what is due, in a forked process as ever: what takes its process along does not take this one."""
        self._close()
        child = os.fork()
        if child == 0:
            code = 1
            try:
                for number in (signal.SIGTERM, signal.SIGINT):
                    signal.signal(number, signal.SIG_IGN)
                worker = Worker(self._platform, queues=self._names, note=self._hand.note)
                end = time.monotonic() + PAUSE_SECONDS
                while worker.run_due() and time.monotonic() < end:
                    pass
                code = 0
            finally:
                os._exit(code)
        _, status = os.waitpid(child, 0)
        if status:
            self._look_at_death()

    def _look_at_death(self) -> None:
        """A process died: the job that it had in hand is to blame, and is given up after its last attempt."""
        database = self._platform.database
        try:
            job = ledger.crashed_job(database, self._hand.take())
            holder = ledger.holder_of(database, job.id) if job else ""
            if job and is_dead(holder):
                log.error("job %s (%s) ended its process, attempt %d", job.id, job.kind.name, job.attempts)
                if ledger.is_last(job):
                    handlers.gave_up(load_tenant(self._platform, tenant_id=job.tenant_id), job.kind.name, job.arguments)
                    ledger.fail_job(database, holder, job, CRASHED)
            release_dead(database)  # another attempt of it begins at once, alone in its batch
            reconcile(self._platform, self._names)
        except Exception:  # a database that is away: the lease ends by itself, and the worker must live on
            log.exception("what a process died of could not be stored")
        finally:
            self._close()

    def _close(self) -> None:
        """A connection must not be shared with a forked process."""
        self._platform.database.close()
        self._platform.chunks.close()


def work(platform: Platform, *, burst: bool = False, queues: Sequence[str] = ()) -> None:
    """Run a worker in this process until it is stopped; with `burst`, until nothing waits."""
    RedisWorker(platform, queues or QUEUES).run(burst=burst)
