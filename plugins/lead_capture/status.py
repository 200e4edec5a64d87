"""Where data of leads goes, whether settings make sense, and what has to be repaired."""

from __future__ import annotations

from sqlalchemy import func, select

from webchatagent.core.api import Alert, Disclosure, Problem, Tenant

from .config import Config
from .models import Delivery
from .words import LANGUAGES, say


def problems(config: Config) -> list[Problem]:
    """What is wrong; nothing is called, for a test message would look like a lead."""
    if config.webhook_url and len(config.webhook_secret.get_secret_value()) < 16:
        return [Problem("The messages to your service need a secret.", "webhook_secret", "enter 16 signs or more")]
    return []


def disclosures(tenant: Tenant) -> list[Disclosure]:
    """The leads here; the tenant's own service and mailbox are the tenant."""
    config = tenant.config(Config)
    found = [Disclosure("lead_capture.lead", ("contact", "messages", "time"), "leads", "contract", config.keep_days)]
    if config.marketing:
        told = Disclosure("lead_capture.marketing", ("contact",), "offers", "consent", config.keep_days)
        found.append(told)
    return found


def alerts(tenant: Tenant) -> list[Alert]:
    """How many messages the tenant's own service did not take."""
    with tenant.read() as db:
        count = db.scalar(select(func.count(Delivery.id)).where(Delivery.state == "failed")) or 0
    return [Alert({spoken: say("alert_failed", spoken, count=count) for spoken in LANGUAGES})] if count else []
