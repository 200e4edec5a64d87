"""Stripe's web hook, at the operator's tenant: proven, kept once, and answered at once; the rest is a job's."""

from __future__ import annotations

import json
import time
from typing import Any

import stripe
from sqlalchemy.exc import IntegrityError

from webchatagent.core.api import Route, RouteRequest, RouteResponse, Tenant, insert_row, start_job

from .config import Config
from .models import StripeEvent

TOLERANCE = 300
"""Seconds that an event may be old, or ahead of our clock; Stripe signs each delivery anew."""


def proven(config: Config, request: RouteRequest, at: float) -> dict[str, Any] | None:
    """The event of a request whose signature over the raw bytes holds, and is of now; else None.

    Stripe's library takes signatures from the future; a leaked one must not wait for its hour.
    """
    secret, header = config.webhook_secret.get_secret_value(), request.headers.get("stripe-signature", "")
    if not secret:
        return None
    try:
        text = request.body.decode("utf-8")
        stripe.WebhookSignature.verify_header(text, header, secret, None)
        signed = int(dict(part.split("=", 1) for part in header.split(",") if "=" in part)["t"])
        event = json.loads(text)
    except (stripe.SignatureVerificationError, ValueError, KeyError, RecursionError):
        return None
    if abs(at - signed) > TOLERANCE or not isinstance(event, dict):
        return None
    return event


def take(operator: Tenant, request: RouteRequest) -> RouteResponse:
    """Keep an event; 400 for one that nobody signed, 200 for one that is known already."""
    config = operator.config(Config)
    event = proven(config, request, time.time())
    if event is None:
        return RouteResponse({"error": {"code": "signature_wrong", "message": "The signature is wrong."}}, 401)
    number, kind = str(event.get("id", "")), str(event.get("type", ""))
    live = config.secret_key.get_secret_value()[3:].startswith("live")
    if not number or len(number) > 80 or bool(event.get("livemode")) != live:
        return RouteResponse({"taken": False})
    ring: list[str] = []
    try:
        with operator.write() as db:
            customer = _customer(event)
            insert_row(db, StripeEvent, event_id=number, kind=kind[:80], customer_id=customer)
            if customer:
                ring = start_job(db, "stripe_billing.event", f"stripe:{customer}", customer=customer)
    except IntegrityError:  # it came before
        return RouteResponse({"taken": False})
    operator.platform.ring(ring)
    return RouteResponse({"taken": True})


def _customer(event: dict[str, Any]) -> str:
    """The id of the customer that an event is about; nothing for events about anything else."""
    data = event.get("data")
    thing = data.get("object") if isinstance(data, dict) else None
    if not isinstance(thing, dict):
        return ""
    found = thing.get("id") if thing.get("object") == "customer" else thing.get("customer")
    return found if isinstance(found, str) and found.startswith("cus_") and len(found) <= 80 else ""


ROUTES = [Route("webhook", take, ("POST",), max_body=1_000_000)]
