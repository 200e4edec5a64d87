"""A person's rights over what core keeps: sessions, messages, turns, contacts, consents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete, func, or_, select, update

from . import audit, recipients
from .actions import action_rows
from .db.base import Base
from .db.chats import Attachment, ChatSession, Contact, ContactLink, Message
from .db.records import AuditEntry, ConsentRecord
from .db.tenants import Membership, TenantRow
from .errors import InvalidRequest
from .mail import erase_mails, mails_to
from .privacy import Disclosure, ErasureReport, ExportPart, Subject
from .sessions import erase_session
from .tenancy import TenantOwned, TenantSession, system_scope
from .tenants import Platform, Tenant, operator_tenant

FIELDS = ("name", "email", "phone")


def disclosures(tenant: Tenant) -> list[Disclosure]:
    """What core does with personal data; nothing of it leaves the house."""
    with tenant.read() as db:
        days = db.scalar(select(TenantRow.retention_days).where(TenantRow.id == tenant.id)) or 0
    logs = int(tenant.platform.settings.log_days)
    return [
        Disclosure(
            "conversation", ("messages", "session_id", "language", "time"), "answer", "legitimate_interest", days
        ),
        Disclosure("contact", ("contact",), "leads", "consent", days),
        Disclosure("access_log", ("address_truncated", "browser", "time"), "operate", "legitimate_interest", logs),
        Disclosure("limits", ("address_truncated",), "abuse", "legitimate_interest", 1),
        Disclosure("index", ("documents",), "index", "contract", 0),
        *recipients.disclosures(tenant.platform),
    ]


def contacts_of(db: TenantSession, subject: Subject) -> list[Contact]:
    """The contacts of a person: named, of that address, or linked to their session."""
    wanted = [Contact.id == (subject.contact_id or 0)]
    if subject.email:
        wanted.append(func.lower(Contact.email) == subject.email.strip().lower())
    if subject.session_id:
        wanted.append(
            Contact.id.in_(select(ContactLink.contact_id).where(ContactLink.session_id == subject.session_id))
        )
    return list(db.scalars(select(Contact).where(or_(*wanted))))


def sessions_of(db: TenantSession, subject: Subject, contacts: Sequence[Contact]) -> list[int]:
    """The ids of a person's sessions: named, or linked to one of their contacts."""
    linked = select(ContactLink.session_id).where(ContactLink.contact_id.in_([c.id for c in contacts]))
    return list(
        db.scalars(
            select(ChatSession.id).where(or_(ChatSession.id == (subject.session_id or 0), ChatSession.id.in_(linked)))
        )
    )


def person_sessions(tenant: Tenant, subject: Subject) -> list[int]:
    """The ids of a person's conversations, for a plugin that keeps something by them."""
    with tenant.read() as db:
        return sessions_of(db, subject, contacts_of(db, subject))


def _rows(tenant: Tenant, subject: Subject) -> dict[str, list[dict[str, Any]]]:
    with tenant.read() as db:
        contacts = contacts_of(db, subject)
        ids = sessions_of(db, subject, contacts)
        sessions = db.scalars(select(ChatSession).where(ChatSession.id.in_(ids)))
        messages = db.scalars(select(Message).where(Message.session_id.in_(ids)).order_by(Message.id))
        consents = db.scalars(
            select(ConsentRecord).where(
                or_(ConsentRecord.session_id.in_(ids), ConsentRecord.contact_id.in_([c.id for c in contacts]))
            )
        )
        return {
            "contacts": [
                {"name": c.name, "email": c.email, "phone": c.phone, "created_at": c.created_at.isoformat()}
                for c in contacts
            ],
            "sessions": [
                {
                    "id": s.id,
                    "language": s.language,
                    "created_at": s.created_at.isoformat(),
                    "last_at": s.last_at.isoformat(),
                }
                for s in sessions
            ],
            "messages": [
                {
                    "session": m.session_id,
                    "id": m.public_id,
                    "role": m.role,
                    "text": m.text,
                    "language": m.language,
                    "rating": m.rating,
                    "comment": m.comment,
                    "created_at": m.created_at.isoformat(),
                }
                for m in messages
            ],
            "consents": [
                {
                    "purpose": c.purpose,
                    "granted": c.granted,
                    "wording": c.wording,
                    "channel": c.channel,
                    "proof": c.proof,
                    "created_at": c.created_at.isoformat(),
                }
                for c in consents
            ],
            "attachments": [
                {
                    "session": a.session_id,
                    "message": a.message,
                    "name": a.name,
                    "media_type": a.media_type,
                    "bytes": a.size,
                    "created_at": a.created_at.isoformat(),
                }
                for a in db.scalars(select(Attachment).where(Attachment.session_id.in_(ids)).order_by(Attachment.id))
            ],
            "actions": action_rows(db, ids),
            "mails": [
                {"subject": m.subject, "kind": m.kind, "created_at": m.created_at.isoformat()}
                for m in mails_to(db, subject.email)
            ]
            if subject.email
            else [],
        }


