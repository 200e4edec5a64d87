"""What a tenant sets: hours, lengths, and which calendar is asked."""

from __future__ import annotations

import re
from datetime import date, timedelta
from itertools import pairwise
from typing import Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from .slots import Range, Rules

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
WELL_KNOWN = "/.well-known/openid-configuration"
GOOGLE = "https://accounts.google.com" + WELL_KNOWN
API = "https://www.googleapis.com/calendar/v3/"
WORKDAY = "09:00-17:00"
_RANGE = re.compile(r"(\d{1,2}):(\d{2})\s*[-–]\s*(\d{1,2}):(\d{2})")
CLOSED = ("closed", "geschlossen", "बंद", "")


def read_ranges(text: str) -> tuple[Range, ...]:
    """`09:00-12:00, 13:00-17:00` as minutes; nothing is closed. Raises ValueError with a sentence."""
    if text.strip().lower() in CLOSED:
        return ()
    found = []
    for part in text.split(","):
        match = _RANGE.fullmatch(part.strip())
        if match is None:
            raise ValueError("write hours like 09:00-12:00, 13:00-17:00, or nothing")
        low, high = int(match[1]) * 60 + int(match[2]), int(match[3]) * 60 + int(match[4])
        if not (low < high <= 1440 and int(match[2]) < 60 and int(match[4]) < 60):
            raise ValueError("each time must end after it begins, and by 24:00")
        found.append((low, high))
    found.sort()
    if any(a[1] > b[0] for a, b in pairwise(found)):
        raise ValueError("two of the times overlap")
    return tuple(found)


def read_exception(line: str) -> list[tuple[date, tuple[Range, ...]]]:
    """`2026-12-24 09:00-12:00`, `2026-12-25` for closed, or `2026-12-25..2027-01-01`. Raises ValueError."""
    days, _, hours = line.strip().partition(" ")
    first, _, last = days.partition("..")
    try:
        begin, end = date.fromisoformat(first), date.fromisoformat(last or first)
    except ValueError:
        raise ValueError("write a date like 2026-12-24, then its hours, or nothing for closed") from None
    if not 0 <= (end - begin).days <= 366:
        raise ValueError("the second date comes after the first, within a year")
    ranges = read_ranges(hours)
    return [(begin + timedelta(days=n), ranges) for n in range((end - begin).days + 1)]


class Config(BaseModel):
    """Appointments of a tenant."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    provider: Literal["local", "google"] = Field("local", description="`local` needs no account; `google` asks Google.")
    title: str = Field("", max_length=120, description="Such as Consultation; empty for Appointment.")
    timezone: str = Field(
        "Europe/Berlin",
        max_length=60,
        description="Such as Europe/Berlin; with Google, the account's.",
    )
    duration: int = Field(30, ge=5, le=480, description="Minutes of an appointment.")
    step: int = Field(30, ge=5, le=480, description="Minutes between two possible beginnings.")
    before: int = Field(0, ge=0, le=240, description="Minutes that stay free before each one.")
    after: int = Field(0, ge=0, le=240, description="Minutes that stay free after each one.")
    notice: int = Field(2, ge=0, le=720, description="Hours between booking and beginning.")
    horizon: int = Field(60, ge=0, le=365, description="Days into the future.")
    monday: str = Field(WORKDAY, max_length=120, description="Such as 09:00-12:00, 13:00-17:00; empty for closed.")
    tuesday: str = Field(WORKDAY, max_length=120, description="Empty for closed.")
    wednesday: str = Field(WORKDAY, max_length=120, description="Empty for closed.")
    thursday: str = Field(WORKDAY, max_length=120, description="Empty for closed.")
    friday: str = Field(WORKDAY, max_length=120, description="Empty for closed.")
    saturday: str = Field("", max_length=120, description="Empty for closed.")
    sunday: str = Field("", max_length=120, description="Empty for closed.")
    exceptions: tuple[str, ...] = Field(
        (),
        max_length=200,
        description="One a line: 2026-12-24 09:00-12:00, or a date for closed.",
    )
    notify: str = Field("", max_length=200, description="An address that gets a mail for each booking.")
    reminder: int = Field(24, ge=0, le=168, description="Hours before the appointment; 0 for never.")
    client_id: str = Field("", max_length=200, description="Of the OAuth client in the Google Cloud console.")
    client_secret: SecretStr = Field(SecretStr(""), description="It stands beside the client ID.")
    discovery_url: str = Field(
        GOOGLE, max_length=200, description="Google's own, unless you try this with another server."
    )
    api_url: str = Field(API, max_length=200, description="Google's own, unless you try this with another server.")

    @field_validator("timezone")
    @classmethod
    def _zone(cls, value: str) -> str:
        if value not in available_timezones():
            raise ValueError("write a time zone like Europe/Berlin, Asia/Kolkata or America/New_York")
        return value

    @field_validator(*DAYS)
    @classmethod
    def _hours(cls, value: str) -> str:
        read_ranges(value)
        return value.strip()

    @field_validator("discovery_url", "api_url")
    @classmethod
    def _server(cls, value: str) -> str:
        value = value.strip()
        if not value.startswith(("https://", "http://")):
            raise ValueError("write the whole address, with https://")
        return value

    @property
    def has_client(self) -> bool:
        """Whether an OAuth client is set."""
        return bool(self.client_id and self.client_secret.get_secret_value())

    @field_validator("exceptions")
    @classmethod
    def _exceptions(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        kept = tuple(line.strip() for line in value if line.strip())
        for line in kept:
            read_exception(line)
        return kept

    @field_validator("notify")
    @classmethod
    def _address(cls, value: str) -> str:
        value = value.strip().lower()
        if value and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", value):
            raise ValueError("this is no e-mail address")
        return value

    def rules(self, zone: str = "") -> Rules:
        """What slots are made of; `zone` is the connected calendar's own, if it said one."""
        return Rules(
            ZoneInfo(zone or self.timezone),
            [read_ranges(getattr(self, day)) for day in DAYS],
            {day: ranges for line in self.exceptions for day, ranges in read_exception(line)},
            duration=self.duration,
            step=self.step,
            before=self.before,
            after=self.after,
            notice=self.notice * 60,
            horizon=self.horizon,
        )
