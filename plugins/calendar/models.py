"""Tables: appointments, which times a visitor was shown, and the connection to a Google account."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from webchatagent.core.api import NEVER_REUSED, Base, TenantOwned, new_uuid, now, own_key


def sealed_for(name: str) -> dict[str, Any]:
    """That a column holds a sealed token, and the place that it is sealed for; see `tokens.seal`."""
    return {"sealed": lambda row, path: f"{row.tenant_id}|calendar|{name}"}


class Appointment(TenantOwned, Base):
    """One appointment. `state` is held (being written at the provider), booked or cancelled.

    `zone` is the calendar's, and `when` begin and end on its clock, for the eye. `session_id` names the
    conversation it was booked in, and 0 the dashboard. `event_id` is ours at the provider. Name, address and note are
    emptied thirty days after the end.
    """

    __tablename__ = "calendar_appointment"
    __table_args__ = (
        own_key(),
        UniqueConstraint("tenant_id", "event_id"),
        Index("ix_calendar_appointment_time", "tenant_id", "starts_at"),
        NEVER_REUSED,
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(36), unique=True, default=new_uuid)
    provider: Mapped[str] = mapped_column(String(10), default="local")
    event_id: Mapped[str] = mapped_column(String(64))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    zone: Mapped[str] = mapped_column(String(60))
    when: Mapped[str] = mapped_column(String(100))
    language: Mapped[str] = mapped_column(String(8), default="en")
    name: Mapped[str] = mapped_column(String(200), default="")
    email: Mapped[str] = mapped_column(String(254), default="", index=True)
    note: Mapped[str] = mapped_column(Text, default="")
    session_id: Mapped[int] = mapped_column(default=0)
    state: Mapped[str] = mapped_column(String(10), default="held")
    sequence: Mapped[int] = mapped_column(default=0)
    restricted: Mapped[bool] = mapped_column(default=False)
    reminded: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(default=now)


class ShownSlot(TenantOwned, Base):
    """A time that a visitor was shown, by the word that stands for it. Kept for a day."""

    __tablename__ = "calendar_shown_slot"
    __table_args__ = (UniqueConstraint("tenant_id", "session_id", "word"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    session_id: Mapped[int]
    word: Mapped[str] = mapped_column(String(12))
    starts_at: Mapped[datetime]
    created_at: Mapped[datetime] = mapped_column(default=now)


class BookingLock(TenantOwned, Base):
    """One row for each tenant: whoever writes an appointment changes it first, so that they come one after another."""

    __tablename__ = "calendar_lock"
    __table_args__ = (UniqueConstraint("tenant_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    turns: Mapped[int] = mapped_column(default=0)


class GoogleLink(TenantOwned, Base):
    """The connection to a Google account: who, what was granted, the sealed token, and the chosen calendar.

    `state` is connected, or broken when Google does not take the token any more; `refreshing_until` says that somebody
    is getting a new access token.
    """

    __tablename__ = "calendar_google_link"
    __table_args__ = (UniqueConstraint("tenant_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[str] = mapped_column(String(64))
    email: Mapped[str] = mapped_column(String(254))
    scopes: Mapped[str] = mapped_column(Text)
    refresh_token: Mapped[str] = mapped_column(Text, info=sealed_for("refresh"))
    access_token: Mapped[str] = mapped_column(Text, default="", info=sealed_for("access"))
    access_until: Mapped[datetime | None]
    refreshing_until: Mapped[datetime | None]
    calendar_id: Mapped[str] = mapped_column(String(254), default="")
    zone: Mapped[str] = mapped_column(String(60), default="")
    state: Mapped[str] = mapped_column(String(10), default="connected")
    created_at: Mapped[datetime] = mapped_column(default=now)


class Revocation(TenantOwned, Base):
    """A token that Google still has to be told to forget."""

    __tablename__ = "calendar_revocation"

    id: Mapped[int] = mapped_column(primary_key=True)
    token: Mapped[str] = mapped_column(Text, info=sealed_for("revoke"))
    created_at: Mapped[datetime] = mapped_column(default=now)
