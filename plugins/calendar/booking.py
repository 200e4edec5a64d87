"""Finding, booking, moving and cancelling, for visitors and the dashboard alike.

Whoever writes takes the tenant's turn first, and then makes the same test that found the free slots. An appointment is
held in our table before a provider hears of it, so two can never get one time, whatever the provider does.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from webchatagent.core.api import (
    InvalidRequest,
    Tenant,
    TenantSession,
    ToolFailed,
    ToolUnsure,
    audit_record,
    current_actor,
    now,
)

from .config import Config
from .mails import tell
from .models import Appointment, BookingLock
from .provider import Provider, provider_of
from .slots import Rules, Span, free_slots, is_free

LIVE = ("held", "booked")
LEFT = timedelta(minutes=5)
"""An appointment that is held for longer belongs to a process that is gone."""


class NotFree(InvalidRequest):
    """The time is not free, or not any more; `others` are the next that are."""

    def __init__(self, others: Sequence[datetime]) -> None:
        super().__init__("This time is not free.", "choose another", code="slot_taken", status=409)
        self.others = others


@dataclass(frozen=True)
class Visitor:
    """Who an appointment is with, and from which conversation it comes; session 0 is the dashboard."""

    name: str
    email: str
    note: str = ""
    language: str = "en"
    session_id: int = 0


def calendar_of(tenant: Tenant) -> tuple[Rules, str, Provider]:
    """The rules, the zone's name and the provider. Raises ToolFailed while nothing is connected."""
    provider = provider_of(tenant)
    if provider is None:
        raise ToolFailed("No calendar is connected.")
    config = tenant.config(Config)
    zone = provider.zone or config.timezone
    return config.rules(zone), zone, provider


def find_slots(tenant: Tenant, first: date, last: date, most: int = 12) -> list[datetime]:
    """The first free slots between two local dates. Raises ToolFailed when the calendar cannot say."""
    rules, _, provider = calendar_of(tenant)
    at = now()
    today = at.astimezone(rules.zone).date()
    first, last = max(first, today), min(last, today + timedelta(days=rules.horizon))
    if last < first:
        return []
    low, high = _around(first, last, rules)
    busy = list(provider.busy(low, high))
    with tenant.read() as db:
        busy += own_spans(db, low, high)
    return list(itertools.islice(free_slots(rules, first, last, busy, at), most))


def next_slots(tenant: Tenant, start: datetime, most: int = 3) -> list[datetime]:
    """Free slots from the day of a moment on."""
    rules, _, _ = calendar_of(tenant)
    day = start.astimezone(rules.zone).date()
    return find_slots(tenant, day, day + timedelta(days=14), most)


def own_spans(db: TenantSession, low: datetime, high: datetime, without: int = 0) -> list[Span]:
    """When our own appointments are, but for one."""
    rows = db.execute(
        select(Appointment.starts_at, Appointment.ends_at).where(
            Appointment.state.in_(LIVE),
            Appointment.starts_at < high,
            Appointment.ends_at > low,
            Appointment.id != without,
        )
    )
    return [(begin, end) for begin, end in rows]


def book(tenant: Tenant, start: datetime, visitor: Visitor, key: str) -> Appointment:
    """Make an appointment; the same `key` is the same one. Raises NotFree, ToolFailed, ToolUnsure."""
    rules, zone, provider = calendar_of(tenant)
    event_id = event_id_of(tenant, key)
    busy = provider.busy(*_near(start, rules))
    with tenant.write() as db:
        take_turn(db)
        row = db.scalar(select(Appointment).where(Appointment.event_id == event_id))
        if row is not None and row.state != "held":
            return row
        if row is None:
            free = is_free(rules, start, [*busy, *own_spans(db, *_near(start, rules))], now())
            row = _held(start, rules, zone, provider, visitor, event_id) if free else None
            if row is not None:
                db.add(row)
    if row is None:
        raise NotFree(next_slots(tenant, start))
    return finish(tenant, row, provider)


def finish(tenant: Tenant, row: Appointment, provider: Provider) -> Appointment:
    """Write a held appointment at its provider, and tell who it is with. Raises ToolFailed, ToolUnsure."""
    try:
        provider.create(row)
    except ToolUnsure:
        raise  # it stays held: a job asks again, under the same id
    except ToolFailed:
        with tenant.write() as db:
            _set(db, row.id, ("held",), state="cancelled", name="", email="", note="")
        raise
    with tenant.write() as db:
        ring: list[str] = []
        if _set(db, row.id, ("held",), state="booked"):
            audit_record(db, current_actor(), "appointment.booked", row.public_id, at=row.starts_at.isoformat())
            ring = tell(db, tenant, "booked", row)
    tenant.platform.ring(ring)
    return row


def move(tenant: Tenant, row: Appointment, start: datetime) -> Appointment:
    """Give an appointment another time. Raises NotFree, ToolFailed, ToolUnsure, InvalidRequest when it is over."""
    check_open(row)
    rules, _, provider = calendar_of(tenant)
    if row.provider != provider.name:
        raise ToolFailed("The appointment is in another calendar.")
    if start == row.starts_at:
        return row
    old = (row.starts_at, row.ends_at)
    busy = [piece for span in provider.busy(*_near(start, rules)) for piece in without(span, old)]
    with tenant.write() as db:
        take_turn(db)
        free = is_free(rules, start, [*busy, *own_spans(db, *_near(start, rules), row.id)], now())
        end = start + (old[1] - old[0])
        when = on_the_clock(start, end, row.zone)
        times = {"starts_at": start, "ends_at": end, "when": when, "sequence": row.sequence + 1, "reminded": False}
        moved = free and _set(db, row.id, ("booked",), **times)
    if not moved:
        raise NotFree(next_slots(tenant, start))
    for name, value in times.items():
        setattr(row, name, value)
    try:
        provider.move(row)
    except ToolUnsure:
        raise
    except ToolFailed:
        with tenant.write() as db:
            _set(db, row.id, ("booked",), starts_at=old[0], ends_at=old[1], when=on_the_clock(*old, row.zone))
        raise
    with tenant.write() as db:
        audit_record(db, current_actor(), "appointment.moved", row.public_id, at=start.isoformat())
        ring = tell(db, tenant, "moved", row)
    tenant.platform.ring(ring)
    return row


