"""The two mails of a subscription: the link to confirm it, and that it was confirmed."""

from __future__ import annotations

from webchatagent.core.api import Tenant, TenantSession, public_address, put_mail

from .models import Subscriber
from .words import say


def address(tenant: Tenant, path: str) -> str:
    """An address of this plugin, as mails carry it."""
    return public_address(tenant, f"/x/newsletter/{tenant.slug}/{path}")


def ask_to_confirm(db: TenantSession, tenant: Tenant, row: Subscriber, token: str) -> list[str]:
    """Mail the link that confirms, in the caller's transaction; returns the jobs to ring."""
    return _mail(db, tenant, "confirm", row, address(tenant, f"confirm/{token}"))


def welcome(db: TenantSession, tenant: Tenant, row: Subscriber) -> list[str]:
    """Mail that it was confirmed, with the link to unsubscribe."""
    return _mail(db, tenant, "welcome", row, "")


def leave_link(tenant: Tenant, public_id: str) -> str:
    """Where a reader unsubscribes, by hand or by their mail program."""
    from .signup import leave_token

    return address(tenant, f"unsubscribe/{leave_token(tenant, public_id)}")


def _mail(db: TenantSession, tenant: Tenant, kind: str, row: Subscriber, link: str) -> list[str]:
    leave = leave_link(tenant, row.public_id)
    values = {"tenant": " ".join(tenant.name.split()), "link": link, "unsubscribe": leave}
    subject = say(f"mail_{kind}_subject", row.language, **values)
    body = say(f"mail_{kind}_body", row.language, **values)
    return put_mail(db, tenant, f"newsletter_{kind}", row.email, subject, body, unsubscribe=leave)
