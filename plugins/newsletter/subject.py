"""The rights of a person over their subscription, and deleting in time.

A confirmed subscription belongs to who reads the address. Whoever merely typed it has a right over it only while it is
pending: they are known by their conversation.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, delete, false, func, or_, select, update

from webchatagent.core.api import ErasureReport, ExportPart, Subject, Tenant, TenantSession, WebChatAgentError

from .config import Config
from .models import Campaign, Removal, Subscriber
from .signup import DAYS, PURPOSE, ask, end_all
from .sync import remove, remove_later

PROOF_DAYS = 1095
"""How long the proof stays after somebody left: claims end after three years."""
RECIPIENT = "Intuit Inc. (Mailchimp)"


def _theirs(subject: Subject) -> Any:
    """The condition on subscriptions of a person."""
    found = []
    if subject.email:
        found.append(Subscriber.email == subject.email.strip().lower())
    if subject.contact_id:
        found.append(Subscriber.contact_id == subject.contact_id)
    if subject.session_id:
        found.append(and_(Subscriber.session_id == subject.session_id, Subscriber.state == "pending"))
    return or_(*found) if found else false()


def withdraw(tenant: Tenant, subject: Subject, purpose: str) -> None:
    """Core records a withdrawal: it ends here, and at Mailchimp by a job."""
    if purpose == PURPOSE:
        end_all(tenant, _theirs(subject), "withdrawal", ledger=False)


def export(tenant: Tenant, subject: Subject) -> list[ExportPart]:
    """A person's subscription with its proof."""
    with tenant.read() as db:
        rows = [
            {
                "email": r.email,
                "state": r.state,
                "language": r.language,
                "asked_at": r.asked_at.isoformat(),
                "asked_from": r.asked_from,
                "asked_by": r.channel,
                "confirmed_at": r.confirmed_at.isoformat() if r.confirmed_at else None,
                "confirmed_from": r.confirmed_from,
                "wording": r.wording,
                "ended_at": r.ended_at.isoformat() if r.ended_at else None,
                "ended_by": r.ended_by,
                "tags": list(r.tags),
                "at_mailchimp": r.remote,
            }
            for r in db.scalars(select(Subscriber).where(_theirs(subject)).order_by(Subscriber.id))
        ]
    recipients = (RECIPIENT,) if tenant.config(Config).hands_on else ()
    return [ExportPart("newsletter", len(rows), rows, "newsletter", PROOF_DAYS, recipients)]


def locate(tenant: Tenant, subject: Subject) -> list[ExportPart]:
    """How many subscriptions a person has."""
    with tenant.read() as db:
        count = db.scalar(select(func.count(Subscriber.id)).where(_theirs(subject))) or 0
    return [ExportPart("newsletter", count, (), "newsletter", PROOF_DAYS)]


def rectify(tenant: Tenant, subject: Subject, changes: dict[str, str]) -> ErasureReport:
    """Another address is asked anew, for nobody confirmed it; the old one is forgotten, at Mailchimp too."""
    email = changes.get("email", "").strip().lower()
    with tenant.read() as db:
        rows = list(db.scalars(select(Subscriber).where(_theirs(subject), Subscriber.email != email)))
    if not email or not rows:
        return ErasureReport({"newsletter": 0})
    for row in rows:
        if row.state != "unsubscribed":
            ask(tenant, email, True, language=row.language, channel=row.channel)
    with tenant.write() as db:
        ring = _delete(db, tenant, rows)
    tenant.platform.ring(ring)
    return ErasureReport({"newsletter": len(rows)})


def restrict(tenant: Tenant, subject: Subject, restricted: bool) -> ErasureReport:
    """Mark it: no mail goes out, and nothing but an end of it is carried to Mailchimp."""
    with tenant.write() as db:
        change = update(Subscriber).where(_theirs(subject)).values(restricted=restricted)
        done = db.execute(change.execution_options(synchronize_session=False))
    return ErasureReport({"newsletter": int(getattr(done, "rowcount", 0))})


def erase(tenant: Tenant, subject: Subject) -> ErasureReport:
    """Delete it here, and for good at Mailchimp, where an address may be that is not known here."""
    with tenant.write() as db:
        rows = list(db.scalars(select(Subscriber).where(_theirs(subject))))
        ring = _delete(db, tenant, rows)
        if subject.email and not rows:
            ring += remove_later(db, tenant, subject.email)
        db.flush()
        left = list(db.scalars(select(Removal.id)))
    kept = {"mailchimp": "Mailchimp could not be told yet; it is tried again"} if not _told(tenant, left) else {}
    tenant.platform.ring(ring)
    tenant.platform.database.forget_deleted()
    return ErasureReport({"newsletter": len(rows)}, kept)


def _delete(db: TenantSession, tenant: Tenant, rows: list[Subscriber]) -> list[str]:
    """Delete rows, and have Mailchimp forget those it may know; returns the jobs to ring."""
    ids = [row.id for row in rows]
    db.execute(delete(Subscriber).where(Subscriber.id.in_(ids)).execution_options(synchronize_session=False))
    return [i for row in rows for i in remove_later(db, tenant, row.email)]


def _told(tenant: Tenant, removals: list[int]) -> bool:
    """Tell Mailchimp at once; what fails is left to the job."""
    try:
        for removal_id in removals:
            remove(tenant, removal_id)
    except WebChatAgentError:
        return False
    return True


def purge(tenant: Tenant, at: datetime) -> ErasureReport:
    """Delete what nobody confirmed within seven days, and proof three years after its end."""
    unasked = Subscriber.asked_at < at - timedelta(days=DAYS)
    pending = and_(Subscriber.state == "pending", unasked)
    over = and_(Subscriber.state == "unsubscribed", Subscriber.ended_at < at - timedelta(days=PROOF_DAYS))
    with tenant.write() as db:
        gone = delete(Subscriber).where(or_(pending, over), ~Subscriber.restricted)
        done = db.execute(gone.execution_options(synchronize_session=False))
        closed = update(Subscriber).where(Subscriber.nonce != "", unasked).values(nonce="")
        db.execute(closed.execution_options(synchronize_session=False))
    tenant.platform.database.forget_deleted()
    return ErasureReport({"newsletter": int(getattr(done, "rowcount", 0))})


def erase_all(tenant: Tenant) -> ErasureReport:
    """Everything of a tenant here; what stands in the tenant's own Mailchimp account is theirs to delete."""
    counts = {}
    with tenant.write() as db:
        for model in (Subscriber, Removal, Campaign):
            done = db.execute(delete(model).execution_options(synchronize_session=False))
            counts[model.__tablename__.removeprefix("newsletter_")] = int(getattr(done, "rowcount", 0))
    kept = {"audience": "the audience stays in the tenant's own Mailchimp account"}
    return ErasureReport(counts, kept if tenant.config(Config).hands_on else {})
