"""Who writes: one row for each person, found by Meta's ID for them or by their number, whichever came."""

from __future__ import annotations

from sqlalchemy import delete, or_, select, update

from webchatagent.core.api import (
    LiveBot,
    Tenant,
    TenantSession,
    Through,
    audit_record,
    channel_bot,
    current_actor,
    open_conversation,
)

from .config import Config
from .models import Blocked, Incoming, Outgoing, Person
from .payload import Sender

CHANNEL = "whatsapp"
BLOCK = "whatsapp block"


def find(db: TenantSession, number_id: str, sender: Sender) -> Person | None:
    """The person of either key; the oldest wins when two rows are one person, and takes over what the other had.

    Who has the number of a person with another ID of Meta's is somebody else: numbers are given out again.
    """
    either = [getattr(Person, name) == key for name in ("user_id", "wa_id") if (key := getattr(sender, name))]
    rows = list(db.scalars(select(Person).where(Person.number_id == number_id, or_(*either)).order_by(Person.id)))
    strangers = [row for row in rows if row.user_id and sender.user_id and row.user_id != sender.user_id]
    for row in strangers:
        row.wa_id = None
        rows.remove(row)
    db.flush()
    if not rows:
        return None
    first, *others = rows
    for other in others:
        _merge(db, first, other)
    _know(db, first, sender)
    return first


def _merge(db: TenantSession, first: Person, other: Person) -> None:
    """Two rows turn out to be one person: messages move, and what one of the two refused stays refused."""
    for model in (Incoming, Outgoing):
        moved = update(model).where(model.person_id == other.id).values(person_id=first.id)
        db.execute(moved.execution_options(synchronize_session=False))
    first.stopped, first.restricted = first.stopped or other.stopped, first.restricted or other.restricted
    if other.last_in_at and (first.last_in_at is None or first.last_in_at < other.last_in_at):
        first.last_in_at = other.last_in_at
    db.delete(other)
    db.flush()


def _know(db: TenantSession, row: Person, sender: Sender) -> None:
    """Keep what is new of a person."""
    if sender.user_id:
        row.user_id = sender.user_id
    if sender.wa_id:
        row.wa_id = sender.wa_id
    row.name, row.username = sender.name or row.name, sender.username or row.username


def answering_bot(tenant: Tenant) -> LiveBot:
    """The bot that answers. Raises NotFound when the tenant has none.

    Ask before a transaction is begun: it needs a connection of its own, and fifty who hold one each would wait for ever.
    """
    return channel_bot(tenant, tenant.config(Config).bot)


def find_or_make(tenant: Tenant, db: TenantSession, sender: Sender, bot: LiveBot) -> Person:
    """The person, with a conversation."""
    number_id = tenant.config(Config).phone_number_id
    row = find(db, number_id, sender)
    if row is None:
        row = Person(session_id=open_conversation(db, bot, Through(CHANNEL)), number_id=number_id)
        db.add(row)
        _know(db, row, sender)
        db.flush()
    return row


def change_number(db: TenantSession, row: Person, wa_id: str, user_id: str) -> None:
    """They have another number now; whoever had it here before is known without it from now on."""
    for name, value in (("wa_id", wa_id), ("user_id", user_id)):
        if value:
            column = getattr(Person, name)
            taken = update(Person).where(Person.number_id == row.number_id, column == value, Person.id != row.id)
            db.execute(taken.values({name: None}).execution_options(synchronize_session=False))
            setattr(row, name, value)


# -- the block list -------------------------------------------------------------------------------------------


def block_list(db: TenantSession) -> list[str]:
    """The digests of those who are blocked."""
    return list(db.scalars(select(Blocked.who).order_by(Blocked.id)))


def is_blocked(tenant: Tenant, blocked: list[str], sender: Sender | Person) -> bool:
    """Whether somebody is on the list."""
    keys = [key for key in (sender.user_id, sender.wa_id) if key]
    return any(tenant.platform.secret_box.matches(key, who, BLOCK) for who in blocked for key in keys)


def block(tenant: Tenant, row: Person) -> None:
    """Drop what this person sends from now on, by whichever key it comes."""
    with tenant.write() as db:
        known = block_list(db)
        for key in filter(None, (row.user_id, row.wa_id)):
            if not any(tenant.platform.secret_box.matches(key, who, BLOCK) for who in known):
                db.add(Blocked(who=tenant.platform.secret_box.digest(key, BLOCK), hint=f"…{key[-3:]}"))
        audit_record(db, current_actor(), "whatsapp.blocked", f"conversation:{row.session_id}")


def unblock(tenant: Tenant, rows: list[Blocked]) -> None:
    """Take them off the list."""
    with tenant.write() as db:
        gone = delete(Blocked).where(Blocked.id.in_([row.id for row in rows]))
        db.execute(gone.execution_options(synchronize_session=False))
        audit_record(db, current_actor(), "whatsapp.unblocked", count=len(rows))
