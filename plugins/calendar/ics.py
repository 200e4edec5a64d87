"""Appointments as iCalendar (RFC 5545): times in UTC, lines folded at 75 bytes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from .models import Appointment

STAMP = "%Y%m%dT%H%M%SZ"


def write_ics(rows: Sequence[Appointment], title: str, host: str, *, names: bool = False) -> str:
    """A calendar with these appointments; `names` says with whom, for the tenant's own feed."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//WebChatAgent//Appointments//EN", "CALSCALE:GREGORIAN"]
    lines.append("METHOD:PUBLISH")
    for row in rows:
        lines += _event(row, f"{title}: {row.name}" if names and row.name else title, host)
    return "".join(f"{_folded(line)}\r\n" for line in [*lines, "END:VCALENDAR"])


def _event(row: Appointment, title: str, host: str) -> list[str]:
    return [
        "BEGIN:VEVENT",
        f"UID:{row.public_id}@{host}",
        f"DTSTAMP:{_stamp(row.created_at)}",
        f"DTSTART:{_stamp(row.starts_at)}",
        f"DTEND:{_stamp(row.ends_at)}",
        f"SEQUENCE:{row.sequence}",
        f"STATUS:{'CANCELLED' if row.state == 'cancelled' else 'CONFIRMED'}",
        f"SUMMARY:{_text(title)}",
        "END:VEVENT",
    ]


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime(STAMP)


def _text(value: str) -> str:
    plain = value.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    return plain.replace("\r\n", "\\n").replace("\n", "\\n").replace("\r", "")


def _folded(line: str) -> str:
    """The line in pieces of at most 75 bytes, never inside of a character."""
    pieces: list[str] = []
    piece = ""
    for char in line:
        if len((piece + char).encode()) > (75 if not pieces else 74):
            pieces.append(piece)
            piece = ""
        piece += char
    return "\r\n ".join([*pieces, piece])
