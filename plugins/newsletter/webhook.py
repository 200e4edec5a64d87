"""What Mailchimp tells: that somebody left there. It never makes a subscriber.

The address of the web hook holds a secret of the tenant, and every message names the audience it is about.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from webchatagent.core.api import RouteRequest, RouteResponse, Tenant

from .config import Config
from .mails import address
from .models import Subscriber
from .signup import end_all

PLACE = "newsletter-webhook"
ENDS = {"unsubscribe": "mailchimp", "cleaned": "bounced", "upemail": "corrected"}
SKEW = timedelta(minutes=5)


def secret_of(tenant: Tenant) -> str:
    """What proves that a message comes from who was told the address."""
    return tenant.platform.secret_box.digest(str(tenant.id), PLACE)


def address_of(tenant: Tenant) -> str:
    """The address that Mailchimp is told."""
    return address(tenant, f"webhook/{secret_of(tenant)}")


def take(tenant: Tenant, request: RouteRequest) -> RouteResponse:
    """A message; Mailchimp asks by GET whether somebody is there. Twice the same is once."""
    if not tenant.platform.secret_box.matches(str(tenant.id), request.parts["secret"], PLACE):
        return RouteResponse("", 404)
    if request.method == "GET":
        return RouteResponse("ok", content_type="text/plain; charset=utf-8")
    sent, config = request.form(), tenant.config(Config)
    kind = sent.get("type", "")
    if kind in ENDS and sent.get("data[list_id]") == config.audience_id != "":
        email = (sent.get("data[old_email]") or sent.get("data[email]") or "").strip().lower()
        fired = _fired(sent.get("fired_at", ""))
        # One that is older than the reader's last word, such as a repeated one, does not undo it.
        newer = (Subscriber.confirmed_at.is_(None)) | (Subscriber.confirmed_at <= fired + SKEW)
        end_all(tenant, (Subscriber.email == email) & newer & (Subscriber.state == "confirmed"), ENDS[kind])
    return RouteResponse("ok", content_type="text/plain; charset=utf-8")


def _fired(text: str) -> datetime:
    """`2026-11-30 21:40:57`, in UTC; what cannot be read counts as now, for leaving must not fail."""
    try:
        return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        return datetime.max.replace(tzinfo=UTC) - SKEW * 2
