"""Taking a lead: the row, what was agreed to in the ledger, and who is told, in one transaction."""

from __future__ import annotations

from sqlalchemy import select

from webchatagent.core.api import (
    SavedLead,
    Subject,
    Tenant,
    TenantSession,
    audit_record,
    current_actor,
    now,
    put_mail,
    record_consent,
    start_job,
    typed_contact,
    wording_hash,
)

from .config import Config
from .forms import Sent
from .models import Delivery, Lead
from .words import boxes, say


def take(
    tenant: Tenant, sent: Sent, *, language: str, channel: str, bot_id: int = 0, session_id: int = 0, key: str = ""
) -> str:
    """Keep what somebody left; returns its public id. The same `key` is the same lead."""
    offered = boxes(tenant, language)
    with tenant.write() as db:
        if key and (known := db.scalar(select(Lead.public_id).where(Lead.public_id == key))):
            return str(known)
        contact = typed_contact(db, session_id, sent.name, sent.email, sent.phone)
        row = Lead(
            bot_id=bot_id,
            session_id=session_id,
            contact_id=contact,
            channel=channel,
            language=language[:8],
            name=sent.name,
            email=sent.email,
            phone=sent.phone,
            company=sent.company,
            message=sent.message,
            answers=[list(pair) for pair in sent.answers],
            marketing="marketing" in sent.agreed,
        )
        if key:
            row.public_id = key
        db.add(row)
        db.flush()
        proof = f"lead:{row.public_id}"
        for name in sorted(sent.agreed):
            purpose, text = offered[name]
            record_consent(
                db,
                purpose,
                True,
                wording_hash(text),
                contact_id=contact,
                session_id=session_id,
                channel=channel,
                proof=proof,
            )
        audit_record(db, "visitor", "lead.taken", row.public_id, channel=channel)
        ring = announce(db, tenant, row, "lead.created") + _notice(db, tenant, row)
        public_id = row.public_id
    tenant.platform.ring(ring)
    lead = SavedLead(sent.email, language, {offered[n][0]: wording_hash(offered[n][1]) for n in sent.agreed})
    tenant.hooks.call("lead_saved", tenant=tenant, subject=Subject(contact_id=contact), lead=lead)
    return public_id


def announce(db: TenantSession, tenant: Tenant, row: Lead, event: str) -> list[str]:
    """Have the tenant's own service told, in the caller's transaction; returns the jobs to ring."""
    if not tenant.config(Config).webhook_url or row.restricted:
        return []
    delivery = Delivery(lead_id=row.id, event=event)
    db.add(delivery)
    db.flush()
    return start_job(db, "lead_capture.deliver", f"lead_capture.deliver:{delivery.id}", delivery_id=delivery.id)


def _notice(db: TenantSession, tenant: Tenant, row: Lead) -> list[str]:
    notify = tenant.config(Config).notify
    if not notify:
        return []
    lines = [row.name, row.email, row.phone, row.company, row.message, *(f"{q}: {a}" for q, a in row.answers)]
    values = {"name": row.name, "details": "\n".join(filter(None, lines)), "tenant": tenant.name}
    subject = " ".join(say("mail_subject", tenant.locale, **values).split())
    return put_mail(db, tenant, "lead_capture_new", notify, subject, say("mail_body", tenant.locale, **values))


def change(tenant: Tenant, lead_id: int, state: str, owner: str, notes: str) -> None:
    """Move a lead along: its state, who looks after it, and notes."""
    with tenant.write() as db:
        row = db.get(Lead, lead_id)
        moved = row.state != state
        row.state, row.owner, row.notes, row.changed_at = state, owner.strip(), notes.strip(), now()
        audit_record(db, current_actor(), "lead.changed", row.public_id, state=state)
        ring = announce(db, tenant, row, "lead.changed") if moved else []
    tenant.platform.ring(ring)


def has_left(tenant: Tenant, session_id: int) -> bool:
    """Whether this conversation has a lead already."""
    with tenant.read() as db:
        return db.scalar(select(Lead.id).where(Lead.session_id == session_id).limit(1)) is not None