def cancel(tenant: Tenant, row: Appointment) -> Appointment:
    """Cancel an appointment; the second time nothing happens. Raises ToolFailed, ToolUnsure, InvalidRequest."""
    if row.state == "cancelled":
        return row
    check_open(row)
    provider = provider_of(tenant, row.provider)
    if provider is None:
        raise ToolFailed("The calendar of this appointment is not connected.")
    provider.cancel(row)
    with tenant.write() as db:
        ring: list[str] = []
        if _set(db, row.id, LIVE, state="cancelled", sequence=row.sequence + 1):
            row.state, row.sequence = "cancelled", row.sequence + 1
            audit_record(db, current_actor(), "appointment.cancelled", row.public_id, at=row.starts_at.isoformat())
            ring = tell(db, tenant, "cancelled", row)
    tenant.platform.ring(ring)
    return row


def check_open(row: Appointment) -> None:
    """Raise InvalidRequest for an appointment that is over or cancelled."""
    if row.state != "booked" or row.starts_at <= now():
        raise InvalidRequest("This appointment is over.", "make a new one", code="appointment_over", status=409)


def of_session(tenant: Tenant, session_id: int) -> list[Appointment]:
    """The coming appointments that were booked in a conversation, the next first."""
    if not session_id:
        return []
    with tenant.read() as db:
        rows = select(Appointment).where(
            Appointment.session_id == session_id, Appointment.state == "booked", Appointment.starts_at > now()
        )
        return list(db.scalars(rows.order_by(Appointment.starts_at).limit(10)))


def find_appointment(tenant: Tenant, public_id: str) -> Appointment | None:
    """An appointment by its public id."""
    with tenant.read() as db:
        found: Appointment | None = db.scalar(select(Appointment).where(Appointment.public_id == public_id))
        return found


def finish_held(tenant: Tenant) -> None:
    """The job that ends what a process left: the appointment is written under the same id, or given up."""
    with tenant.read() as db:
        rows = list(db.scalars(select(Appointment).where(Appointment.state == "held")))
    for row in rows:
        provider = provider_of(tenant, row.provider)
        if row.created_at > now() - LEFT:
            continue
        if provider is None or row.starts_at <= now():
            with tenant.write() as db:
                _set(db, row.id, ("held",), state="cancelled", name="", email="", note="")
        else:
            finish(tenant, row, provider)


def event_id_of(tenant: Tenant, key: str) -> str:
    """The id of an event: the same for the same key, in letters that Google takes."""
    return "booking" + hashlib.sha256(f"{tenant.id}|{key}".encode()).hexdigest()[:40]


def without(span: Span, taken: Span) -> list[Span]:
    """A stretch of time without another."""
    (low, high), (begin, end) = span, taken
    pieces = [(low, min(high, begin)), (max(low, end), high)]
    return [(a, b) for a, b in pieces if a < b]


def on_the_clock(begin: datetime, end: datetime, zone: str) -> str:
    """`2026-12-01 09:00-09:30 (Europe/Berlin)`."""
    low, high = begin.astimezone(ZoneInfo(zone)), end.astimezone(ZoneInfo(zone))
    return f"{low:%Y-%m-%d %H:%M}-{high:%H:%M} ({zone})"


def take_turn(db: TenantSession) -> None:
    """Wait until nobody else of this tenant writes an appointment."""
    turn = update(BookingLock).values(turns=BookingLock.turns + 1).execution_options(synchronize_session=False)
    if getattr(db.execute(turn), "rowcount", 0):
        return
    try:
        with db.begin_nested():
            db.add(BookingLock(turns=1))
            db.flush()
    except IntegrityError:  # another was first
        db.execute(turn)


def _held(start: datetime, rules: Rules, zone: str, provider: Provider, visitor: Visitor, event_id: str) -> Appointment:
    return Appointment(
        provider=provider.name,
        event_id=event_id,
        starts_at=start,
        ends_at=start + rules.length,
        zone=zone,
        when=on_the_clock(start, start + rules.length, zone),
        language=visitor.language[:8],
        name=visitor.name.strip()[:200],
        email=visitor.email.strip().lower()[:254],
        note=visitor.note.strip()[:1000],
        session_id=visitor.session_id,
        state="held",
        created_at=now(),
    )


def _set(db: TenantSession, row_id: int, states: Sequence[str], **values: object) -> bool:
    change = update(Appointment).where(Appointment.id == row_id, Appointment.state.in_(states)).values(**values)
    return bool(getattr(db.execute(change.execution_options(synchronize_session=False)), "rowcount", 0))


def _around(first: date, last: date, rules: Rules) -> tuple[datetime, datetime]:
    low = datetime(first.year, first.month, first.day, tzinfo=UTC) - timedelta(hours=15)
    high = datetime(last.year, last.month, last.day, tzinfo=UTC) + timedelta(hours=63)
    return low - rules.gap, high + rules.gap


def _near(start: datetime, rules: Rules) -> tuple[datetime, datetime]:
    return start - rules.gap - timedelta(days=1), start + rules.length + rules.gap + timedelta(days=1)
