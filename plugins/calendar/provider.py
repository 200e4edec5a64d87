"""Where appointments are kept besides our own table: nowhere, or in a calendar at Google."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from webchatagent.core.api import Tenant

from .config import Config
from .models import Appointment
from .slots import Span


class Provider(Protocol):
    """A calendar. Each call raises ToolFailed when nothing was done, and ToolUnsure when that is not known."""

    name: str

    @property
    def zone(self) -> str:
        """The calendar's time zone; empty for the one of the settings."""
        ...

    def busy(self, first: datetime, last: datetime) -> Sequence[Span]:
        """When the calendar is busy. A calendar that cannot say so is not free: raises ToolFailed."""
        ...

    def create(self, row: Appointment) -> None:
        """Write the event; that it is there already is fine."""
        ...

    def move(self, row: Appointment) -> None:
        """Write the event's new time."""
        ...

    def cancel(self, row: Appointment) -> None:
        """Delete the event; that it is gone already is fine."""
        ...


class Local:
    """The built-in calendar: our own table is all of it."""

    name = "local"
    zone = ""

    def busy(self, first: datetime, last: datetime) -> Sequence[Span]:
        """Nothing besides our own appointments."""
        return ()

    def create(self, row: Appointment) -> None:
        """Nothing more to do."""

    def move(self, row: Appointment) -> None:
        """Nothing more to do."""

    def cancel(self, row: Appointment) -> None:
        """Nothing more to do."""


def provider_of(tenant: Tenant, name: str = "") -> Provider | None:
    """The tenant's calendar, or the one of that name; None while it is not connected. Does not touch the network."""
    if (name or tenant.config(Config).provider) == "local":
        return Local()
    from .google import find_google

    return find_google(tenant)
