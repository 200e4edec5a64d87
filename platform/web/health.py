"""Alive, ready, metrics."""

from __future__ import annotations

from flask import Blueprint, Response

from ..doctor import look
from .chat import json_response
from .metrics import TYPE, written
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
    """Prometheus text: turns, times, requests, jobs, failures of plugins."""
    return Response(written(parts().platform), headers={"Content-Type": TYPE})
