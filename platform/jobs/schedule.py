"""What happens by the clock: retention once a day, sources that wait, turns whose process is gone."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial

from sqlalchemy import select, update

from ..core import jobs
from ..core.clock import now
from ..core.closing import queue_erasures
from ..core.db.chats import TurnRow
from ..core.db.records import BackgroundJob
from ..core.embedding_switch import look_after_spaces
from ..core.errors import IndexUnavailable
from ..core.ingest import embed_missing
from ..core.plugin_jobs import start_regular_jobs
from ..core.reindexing import restore_lost
from ..core.retention import purge_links, sweep_blobs
from ..core.tenancy import system_scope
from ..core.tenants import Platform, Tenant, list_tenants
from ..core.turn import STALE_SECONDS
from .lead import Lead, make_lead
from .workers import release_dead

log = logging.getLogger(__name__)
TICK_SECONDS = 60.0
RING_SECONDS = 15.0


def tick(platform: Platform) -> None:
    """One round: cut stale turns, tidy, look after each tenant, free the jobs of killed workers, ring what is due.

    What fails is logged and keeps nothing else from being done.
    """
    _try(lambda: cut_stale_turns(platform))
    _try(lambda: purge_links(platform))
    _try(lambda: queue_erasures(platform))
    _try(platform.chunks.tidy)
    for tenant in list_tenants(platform):
        duties = (queue_purge, look_after_spaces, restore_lost, embed_missing, sweep_blobs, start_regular_jobs)
        for duty in duties:
            _try(partial(duty, tenant))
    ring_again(platform)


def _try(duty: Callable[[], object]) -> None:
    try:
        duty()
    except IndexUnavailable as error:
        log.warning("a duty of the schedule waits: %s", error)
    except Exception:  # one tenant's trouble, or a database that is away, must not end the clock of all
        log.exception("a duty of the schedule failed")


def queue_purge(tenant: Tenant) -> None:
    """Queue the purge of today, once."""
    with tenant.write() as db:
        key = f"purge:{now().date().isoformat()}"
        done = db.scalar(select(BackgroundJob.id).where(BackgroundJob.key == key))
        job = [] if done else [jobs.add_job(db, jobs.PURGE, key)]
    tenant.platform.ring(job)


def cut_stale_turns(platform: Platform) -> int:
    """Mark turns as cut that nobody writes to any more; returns how many."""
    limit = now() - timedelta(seconds=4 * STALE_SECONDS)
    with system_scope("cut turns of processes that are gone"), platform.database.write() as db:
        done = db.execute(
            update(TurnRow)
            .where(TurnRow.state.in_(("accepted", "streaming")), TurnRow.updated_at < limit)
            .values(state="cut")
        )
    return int(getattr(done, "rowcount", 0))


def ring_again(platform: Platform) -> None:
    """Free the jobs of killed workers of this machine, and ring what is due."""
    _try(lambda: release_dead(platform.database))
    if platform.settings.redis_url:
        from .redis_queue import reconcile

        _try(lambda: reconcile(platform))


def start_schedule(platform: Platform, stop: threading.Event) -> threading.Thread:
    """Run `tick` once a minute in a thread until `stop` is set, in the one process of the installation that leads.

    Between two of them what is due is rung again, so that a flushed queue and a killed worker cost seconds.
    """
    lead = make_lead(platform.database, platform.settings.folder)

    def run() -> None:
        due = 0.0
        while not stop.is_set():
            if _leads(lead):
                at = time.monotonic()
                if at >= due:
                    _try(lambda: tick(platform))
                    due = at + TICK_SECONDS
                else:
                    ring_again(platform)
            stop.wait(RING_SECONDS)
        lead.close()

    thread = threading.Thread(target=run, name="schedule", daemon=True)
    thread.start()
    return thread


def _leads(lead: Lead) -> bool:
    try:
        return lead.holds()
    except Exception:  # a full disk, say: the clock must not end for good
        log.exception("the lead of the clock cannot be had")
        return False
