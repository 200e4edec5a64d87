"""What the tenant's people see of the connection."""

from __future__ import annotations

from webchatagent.core.api import Alert, Connection, Tenant

from .config import Config
from .google import link_of
from .words import table


def connections(tenant: Tenant) -> list[Connection]:
    """The Google account, while Google is chosen, or connected still."""
    if tenant.config(Config).provider != "google" and link_of(tenant) is None:
        return []
    from .connect import GoogleConnection

    return [GoogleConnection(tenant)]


def alerts(tenant: Tenant) -> list[Alert]:
    """What has to be done before appointments can be made."""
    if tenant.config(Config).provider != "google":
        return []
    link = link_of(tenant)
    if link is None:
        return [Alert(table()["alert_connect"])]
    if link.state == "broken":
        return [Alert(table()["alert_reconnect"])]
    return [] if link.calendar_id else [Alert(table()["alert_calendar"])]
