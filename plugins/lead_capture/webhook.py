"""Telling the tenant's own service: signed, tried again, and sent again by hand when somebody wants it.

`X-WebChatAgent-Signature: t=<seconds>,v1=<hex>` is the HMAC-SHA256 of `<seconds>.<body>` under the tenant's secret; the
receiver refuses what is older than five minutes, and drops a second `X-WebChatAgent-Delivery` of the same id.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import select

from webchatagent.core.api import (
    FetchFailed,
    FetchRefused,
    PluginJob,
    Tenant,
    Unavailable,
    make_fetcher,
    now,
    start_job,
)

from .config import Config
from .models import Delivery, Lead
from .words import texts

SECONDS = 10


def sign(secret: str, seconds: int, body: bytes) -> str:
    """The value of the signature's header."""
    digest = hmac.new(secret.encode(), f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={seconds},v1={digest}"


def jobs() -> list[PluginJob]:
    """What is done later."""
    return [PluginJob("deliver", deliver, texts.table["job_deliver"], attempts=8, gave_up=gave_up)]


def deliver(tenant: Tenant, delivery_id: int) -> None:
    """The job that tells of one lead. Raises Unavailable when the service does not take it; it is tried again."""
    config = tenant.config(Config)
    with tenant.read() as db:
        row = db.get(Delivery, delivery_id)
        lead = db.get(Lead, row.lead_id) if row is not None else None
    if row is None or lead is None or lead.restricted or row.state == "sent" or not config.webhook_url:
        return
    status = _post(config, row, json.dumps(_told(row, lead), ensure_ascii=False).encode())
    fine = 200 <= status < 300
    with tenant.write() as db:
        found = db.get(Delivery, delivery_id)
        if found is not None:
            found.answered, found.tries = status, found.tries + 1
            found.state, found.sent_at = ("sent", now()) if fine else (found.state, None)
    if not fine:
        raise Unavailable(f"The service that is told of leads does not take one (status {status}).", "see its log")


def _post(config: Config, row: Delivery, body: bytes) -> int:
    """The status that came back; 0 for none."""
    host, seconds = urlsplit(config.webhook_url).hostname, int(now().timestamp())
    headers = {
        "Content-Type": "application/json",
        "X-WebChatAgent-Event": row.event,
        "X-WebChatAgent-Delivery": row.public_id,
        "X-WebChatAgent-Signature": sign(config.webhook_secret.get_secret_value(), seconds, body),
    }
    fetcher = make_fetcher(deadline=SECONDS, max_bytes=100_000)
    try:
        return int(fetcher.send("POST", config.webhook_url, headers, body, lambda found: found == host).status)
    except (FetchFailed, FetchRefused):
        return 0


def _told(row: Delivery, lead: Lead) -> dict[str, Any]:
    return {
        "event": row.event,
        "delivery": row.public_id,
        "lead": {
            "id": lead.public_id,
            "state": lead.state,
            "name": lead.name,
            "email": lead.email,
            "phone": lead.phone,
            "company": lead.company,
            "message": lead.message,
            "answers": [{"question": q, "answer": a} for q, a in lead.answers],
            "marketing": lead.marketing,
            "language": lead.language,
            "channel": lead.channel,
            "created_at": lead.created_at.isoformat(),
        },
    }


def gave_up(tenant: Tenant, delivery_id: int) -> None:
    """It failed for the last time; somebody here reads that."""
    with tenant.write() as db:
        row = db.get(Delivery, delivery_id)
        if row is not None and row.state != "sent":
            row.state = "failed"


def send_again(tenant: Tenant, rows: list[Any]) -> None:
    """Tell of the chosen ones again, under the same ids."""
    ring: list[str] = []
    with tenant.write() as db:
        for row in list(db.scalars(select(Delivery).where(Delivery.id.in_([r.id for r in rows])))):
            row.state = "queued"
            ring += start_job(db, "lead_capture.deliver", f"lead_capture.deliver:{row.id}", delivery_id=row.id)
    tenant.platform.ring(ring)
