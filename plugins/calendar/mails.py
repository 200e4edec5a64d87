"""Mails about appointments, each with the link by which its reader can move or cancel it."""

from __future__ import annotations

from urllib.parse import urlsplit

from webchatagent.core.api import Tenant, TenantSession, public_address, put_mail

from .config import Config
from .ics import write_ics
from .models import Appointment
from .words import said, say

PLACE = "calendar-link"


def token_of(tenant: Tenant, row: Appointment) -> str:
    """What proves that somebody got the mail: the appointment's id with a keyed digest."""
    return f"{row.public_id}.{tenant.platform.secret_box.digest(f'{tenant.id}|{row.public_id}', PLACE)}"


def id_of(tenant: Tenant, token: str) -> str:
    """The appointment that a token of this tenant opens; nothing for any other text."""
    public_id, _, digest = token.partition(".")
    sound = tenant.platform.secret_box.matches(f"{tenant.id}|{public_id}", digest, PLACE)
    return public_id if sound else ""


def address(tenant: Tenant, path: str) -> str:
    """An address of this plugin, as mails carry it."""
    return public_address(tenant, f"/x/calendar/{tenant.slug}/{path}")


def title_of(tenant: Tenant, language: str) -> str:
    """What an appointment is called."""
    return tenant.config(Config).title or say("appointment", language)


def tell(db: TenantSession, tenant: Tenant, kind: str, row: Appointment) -> list[str]:
    """Write the mails of an event in the caller's transaction; returns the jobs to ring.

    `kind` is booked, moved, cancelled or reminder. A restricted person gets none.
    """
    ring: list[str] = []
    notify = tenant.config(Config).notify
    if row.email and not row.restricted:
        ring += _mail(db, tenant, kind, row, row.email, row.language)
    if notify and notify != row.email and kind != "reminder":
        ring += _mail(db, tenant, kind, row, notify, tenant.locale)
    return ring


def _mail(db: TenantSession, tenant: Tenant, kind: str, row: Appointment, recipient: str, language: str) -> list[str]:
    values = {
        "name": row.name or row.email,
        "title": title_of(tenant, language),
        "when": said(row.starts_at, row.zone, language),
        "minutes": int((row.ends_at - row.starts_at).total_seconds() // 60),
        "link": address(tenant, f"appointment/{token_of(tenant, row)}"),
        "tenant": tenant.name,
    }
    subject = " ".join(say(f"mail_{kind}_subject", language, **values).split())
    body = say(f"mail_{kind}_body", language, **values)
    file = write_ics([row], title_of(tenant, language), host_of(tenant))
    return put_mail(db, tenant, f"calendar_{kind}", recipient, subject, body, calendar=file)


def host_of(tenant: Tenant) -> str:
    """What stands behind the ids of events: the same in mails and in files, so that a later one replaces the first."""
    return urlsplit(tenant.platform.settings.public_url).hostname or "localhost"
