"""The worker that drains the ledger: a thread of the server, of a command, or of an RQ worker."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence

from ..core import jobs
from ..core.errors import IndexUnavailable, WebChatAgentError
from ..core.tenants import Platform, Tenant, load_tenant
from . import handlers, ledger
from .ledger import Taken
from .workers import release_dead, worker_name

log = logging.getLogger(__name__)
BATCH_SECONDS = 1.0
"""What is left of a batch after so long may be run by others, and lets another tenant's job go first."""
LOOK_SECONDS = 2.0
"""How often a worker looks whether its job was cancelled."""
IDLE_SECONDS = 1.0
"""How long a worker sleeps when nothing is due: another process may have written a job without ringing this one."""


class Worker:
    """Takes jobs and runs them until it is stopped. `ring` wakes it.

    `queues` are those whose jobs it takes, all when empty. `note` is told which job is in hand, and "" when none is.
    """

    def __init__(
        self, platform: Platform, *, queues: Sequence[str] = (), note: Callable[[str], None] = lambda job_id: None
    ) -> None:
        self._platform = platform
        self._name = worker_name()
        self._rung = threading.Event()
        self._stopped = threading.Event()
        self._queues, self._note = queues, note

    def ring(self, ids: Sequence[str] = ()) -> None:
        """Say that jobs may be due."""
        self._rung.set()

    def stop(self) -> None:
        """Ask the worker to end after the job in hand."""
        self._stopped.set()
        self._rung.set()

    def run(self) -> None:
        """Drain the ledger until stopped."""
        released = False
        while not self._stopped.is_set():
            self._rung.clear()
            try:
                if not released:
                    release_dead(self._platform.database)
                    released = True
                busy = self.run_due()
            except Exception:  # a database that is away comes back; a worker that ended would not
                log.exception("the worker could not read the ledger")
                busy = False
            if not busy and not self._stopped.is_set():
                self._rung.wait(IDLE_SECONDS)

    def run_due(self) -> bool:
        """Take one batch and run it; False when nothing was due. What is left after a second is given back."""
        database = self._platform.database
        taken = ledger.take_jobs(database, self._name, queues=self._queues)
        if not taken:
            return False
        done: list[str] = []
        tenants: dict[int, Tenant] = {}
        began, left = time.monotonic(), list(taken)
        try:
            with _Lease(self._platform, self._name, taken) as lease:
                while left and (len(left) == len(taken) or time.monotonic() - began < BATCH_SECONDS):
                    job = left.pop(0)
                    held = ledger.begin_job(database, self._name, job, done)
                    done.clear()
                    self._note(job.id)
                    if held and self._run_one(job, tenants, lease):
                        done.append(job.id)
        finally:
            ledger.finish_jobs(database, self._name, done)
            self._note("")
            if left:
                ledger.give_back(database, self._name, [job.id for job in left])
            self._ring_next([job for job in taken if job.kind.serial])
        return True

    def _ring_next(self, ended: Sequence[Taken]) -> None:
        """Ring what waited for a serial job: whoever was rung for it meanwhile found nothing to do."""
        if ended:
            self._platform.ring(ledger.waiting_behind(self._platform.database, [job.id for job in ended]))

    def _run_one(self, job: Taken, tenants: dict[int, Tenant], lease: _Lease) -> bool:
        try:
            if job.tenant_id not in tenants:
                tenants[job.tenant_id] = load_tenant(self._platform, tenant_id=job.tenant_id)
            if job.attempts > ledger.CRASHES:
                raise RuntimeError("it ended its process again and again")
            tenant, arguments = tenants[job.tenant_id], job.arguments
            jobs.run_unless(lambda: job.id in lease.lost, lambda: handlers.run(tenant, job.kind.name, arguments))
        except jobs.JobCancelled:
            log.info("job %s (%s) was cancelled, or another worker has it", job.id, job.kind.name)
            return False
        except IndexUnavailable as error:
            log.warning("job %s (%s) waits: %s", job.id, job.kind.name, error)
            ledger.postpone_job(self._platform.database, self._name, job, str(error), error.retry_after or 5)
            return False
        except Exception as error:  # of a plugin or a parser: the job is tried again, the others go on
            shown = str(error) if isinstance(error, WebChatAgentError) else type(error).__name__
            log.exception("job %s (%s) failed", job.id, job.kind.name)
            if ledger.is_last(job):  # said before the job ends: killed in between, it is tried again
                handlers.gave_up(tenants.get(job.tenant_id), job.kind.name, job.arguments)
            ledger.fail_job(self._platform.database, self._name, job, shown)
            return False
        return True


class _Lease:
    """Holds the leases of jobs while they run, so that a long one is not taken twice; `lost` are those that are gone."""

    def __init__(self, platform: Platform, name: str, taken: Sequence[Taken]) -> None:
        self._platform, self._name, self._ids = platform, name, [t.id for t in taken]
        self._seconds = max(t.kind.lease_seconds for t in taken)
        self.lost: set[str] = set()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._hold, name="lease", daemon=True)

    def _hold(self) -> None:
        database, extended = self._platform.database, time.monotonic()
        while not self._over.wait(min(LOOK_SECONDS, self._seconds / 3)):
            try:
                self.lost = ledger.lost_jobs(database, self._name, self._ids)
                if time.monotonic() - extended >= self._seconds / 3:
                    ledger.extend_lease(database, self._name, self._ids, self._seconds)
                    extended = time.monotonic()
            except Exception:  # the next round is early enough
                log.exception("a lease could not be extended")

    def __enter__(self) -> _Lease:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()


def start_thread(worker: Worker) -> threading.Thread:
    """Run a worker in a native thread of this process."""
    thread = threading.Thread(target=worker.run, name="jobs", daemon=True)
    thread.start()
    return thread


def drain(platform: Platform, until: Callable[[], bool], threads: int = 2) -> None:
    """Work on the ledger with a few threads until `until()` says that it is enough; others may work beside."""
    workers = [Worker(platform) for _ in range(threads)]
    running = [start_thread(w) for w in workers]
    wait = threading.Event()
    try:
        while not until():
            wait.wait(0.05)
    finally:
        for worker in workers:
            worker.stop()
        for thread in running:
            thread.join(30)
