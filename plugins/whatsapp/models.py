"""Tables: people, what came in, what goes out, who is blocked, and how the number is."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from webchatagent.core.api import NEVER_REUSED, Base, TenantOwned, belongs_to, new_uuid, now, own_key


class Person(TenantOwned, Base):
    """Somebody who writes to a number: known by the ID that Meta gave them for this business, by their number, or both.

    Goes with the conversation `session_id`. `last_in_at` opens the window of 24 hours; `stopped`: they sent STOP.
    """

    __tablename__ = "whatsapp_person"
    __table_args__ = (
        own_key(),
        belongs_to("chat_session", "session_id"),
        UniqueConstraint("tenant_id", "number_id", "user_id"),
        UniqueConstraint("tenant_id", "number_id", "wa_id"),
        Index("ix_whatsapp_person_session", "session_id"),
        NEVER_REUSED,
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    session_id: Mapped[int]
    number_id: Mapped[str] = mapped_column(String(40))
    user_id: Mapped[str | None] = mapped_column(String(160))
    wa_id: Mapped[str | None] = mapped_column(String(40))
    name: Mapped[str] = mapped_column(String(200), default="")
    username: Mapped[str] = mapped_column(String(100), default="")
    last_in_at: Mapped[datetime | None]
    stopped: Mapped[bool] = mapped_column(default=False)
    restricted: Mapped[bool] = mapped_column(default=False)
    greeted: Mapped[bool] = mapped_column(default=False)
    slowed_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=now)


class Incoming(TenantOwned, Base):
    """A message as it came, each once: `external_id` is the SHA-256 of Meta's id.

    `state` is waiting, done, ignored, failed or bad; `payload` is emptied when it is no longer waiting. The row stays
    for thirty days, so that nothing is taken twice. `person_id` is 0 when nobody is kept.
    """

    __tablename__ = "whatsapp_incoming"
    __table_args__ = (
        own_key(),
        UniqueConstraint("tenant_id", "external_id"),
        Index("ix_whatsapp_incoming_person", "person_id", "state"),
        Index("ix_whatsapp_incoming_created", "tenant_id", "created_at"),
        NEVER_REUSED,
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    external_id: Mapped[str] = mapped_column(String(64))
    person_id: Mapped[int] = mapped_column(default=0)
    kind: Mapped[str] = mapped_column(String(20))
    payload: Mapped[dict[str, Any]] = mapped_column(default=dict)
    said_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(String(10), default="waiting")
    attempts: Mapped[int] = mapped_column(default=0)
    error: Mapped[str] = mapped_column(String(80), default="")
    created_at: Mapped[datetime] = mapped_column(default=now)


class Outgoing(TenantOwned, Base):
    """A message on its way: `state` is waiting, sending, sent, delivered, read or failed, and never goes back.

    `public_id` travels with it and comes back in Meta's notices. `body` is emptied once Meta has it; `choices` are what
    its buttons stand for; `message` is the public id of the message in the conversation.
    """

    __tablename__ = "whatsapp_outgoing"
    __table_args__ = (
        own_key(),
        belongs_to("whatsapp_person", "person_id"),
        belongs_to("whatsapp_incoming", "incoming_id"),
        UniqueConstraint("tenant_id", "incoming_id", "ordinal"),
        UniqueConstraint("public_id"),
        Index("ix_whatsapp_outgoing_person", "person_id", "state"),
        Index("ix_whatsapp_outgoing_meta", "meta_id"),
        NEVER_REUSED,
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(36), default=new_uuid)
    person_id: Mapped[int]
    incoming_id: Mapped[int | None]
    ordinal: Mapped[int] = mapped_column(default=0)
    kind: Mapped[str] = mapped_column(String(20), default="text")
    body: Mapped[dict[str, Any]] = mapped_column(default=dict)
    choices: Mapped[list[Any]] = mapped_column(default=list)
    message: Mapped[str] = mapped_column(String(36), default="")
    meta_id: Mapped[str] = mapped_column(String(200), default="")
    state: Mapped[str] = mapped_column(String(10), default="waiting")
    error: Mapped[str] = mapped_column(String(20), default="")
    reason: Mapped[str] = mapped_column(String(300), default="")
    created_at: Mapped[datetime] = mapped_column(default=now)
    changed_at: Mapped[datetime] = mapped_column(default=now)


class Blocked(TenantOwned, Base):
    """Somebody whose messages are dropped: a keyed digest of their ID or number, and nothing else of them."""

    __tablename__ = "whatsapp_blocked"

    id: Mapped[int] = mapped_column(primary_key=True)
    who: Mapped[str] = mapped_column(String(100))
    hint: Mapped[str] = mapped_column(String(20), default="")
    created_at: Mapped[datetime] = mapped_column(default=now)


class Number(TenantOwned, Base):
    """How the number is at Meta, one row for each tenant. `trouble` is a key of texts.toml, or nothing."""

    __tablename__ = "whatsapp_number"
    __table_args__ = (UniqueConstraint("tenant_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    number_id: Mapped[str] = mapped_column(String(40), default="")
    shown: Mapped[str] = mapped_column(String(40), default="")
    name: Mapped[str] = mapped_column(String(200), default="")
    quality: Mapped[str] = mapped_column(String(20), default="")
    trouble: Mapped[str] = mapped_column(String(40), default="")
    trouble_at: Mapped[datetime | None]
    verified_at: Mapped[datetime | None]
    checked_at: Mapped[datetime | None]
    note: Mapped[str] = mapped_column(Text, default="")