def export(tenant: Tenant, subject: Subject) -> list[ExportPart]:
    """Everything core keeps on a person, with purpose and retention."""
    days = {d.id: d.retention_days for d in disclosures(tenant)}
    return [
        ExportPart(name, len(rows), rows, "leads" if name == "contacts" else "answer", days["conversation"])
        for name, rows in _rows(tenant, subject).items()
    ]


def locate(tenant: Tenant, subject: Subject) -> list[ExportPart]:
    """As `export`, with counts only."""
    return [ExportPart(p.name, p.count, (), p.purpose, p.retention_days) for p in export(tenant, subject)]


def rectify(tenant: Tenant, subject: Subject, changes: dict[str, str]) -> ErasureReport:
    """Correct a person's contacts. Raises InvalidRequest for a field that a contact does not have."""
    wrong = [f for f in changes if f not in FIELDS]
    if wrong:
        raise InvalidRequest(f"{wrong[0]} cannot be corrected.", f"use one of: {', '.join(FIELDS)}", field=wrong[0])
    with tenant.write() as db:
        contacts = contacts_of(db, subject)
        for contact in contacts:
            for name, value in changes.items():
                setattr(contact, name, value)
    return ErasureReport({"contacts": len(contacts)})


def restrict(tenant: Tenant, subject: Subject, restricted: bool) -> ErasureReport:
    """Mark a person's contacts and sessions as restricted, or lift it."""
    with tenant.write() as db:
        contacts = contacts_of(db, subject)
        ids = sessions_of(db, subject, contacts)
        for contact in contacts:
            contact.restricted = restricted
        db.execute(update(ChatSession).where(ChatSession.id.in_(ids)).values(restricted=restricted))
    return ErasureReport({"contacts": len(contacts), "sessions": len(ids)})


def erase(tenant: Tenant, subject: Subject) -> ErasureReport:
    """Delete a person's conversations, contacts and the mails to them."""
    with tenant.read() as db:
        contacts = [c.id for c in contacts_of(db, subject)]
        ids = sessions_of(db, subject, contacts_of(db, subject))
    counts: dict[str, int] = {"sessions": 0, "messages": 0}
    for session_id in ids:
        for name, n in erase_session(tenant, session_id).items():
            counts[name] = counts.get(name, 0) + n
    with tenant.write() as db:
        db.execute(delete(ConsentRecord).where(ConsentRecord.contact_id.in_(contacts)))
        db.execute(delete(ContactLink).where(ContactLink.contact_id.in_(contacts)))
        done = db.execute(delete(Contact).where(Contact.id.in_(contacts)))
        counts["mails"] = erase_mails(db, subject.email) if subject.email else 0
    counts["contacts"] = int(getattr(done, "rowcount", 0))
    tenant.platform.database.forget_deleted()
    return ErasureReport(counts)


def erase_tenant(tenant: Tenant) -> ErasureReport:
    """Delete a tenant's index, bytes and rows, with the receipt in the operator's trail in the same transaction.

    Deleting its row takes most others along; the rest is deleted by name.
    """
    done = {"chunks": tenant.platform.chunks.stats(tenant.id).chunks}
    operator = operator_tenant(tenant.platform)
    erase_stored(tenant.platform, tenant.id)
    with system_scope("erase a tenant"), tenant.platform.database.write() as db:
        row = db.get(TenantRow, tenant.id)
        if row is not None:
            done |= _count(db, tenant.id)
            receipt = {**dict(row.erased or {}), "core": done}
            db.add(
                AuditEntry(
                    tenant_id=operator.id,
                    actor=audit.current_actor(),
                    action="tenant.erased",
                    target=row.slug,
                    detail={f"{plugin} {kind}": n for plugin, kinds in receipt.items() for kind, n in kinds.items()},
                )
            )
            db.delete(row)
            db.flush()
        for model in _owned():
            gone = delete(model).where(model.tenant_id == tenant.id)  # a contact, for one, hangs on no other row
            db.execute(gone.execution_options(synchronize_session=False))
    erase_stored(tenant.platform, tenant.id)  # again: a job that was running may have written in between
    return ErasureReport(done)


def erase_stored(platform: Platform, tenant_id: int) -> None:
    """Delete a tenant's index and bytes, and what the database's own log still holds of its rows. Safe to repeat."""
    platform.chunks.delete_tenant(tenant_id)
    platform.blobs.delete_tenant(tenant_id)
    platform.database.forget_deleted()


def _owned() -> list[Any]:
    models = sorted((m.class_ for m in Base.registry.mappers), key=lambda c: c.__name__)
    return [model for model in models if issubclass(model, TenantOwned)]


def _count(db: TenantSession, tenant_id: int) -> dict[str, int]:
    """How many rows a tenant has in each table that has any, by the table's name."""
    tables: list[Any] = [*_owned(), Membership]
    counts = {
        m.__tablename__: db.scalar(select(func.count()).select_from(m).where(m.tenant_id == tenant_id)) for m in tables
    }
    return {name: n for name, n in counts.items() if n}
