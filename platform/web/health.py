"""Alive, ready, metrics."""

from __future__ import annotations

from flask import Blueprint, Response

from ..core.registry import Hooks
from ..doctor import look
from .chat import json_response
from .parts import parts

health = Blueprint("health", __name__)


@health.get("/healthz")
def healthz() -> Response:
    """The process answers."""
    return json_response({"status": "ok"})


@health.get("/readyz")
def readyz() -> Response:
    """All parts usable: one row each; 503 when one is down."""
    rows = look(parts().platform)
    down = any(r.state == "down" for r in rows)
    return json_response(
        {
            "status": "down" if down else "ok",
            "parts": [
                {"name": r.name, "state": r.state, "message": r.message, **({"cure": r.cure} if r.cure else {})}
                for r in rows
            ],
        },
        503 if down else 200,
    )


@health.get("/metrics")
def metrics() -> Response:
    """Prometheus text: turns in progress, failures of plugins."""
    lines = [
        "# HELP webchatagent_turns_running Turns being answered in this process.",
        "# TYPE webchatagent_turns_running gauge",
        f"webchatagent_turns_running {parts().runner.running}",
        "# HELP webchatagent_hook_failures_total Failures of plugins, by plugin and hook.",
        "# TYPE webchatagent_hook_failures_total counter",
    ]
    lines += [
        f'webchatagent_hook_failures_total{{plugin="{plugin}",hook="{hook}"}} {n}'
        for (plugin, hook), n in sorted(Hooks.failures.items())
    ]
    return Response("\n".join(lines) + "\n", headers={"Content-Type": "text/plain; version=0.0.4"})
