"""The rights of a person, and deleting in time: name, address and note of an appointment."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, false, func, or_, select, update

from webchatagent.core.api import (
    ErasureReport,
    ExportPart,
    Subject,
    Tenant,
    TenantSession,
    ToolFailed,
    now,
    person_sessions,
)

from .booking import cancel
from .connect import forget
from .models import Appointment, BookingLock, ShownSlot

DAYS = 30
"""How long name, address and note stay after the end."""
EMPTY = {"name": "", "email": "", "note": "", "session_id": 0}


def _theirs(tenant: Tenant, subject: Subject) -> Any:
    """The condition on appointments of a person: of their conversations, or of their address."""
    found: list[Any] = []
    # The session itself too: when core has erased it already, what was booked in it must still be found.
    sessions = {*person_sessions(tenant, subject), *filter(None, [subject.session_id])}
    if sessions:
        found.append(Appointment.session_id.in_(sessions))
    if subject.email:
        found.append(Appointment.email == subject.email.strip().lower())
    return or_(*found) if found else false()


def _rows(db: TenantSession, theirs: Any) -> list[Appointment]:
    return list(db.scalars(select(Appointment).where(theirs).order_by(Appointment.id)))


def export(tenant: Tenant, subject: Subject) -> list[ExportPart]:
    """A person's appointments."""
    theirs = _theirs(tenant, subject)
    with tenant.read() as db:
        rows = [
            {
                "starts_at": r.starts_at.isoformat(),
                "ends_at": r.ends_at.isoformat(),
                "time_zone": r.zone,
                "name": r.name,
                "email": r.email,
                "note": r.note,
                "state": r.state,
                "calendar": r.provider,
                "created_at": r.created_at.isoformat(),
            }
            for r in _rows(db, theirs)
        ]
    recipients = ("Google Ireland Ltd.",) if any(r["calendar"] == "google" for r in rows) else ()
    return [ExportPart("appointments", len(rows), rows, "appointments", DAYS, recipients)]


def locate(tenant: Tenant, subject: Subject) -> list[ExportPart]:
    """How many appointments a person has."""
    theirs = _theirs(tenant, subject)
    with tenant.read() as db:
        count = db.scalar(select(func.count(Appointment.id)).where(theirs)) or 0
    return [ExportPart("appointments", count, (), "appointments", DAYS)]


def rectify(tenant: Tenant, subject: Subject, changes: dict[str, str]) -> ErasureReport:
    """Correct name and address of the appointments."""
    values: dict[str, Any] = {name: changes[name].strip() for name in changes if name in ("name", "email")}
    if "email" in values:
        values["email"] = values["email"].lower()
    return _change(tenant, subject, values)


def restrict(tenant: Tenant, subject: Subject, restricted: bool) -> ErasureReport:
    """Mark the appointments: no mail goes to the person, and no feed shows them."""
    return _change(tenant, subject, {"restricted": restricted})


def _change(tenant: Tenant, subject: Subject, values: dict[str, Any]) -> ErasureReport:
    if not values:
        return ErasureReport({"appointments": 0})
    theirs = _theirs(tenant, subject)
    with tenant.write() as db:
        done = db.execute(
            update(Appointment).where(theirs).values(**values).execution_options(synchronize_session=False)
        )
    return ErasureReport({"appointments": int(getattr(done, "rowcount", 0))})


def erase(tenant: Tenant, subject: Subject) -> ErasureReport:
    """Cancel what is to come, delete the event at the provider, and empty the rows."""
    theirs = _theirs(tenant, subject)
    with tenant.write() as db:
        rows = _rows(db, theirs)
        _quiet(db, rows)
    kept: dict[str, str] = {}
    for row in rows:
        if row.state == "booked":
            row.restricted = True
            try:
                _gone(tenant, row)
            except ToolFailed:
                kept["event"] = "the calendar could not be reached; try again"
    if not kept:
        _empty(tenant, [row.id for row in rows])
    return ErasureReport({"appointments": len(rows)}, kept)


def _quiet(db: TenantSession, rows: list[Appointment]) -> None:
    """No mail goes to somebody who is being erased."""
    ids = [row.id for row in rows]
    change = update(Appointment).where(Appointment.id.in_(ids)).values(restricted=True)
    db.execute(change.execution_options(synchronize_session=False))


def _gone(tenant: Tenant, row: Appointment) -> None:
    from .provider import provider_of

    if row.starts_at > now():
        cancel(tenant, row)
    elif (provider := provider_of(tenant, row.provider)) is not None:
        provider.cancel(row)


def _empty(tenant: Tenant, ids: list[int]) -> None:
    with tenant.write() as db:
        change = update(Appointment).where(Appointment.id.in_(ids)).values(**EMPTY, restricted=False)
        db.execute(change.execution_options(synchronize_session=False))
    tenant.platform.database.forget_deleted()


def purge(tenant: Tenant, at: datetime) -> ErasureReport:
    """Empty appointments thirty days after their end, and forget which times were shown after a day."""
    old = (Appointment.ends_at < at - timedelta(days=DAYS), ~Appointment.restricted)
    named = or_(Appointment.name != "", Appointment.email != "", Appointment.note != "", Appointment.session_id != 0)
    with tenant.write() as db:
        done = db.execute(
            update(Appointment).where(*old, named).values(**EMPTY).execution_options(synchronize_session=False)
        )
        shown = delete(ShownSlot).where(ShownSlot.created_at < at - timedelta(days=1))
        db.execute(shown.execution_options(synchronize_session=False))
    tenant.platform.database.forget_deleted()
    return ErasureReport({"appointments": int(getattr(done, "rowcount", 0))})


def erase_all(tenant: Tenant) -> ErasureReport:
    """Everything of a tenant; Google is told at once, and events at Google stay."""
    from .connect import revoke_left
    from .models import Revocation

    with tenant.write() as db:
        forget(tenant, db)
        left = list(db.scalars(select(Revocation.id)))
    kept: dict[str, str] = {}
    for revocation_id in left:
        try:
            revoke_left(tenant, revocation_id)
        except Exception:  # erasing must not hang on Google; the permission can be taken back in the account too
            kept["permission"] = "Google could not be told; take it back in the Google account"
    with tenant.write() as db:
        counts = {}
        for model in (Appointment, ShownSlot, BookingLock, Revocation):
            done = db.execute(delete(model).execution_options(synchronize_session=False))
            counts[model.__tablename__.removeprefix("calendar_")] = int(getattr(done, "rowcount", 0))
    return ErasureReport(counts, kept)
