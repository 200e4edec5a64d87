"""The rights of a person over their leads, withdrawal, and deleting in time."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, false, func, or_, select, update

from webchatagent.core.api import ErasureReport, ExportPart, Subject, Tenant

from .config import Config
from .models import Delivery, Lead
from .words import MARKETING

FIELDS = ("name", "email", "phone", "company", "message", "answers", "marketing", "state", "channel", "language")


def _theirs(subject: Subject) -> Any:
    """The condition on leads of a person."""
    found = []
    if subject.email:
        found.append(Lead.email == subject.email.strip().lower())
    if subject.contact_id:
        found.append(Lead.contact_id == subject.contact_id)
    if subject.session_id:
        found.append(Lead.session_id == subject.session_id)
    return or_(*found) if found else false()


def withdraw(tenant: Tenant, subject: Subject, purpose: str) -> None:
    """A withdrawn box is unticked: the lead leaves the list for marketing."""
    if purpose == MARKETING:
        _change(tenant, subject, {"marketing": False})


def export(tenant: Tenant, subject: Subject) -> list[ExportPart]:
    """A person's leads; the notes of the tenant's people are about them too."""
    days = tenant.config(Config).keep_days
    with tenant.read() as db:
        rows = [
            {**{name: getattr(r, name) for name in FIELDS}, "notes": r.notes, "created_at": r.created_at.isoformat()}
            for r in db.scalars(select(Lead).where(_theirs(subject)).order_by(Lead.id))
        ]
    return [ExportPart("leads", len(rows), rows, "leads", days)]


def locate(tenant: Tenant, subject: Subject) -> list[ExportPart]:
    """How many leads a person has."""
    with tenant.read() as db:
        count = db.scalar(select(func.count(Lead.id)).where(_theirs(subject))) or 0
    return [ExportPart("leads", count, (), "leads", tenant.config(Config).keep_days)]


def rectify(tenant: Tenant, subject: Subject, changes: dict[str, str]) -> ErasureReport:
    """Correct name, address and phone number."""
    values: dict[str, Any] = {n: changes[n].strip() for n in ("name", "email", "phone") if n in changes}
    if "email" in values:
        values["email"] = values["email"].lower()
    return _change(tenant, subject, values)


def restrict(tenant: Tenant, subject: Subject, restricted: bool) -> ErasureReport:
    """Tell nobody of them, and leave them out of tables."""
    return _change(tenant, subject, {"restricted": restricted})


def _change(tenant: Tenant, subject: Subject, values: dict[str, Any]) -> ErasureReport:
    if not values:
        return ErasureReport({"leads": 0})
    with tenant.write() as db:
        change = update(Lead).where(_theirs(subject)).values(**values)
        done = db.execute(change.execution_options(synchronize_session=False))
    return ErasureReport({"leads": int(getattr(done, "rowcount", 0))})


def erase(tenant: Tenant, subject: Subject) -> ErasureReport:
    """Delete them; what the tenant's own service was told is the tenant's to delete there."""
    with tenant.write() as db:
        ids = list(db.scalars(select(Lead.id).where(_theirs(subject))))
        told = db.scalar(select(func.count(Delivery.id)).where(Delivery.lead_id.in_(ids), Delivery.state == "sent"))
        for model, column in ((Delivery, Delivery.lead_id), (Lead, Lead.id)):
            db.execute(delete(model).where(column.in_(ids)).execution_options(synchronize_session=False))
    tenant.platform.database.forget_deleted()
    kept = {"webhook": "your own service was told of it; delete it there"} if told else {}
    return ErasureReport({"leads": len(ids)}, kept)


def purge(tenant: Tenant, at: datetime) -> ErasureReport:
    """Delete leads that nobody touched for as long as the tenant says."""
    days = tenant.config(Config).keep_days
    if not days:
        return ErasureReport({"leads": 0})
    old = (Lead.changed_at < at - timedelta(days=days), ~Lead.restricted)
    with tenant.write() as db:
        ids = list(db.scalars(select(Lead.id).where(*old)))
        for model, column in ((Delivery, Delivery.lead_id), (Lead, Lead.id)):
            db.execute(delete(model).where(column.in_(ids)).execution_options(synchronize_session=False))
    tenant.platform.database.forget_deleted()
    return ErasureReport({"leads": len(ids)})


def erase_all(tenant: Tenant) -> ErasureReport:
    """Everything of a tenant."""
    counts = {}
    with tenant.write() as db:
        for model in (Delivery, Lead):
            done = db.execute(delete(model).execution_options(synchronize_session=False))
            counts[model.__tablename__.removeprefix("lead_capture_")] = int(getattr(done, "rowcount", 0))
    return ErasureReport(counts)
