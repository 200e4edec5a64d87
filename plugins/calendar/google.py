"""A calendar at Google: free and busy, and our own events in the chosen calendar. Nothing else is read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import select

from webchatagent.core.api import Tenant, ToolFailed

from .client import Calendars, TokenRefused
from .config import Config
from .models import Appointment, GoogleLink
from .slots import Span
from .tokens import access_token, mark_broken, new_access_token
from .words import say

Found = TypeVar("Found")


class Disconnected(ToolFailed):
    """The account is not connected any more, so Google is not called."""


def link_of(tenant: Tenant) -> GoogleLink | None:
    """The connection, read anew each time: it may have been taken away a moment ago."""
    with tenant.read() as db:
        found: GoogleLink | None = db.scalar(select(GoogleLink))
        return found


def find_google(tenant: Tenant) -> Google | None:
    """The tenant's Google calendar; None unless an account is connected, works, and a calendar is chosen."""
    link = link_of(tenant)
    return Google(tenant, link) if link and link.state == "connected" and link.calendar_id else None


class Google:
    """The chosen calendar of the connected account."""

    name = "google"

    def __init__(self, tenant: Tenant, link: GoogleLink) -> None:
        self._tenant, self._link = tenant, link

    @property
    def zone(self) -> str:
        """The time zone of the account's settings."""
        return self._link.zone

    def busy(self, first: datetime, last: datetime) -> Sequence[Span]:
        """When the calendar is busy."""
        return self._ask(lambda calendars: calendars.busy(self._link.calendar_id, first, last))

    def create(self, row: Appointment) -> None:
        """Write the event under the appointment's own id."""
        event = {"id": row.event_id, **_times(row), **_words(self._tenant, row)}
        self._ask(lambda calendars: calendars.insert(self._link.calendar_id, event))

    def move(self, row: Appointment) -> None:
        """Write the new time."""
        self._ask(lambda calendars: calendars.patch(self._link.calendar_id, row.event_id, _times(row)))

    def cancel(self, row: Appointment) -> None:
        """Delete the event."""
        self._ask(lambda calendars: calendars.delete(self._link.calendar_id, row.event_id))

    def _ask(self, call: Callable[[Calendars], Found]) -> Found:
        """Call Google with a token that works; a token that has just died is replaced once."""
        self._still_there()
        config = self._tenant.config(Config)
        token = access_token(self._tenant, self._link.id)
        try:
            return call(Calendars(config, token))
        except TokenRefused:
            self._still_there()
        token = new_access_token(self._tenant, self._link.id, instead_of=token)
        try:
            return call(Calendars(config, token))
        except TokenRefused:
            mark_broken(self._tenant, self._link.id)
            raise

    def _still_there(self) -> None:
        link = link_of(self._tenant)
        if link is None or link.id != self._link.id or link.state != "connected":
            raise Disconnected("Google Calendar is not connected.")


def _times(row: Appointment) -> dict[str, Any]:
    return {
        "start": {"dateTime": row.starts_at.isoformat(), "timeZone": row.zone},
        "end": {"dateTime": row.ends_at.isoformat(), "timeZone": row.zone},
    }


def _words(tenant: Tenant, row: Appointment) -> dict[str, Any]:
    """What the event says: with whom, and about what."""
    title = tenant.config(Config).title or say("appointment", tenant.locale)
    event: dict[str, Any] = {"summary": f"{title}: {row.name}" if row.name else title}
    if row.email:
        event["attendees"] = [{"email": row.email, **({"displayName": row.name} if row.name else {})}]
    if row.note:
        event["description"] = row.note
    return event
