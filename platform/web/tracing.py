"""OpenTelemetry, as an option: a span for each request and each turn, sent to a collector. Never what was said.

Needs the extra `otel` and WEBCHATAGENT_OTLP_URL.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from flask import Flask, Response, g, request

from ..core import observing
from ..core.errors import WebChatAgentError

KEPT = ("provider", "model", "tokens_in", "tokens_out", "first_ms", "total_ms", "error")
"""What of a turn's record is told."""


def install(app: Flask, url: str) -> None:
    """Send spans to `url` (such as http://localhost:4318). Raises WebChatAgentError without the extra."""
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.trace import SpanKind
    except ImportError:
        raise WebChatAgentError(
            "OpenTelemetry is not installed.", "pip install 'webchatagent[otel]'", code="otel_missing"
        ) from None
    provider = TracerProvider(resource=Resource({"service.name": "webchatagent"}))
    exporter = OTLPSpanExporter(endpoint=f"{url.rstrip('/')}/v1/traces", timeout=5)
    provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=2000))
    tracer = provider.get_tracer("webchatagent")
    app.extensions["wca_tracing"] = provider

    def turn(outcome: observing.Outcome, record: Mapping[str, Any]) -> None:
        end = time.time_ns()
        span = tracer.start_span("turn", start_time=end - int(record["total_ms"] or 0) * 1_000_000)
        span.set_attribute("outcome", outcome)
        for name in KEPT:
            if record.get(name) not in (None, ""):
                span.set_attribute(name, record[name])
        span.end(end)

    def ended(response: Response) -> Response:
        end, took = time.time_ns(), time.perf_counter() - g.get("began", time.perf_counter())
        route = str(request.url_rule) if request.url_rule else "-"
        span = tracer.start_span(
            f"{request.method} {route}", kind=SpanKind.SERVER, start_time=end - int(took * 1_000_000_000)
        )
        span.set_attribute("http.route", route)
        span.set_attribute("http.request.method", request.method)
        span.set_attribute("http.response.status_code", response.status_code)
        span.end(end)
        return response

    observing.observers.append(turn)
    app.after_request(ended)
