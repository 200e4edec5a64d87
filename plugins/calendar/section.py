"""What the model is told of appointments: the local date and the hours, and never what is free."""

from __future__ import annotations

from webchatagent.core.api import Tenant, now

from .booking import calendar_of
from .config import DAYS, Config
from .mails import title_of
from .words import said, say


def section(tenant: Tenant) -> str:
    """The local time and the hours."""
    config = tenant.config(Config)
    _, zone, _ = calendar_of(tenant)
    hours = "; ".join(f"{day.capitalize()} {getattr(config, day) or 'closed'}" for day in DAYS)
    return say(
        "section", "en", title=title_of(tenant, "en"), minutes=config.duration, now=said(now(), zone, "en"), hours=hours
    )
