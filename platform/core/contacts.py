"""Contacts as the people of a tenant look after them: correcting, restricting and erasing reach every plugin."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from . import audit
from .db.chats import ChatSession, Contact, ContactLink
from .db.tenants import Bot
from .errors import NotFound, Unavailable
from .privacy import Subject
from .registry import HookFailed
from .tenancy import TenantSession
from .tenants import Tenant

_EMAIL = re.compile(r"[^\s@<>()\[\],;:\\\"]{1,64}@[^\s@<>()\[\],;:\\\"]+\.[^\s@<>()\[\],;:\\\".]{2,}")


def read_email(text: object) -> str:
    """An e-mail address in lower case, or nothing for what is none: line breaks, lists and names beside it included."""
    email = text.strip().lower() if isinstance(text, str) else ""
    return email if len(email) <= 254 and email.isprintable() and _EMAIL.fullmatch(email) else ""


@dataclass(frozen=True)
class SavedLead:
    """What a person left, as other plugins are told: `wordings` are digests of what they agreed to, by purpose."""

    email: str = field(default="", repr=False)
    language: str = "en"
    wordings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Talk:
    """A conversation of a contact."""

    session_id: int
    bot: str
    started: datetime


def talks_of(tenant: Tenant, contact_id: int) -> Sequence[Talk]:
    """The conversations of a contact, the latest first."""
    with tenant.read() as db:
        rows = db.execute(
            select(ChatSession.id, Bot.name, ChatSession.created_at)
            .join(ContactLink, ContactLink.session_id == ChatSession.id)
            .join(Bot, Bot.id == ChatSession.bot_id)
            .where(ContactLink.contact_id == contact_id)
            .order_by(ChatSession.id.desc())
        )
        return [Talk(*row) for row in rows]


def contact_of(db: TenantSession, email: str, name: str = "", phone: str = "") -> int:
    """The id of the contact with an e-mail address that was proven to be theirs, made when there is none.

    Of one who is known only what is missing is added. A contact that hangs on a conversation is not taken: somebody
    may have typed the address there, and would see what belongs to its owner. Never call it with such an address.
    """
    email = email.strip().lower()
    loose = Contact.id.not_in(select(ContactLink.contact_id))
    mine = func.lower(Contact.email) == email
    row = db.scalar(select(Contact).where(mine, loose).order_by(Contact.id).limit(1))
    if row is None:
        row = Contact(email=email)
        db.add(row)
    row.name, row.phone = row.name or name[:200], row.phone or phone[:40]
    db.flush()
    return int(row.id)


def typed_contact(db: TenantSession, session_id: int, name: str, email: str, phone: str) -> int:
    """The id of a contact for what somebody typed, linked to their conversation.

    It is a new one unless this conversation has told the same address before: an address that nobody proved must not
    open what is kept on its owner.
    """
    email = email.strip().lower()
    mine = select(ContactLink.contact_id).where(ContactLink.session_id == session_id)
    row = db.scalar(select(Contact).where(Contact.id.in_(mine), func.lower(Contact.email) == email).limit(1))
    if row is None:
        row = Contact(name=name[:200], email=email, phone=phone[:40])
        db.add(row)
        db.flush()
        if session_id:
            db.add(ContactLink(session_id=session_id, contact_id=row.id))
    row.name, row.phone = name[:200] or row.name, phone[:40] or row.phone
    db.flush()
    return int(row.id)


def correct_contact(tenant: Tenant, contact_id: int, changes: dict[str, str]) -> None:
    """Write a corrected name, e-mail address or phone number wherever it is kept. Raises NotFound, Unavailable."""
    _reach(tenant, contact_id, "subject_rectify", "contact.corrected", changes=changes)


def restrict_contact(tenant: Tenant, contact_id: int, restricted: bool) -> None:
    """Stop using what is kept on a contact, or use it again. Raises NotFound, Unavailable."""
    action = "contact.restricted" if restricted else "contact.released"
    _reach(tenant, contact_id, "subject_restrict", action, restricted=restricted)


def erase_contact(tenant: Tenant, contact_id: int) -> None:
    """Delete a contact with its conversations, here and in every plugin. Raises NotFound, Unavailable."""
    _reach(tenant, contact_id, "subject_erase", "contact.erased")


def _reach(tenant: Tenant, contact_id: int, hook: str, action: str, **arguments: Any) -> None:
    with tenant.read() as db:
        row = db.get(Contact, contact_id)
    if row is None:
        raise NotFound("There is no such contact.", code="contact_not_found")
    subject = Subject(contact_id=contact_id, email=row.email if hook == "subject_erase" else "")
    try:
        tenant.hooks.call(hook, tenant=tenant, subject=subject, **arguments)
    except HookFailed as error:
        names = ", ".join(plugin for plugin, _ in error.failures)
        raise Unavailable(f"Not every plugin could do it: {names}.", "try again; what is done stays done") from None
    with tenant.write() as db:
        audit.record(db, audit.current_actor(), action, f"contact:{contact_id}")
