"""Jobs of plugins: declared, written to the same ledger, run by the same workers."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from . import jobs
from .clock import now
from .db.records import BackgroundJob
from .egress import calling
from .jobs import KINDS, JobKind
from .tenancy import TenantSession

if TYPE_CHECKING:
    from .tenants import Platform, Tenant

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PluginJob:
    """Work that is done later; in the ledger its kind is `<plugin>.<name>`.

    `run(tenant, **arguments)` gets ids and never content; it must be safe to repeat, since a killed worker leaves it
    half done. It is tried `attempts` times; `gave_up(tenant, **arguments)` is told when it failed for the last time.
    With `every_seconds` it is also started by the clock, without arguments, for each tenant that has the plugin on.
    A plugin that is off runs none of its jobs, except those with `even_off`, such as taking a permission back.
    With `serial`, jobs of one key run one after another, whatever the number of workers.
    """

    name: str
    run: Callable[..., Any] = field(repr=False)
    title: Mapping[str, str] = field(default_factory=dict)
    priority: int = 5
    lease_seconds: int = 120
    attempts: int = 3
    every_seconds: int = 0
    even_off: bool = False
    serial: bool = False
    gave_up: Callable[..., Any] | None = field(default=None, repr=False)


def plugin_jobs(platform: Platform) -> Mapping[str, tuple[str, PluginJob]]:
    """The jobs of all installed plugins by their kind: `(plugin, job)`."""
    found = platform.registry.platform.each("jobs")
    return {f"{plugin}.{job.name}": (plugin, job) for plugin, job in found}


def know_kinds(platform: Platform) -> None:
    """Let the ledger take the jobs of the installed plugins."""
    for kind, (_, job) in plugin_jobs(platform).items():
        KINDS[kind] = JobKind(
            kind, job.priority, job.lease_seconds, job.attempts, quick=False, serial=job.serial, title=job.title
        )


def start_job(db: TenantSession, kind: str, key: str = "", *, delay: float = 0.0, **arguments: Any) -> list[str]:
    """Add a plugin's job `<plugin>.<name>` to a transaction; returns the ids to ring after the commit.

    With a `key` (unique in the tenant), one that is still queued is enough. Raises LookupError for an unknown kind.
    """
    return [jobs.add_job(db, KINDS[kind], key, delay=delay, **arguments)]


def run_plugin_job(tenant: Tenant, kind: str, arguments: dict[str, Any]) -> None:
    """Run one; nothing happens when its plugin is gone, or off for the tenant. Raises what it raises."""
    plugin, job = plugin_jobs(tenant.platform).get(kind, ("", None))
    if job is None or not (job.even_off or plugin in tenant.enabled):
        log.info("the job %s is left: its plugin is off", kind)
        return
    with calling(plugin, tenant):
        job.run(tenant, **arguments)


def plugin_job_gave_up(tenant: Tenant, kind: str, arguments: dict[str, Any]) -> None:
    """Tell a plugin that its job failed for the last time."""
    plugin, job = plugin_jobs(tenant.platform).get(kind, ("", None))
    if job is not None and job.gave_up is not None:
        with calling(plugin, tenant):
            job.gave_up(tenant, **arguments)


def start_regular_jobs(tenant: Tenant) -> None:
    """Start what is due by the clock, once in each of its periods."""
    if tenant.erase_at is not None:  # closed
        return
    at = int(now().timestamp())
    due = {
        f"{kind}:{at // job.every_seconds}": kind
        for kind, (plugin, job) in plugin_jobs(tenant.platform).items()
        if job.every_seconds > 0 and plugin in tenant.enabled
    }
    if not due:
        return
    with tenant.write() as db:
        begun = set(db.scalars(select(BackgroundJob.key).where(BackgroundJob.key.in_(due))))
        ids = [i for key, kind in due.items() if key not in begun for i in start_job(db, kind, key)]
    tenant.platform.ring(ids)
