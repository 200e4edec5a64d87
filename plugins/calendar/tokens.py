"""Access tokens: kept sealed, and made anew by one at a time, however many need one."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

from sqlalchemy import or_, select, update

from webchatagent.core.api import LoginFailed, Tenant, ToolFailed, audit_record, now

from .client import TokenRefused, ask_token
from .config import Config
from .models import GoogleLink

EARLY = timedelta(seconds=60)
"""A token is replaced this long before it ends."""
PATIENCE = timedelta(seconds=20)
_pause = threading.Event()


def seal(tenant: Tenant, name: str, token: str) -> str:
    """A token as it is stored."""
    return tenant.platform.secret_box.seal(token, f"{tenant.id}|calendar|{name}")


def unseal(tenant: Tenant, name: str, token: str) -> str:
    """A stored token as Google knows it."""
    return tenant.platform.secret_box.open(token, f"{tenant.id}|calendar|{name}")


def access_token(tenant: Tenant, link_id: int) -> str:
    """A token that is good for another minute at least. Raises ToolFailed."""
    row = _row(tenant, link_id)
    if row.access_token and row.access_until and row.access_until > now() + EARLY:
        return unseal(tenant, "access", row.access_token)
    return new_access_token(tenant, link_id)


def new_access_token(tenant: Tenant, link_id: int, instead_of: str = "") -> str:
    """A new token, asked for by one of all who need it; the others wait for theirs. Raises ToolFailed."""
    end = now() + PATIENCE
    while now() < end:
        row = _row(tenant, link_id)
        if row.access_token and row.access_until and row.access_until > now() + EARLY:
            token = unseal(tenant, "access", row.access_token)
            if token != instead_of:
                return token
        if _take(tenant, link_id, row.access_until):
            return _refresh(tenant, row)
        _pause.wait(0.1)
    raise ToolFailed("Google does not answer.")


def _row(tenant: Tenant, link_id: int) -> GoogleLink:
    with tenant.read() as db:
        row: GoogleLink | None = db.get(GoogleLink, link_id)
    if row is None or row.state != "connected":
        raise ToolFailed("Google Calendar is not connected.")
    return row


def _take(tenant: Tenant, link_id: int, seen: datetime | None) -> bool:
    """Whether it is ours to refresh; not when somebody did it since we looked."""
    free = or_(GoogleLink.refreshing_until.is_(None), GoogleLink.refreshing_until < now())
    same = GoogleLink.access_until.is_(None) if seen is None else GoogleLink.access_until == seen
    with tenant.write() as db:
        taken = db.execute(
            update(GoogleLink)
            .where(GoogleLink.id == link_id, free, same)
            .values(refreshing_until=now() + PATIENCE)
            .execution_options(synchronize_session=False)
        )
    return bool(getattr(taken, "rowcount", 0))


def _refresh(tenant: Tenant, row: GoogleLink) -> str:
    values: dict[str, object] = {"refreshing_until": None}
    try:
        found = ask_token(
            tenant.config(Config),
            grant_type="refresh_token",
            refresh_token=unseal(tenant, "refresh", row.refresh_token),
        )
        values["access_token"] = seal(tenant, "access", str(found["access_token"]))
        values["access_until"] = now() + timedelta(seconds=int(found.get("expires_in") or 3600))
        if isinstance(found.get("refresh_token"), str):  # Google keeps it; others give a new one
            values["refresh_token"] = seal(tenant, "refresh", found["refresh_token"])
        return str(found["access_token"])
    except TokenRefused:
        mark_broken(tenant, row.id)
        raise
    except LoginFailed as error:
        raise ToolFailed("Google does not answer.") from error
    finally:
        with tenant.write() as db:
            change = update(GoogleLink).where(GoogleLink.id == row.id).values(**values)
            db.execute(change.execution_options(synchronize_session=False))


def mark_broken(tenant: Tenant, link_id: int) -> None:
    """Google does not take the connection any more: it is not tried again until somebody connects anew."""
    with tenant.write() as db:
        row = db.scalar(select(GoogleLink).where(GoogleLink.id == link_id))
        if row is not None and row.state != "broken":
            row.state, row.access_token, row.access_until = "broken", "", None
            audit_record(db, "system", "calendar.broken", row.account_id)
