"""Prometheus metrics: turns, times, requests, jobs. No label names a tenant, a bot or a person.

Several processes of one server count in files of one folder, so that each of them shows the sums of all.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from flask import Response, request
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest, multiprocess
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import func, select

from ..core import observing
from ..core.caps import LIVE
from ..core.clock import now
from ..core.db.chats import TurnRow
from ..core.db.records import BackgroundJob
from ..core.registry import Hooks
from ..core.tenancy import system_scope
from ..core.tenants import Platform
from ..core.turn import STALE_SECONDS

TYPE = "text/plain; version=0.0.4; charset=utf-8"
SECONDS = (0.02, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30)
REGISTRY = CollectorRegistry()
TURNS = Counter("webchatagent_turns", "Turns that ended, by outcome.", ["outcome"], registry=REGISTRY)
FIRST = Histogram(
    "webchatagent_first_word_seconds", "From the question to the first word.", buckets=SECONDS, registry=REGISTRY
)
WHOLE = Histogram("webchatagent_turn_seconds", "From the question to the end.", buckets=SECONDS, registry=REGISTRY)
TOKENS = Counter("webchatagent_tokens", "Tokens, to and from models.", ["way"], registry=REGISTRY)
REQUESTS = Counter("webchatagent_requests", "Requests, by route and status.", ["route", "status"], registry=REGISTRY)


def observe(outcome: observing.Outcome, record: Mapping[str, Any]) -> None:
    """Count a turn."""
    TURNS.labels(outcome).inc()
    if record["first_ms"] is not None:
        FIRST.observe(record["first_ms"] / 1000)
    WHOLE.observe(record["total_ms"] / 1000)
    for way in ("in", "out"):
        TOKENS.labels(way).inc(record[f"tokens_{way}"])


def count_request(response: Response) -> Response:
    """Count the present request."""
    REQUESTS.labels(str(request.url_rule) if request.url_rule else "-", f"{response.status_code // 100}xx").inc()
    return response


class _Stored(Collector):
    """What the database knows, for all processes and machines: running turns, jobs, how long the oldest waits."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def collect(self) -> Iterable[Any]:
        """The gauges of this moment."""
        with system_scope("count turns and jobs, for the operator"), self._platform.database.read() as db:
            fresh = TurnRow.updated_at > now() - timedelta(seconds=STALE_SECONDS)
            running = db.scalar(select(func.count(TurnRow.id)).where(TurnRow.state.in_(LIVE), fresh)) or 0
            states = db.execute(select(BackgroundJob.state, func.count()).group_by(BackgroundJob.state)).all()
            oldest = db.scalar(select(func.min(BackgroundJob.run_at)).where(BackgroundJob.state == "queued"))
        yield GaugeMetricFamily("webchatagent_turns_running", "Turns being answered.", value=running)
        jobs = GaugeMetricFamily("webchatagent_jobs", "Jobs, by state.", labels=["state"])
        for state, number in states:
            jobs.add_metric([state], number)
        yield jobs
        waits = max(0.0, (now() - oldest).total_seconds()) if oldest else 0.0
        yield GaugeMetricFamily("webchatagent_jobs_oldest_seconds", "How long the oldest due job waits.", value=waits)
        failures = CounterMetricFamily(
            "webchatagent_hook_failures", "Failures of plugins in this process.", labels=["plugin", "hook"]
        )
        for (plugin, hook), number in sorted(Hooks.failures.items()):
            failures.add_metric([plugin, hook], number)
        yield failures


def written(platform: Platform) -> bytes:
    """Everything, as Prometheus reads it."""
    if os.environ.get(observing.FOLDER):
        counted = CollectorRegistry()
        multiprocess.MultiProcessCollector(counted)  # type: ignore[no-untyped-call]
    else:
        counted = REGISTRY
    stored = CollectorRegistry()
    stored.register(_Stored(platform))
    return generate_latest(counted) + generate_latest(stored)
