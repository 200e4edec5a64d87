"""What somebody of the tenant has to repair."""

from __future__ import annotations

from sqlalchemy import func, select

from webchatagent.core.api import Alert, Tenant

from .models import Subscriber
from .words import LANGUAGES, say


def alerts(tenant: Tenant) -> list[Alert]:
    """How many addresses Mailchimp did not take."""
    with tenant.read() as db:
        count = db.scalar(select(func.count(Subscriber.id)).where(Subscriber.trouble != "")) or 0
    return [Alert({spoken: say("alert_trouble", spoken, count=count) for spoken in LANGUAGES})] if count else []
