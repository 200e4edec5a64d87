"""Tables: chat sessions, messages, turns, and the contacts that may be linked to a session.

A message holds text, time, language and ids, nothing else; who the visitor is stands in `contact`, behind a link of
its own, so that cutting the link leaves the conversation anonymous.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, foreign, mapped_column, relationship

from ..clock import new_uuid, now
from ..tenancy import TenantOwned
from .base import NEVER_REUSED, Base, belongs_to, own_key
from .tenants import Bot


class ChatSession(TenantOwned, Base):
    """A visitor's conversation with one bot. Of the session id only the SHA-256 (hex) is kept.

    `channel` is the plugin through which the visitor writes; empty for the website.
    """

    __tablename__ = "chat_session"
    __table_args__ = (
        own_key(),
        belongs_to("bot", "bot_id"),
        Index("ix_chat_session_recent", "tenant_id", "last_at"),
        NEVER_REUSED,
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    bot_id: Mapped[int]
    key_hash: Mapped[str] = mapped_column(String(64), unique=True)
    language: Mapped[str] = mapped_column(String(8), default="")
    channel: Mapped[str] = mapped_column(String(40), default="")
    restricted: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(default=now)
    last_at: Mapped[datetime] = mapped_column(default=now)
    ended_at: Mapped[datetime | None]

    bot: Mapped[Bot] = relationship(primaryjoin=lambda: foreign(ChatSession.bot_id) == Bot.id, viewonly=True)


class Message(TenantOwned, Base):
    """One message. `role` is visitor, bot or agent; `sources` are the numbered citations of an answer.

    `personal` are the places in an answer where values were put back, as [start, end, label].
    """

    __tablename__ = "message"
    __table_args__ = (
        own_key(),
        belongs_to("chat_session", "session_id"),
        Index("ix_message_session", "session_id", "id"),
        NEVER_REUSED,
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(36), unique=True, default=new_uuid)
    session_id: Mapped[int]
    role: Mapped[str] = mapped_column(String(10))
    text: Mapped[str] = mapped_column(Text)
    language: Mapped[str] = mapped_column(String(8), default="")
    sources: Mapped[list[Any]] = mapped_column(default=list)
    parts: Mapped[list[Any]] = mapped_column(default=list)
    personal: Mapped[list[Any]] = mapped_column(default=list)
    rating: Mapped[str] = mapped_column(String(4), default="")
    comment: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(default=now)


class Attachment(TenantOwned, Base):
    """A file that a visitor sent through a channel. `state` is stored, refused (its kind), too_large or lost."""

    __tablename__ = "attachment"
    __table_args__ = (
        own_key(),
        belongs_to("chat_session", "session_id"),
        Index("ix_attachment_session", "session_id"),
        NEVER_REUSED,
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    session_id: Mapped[int]
    message: Mapped[str] = mapped_column(String(36), default="")
    name: Mapped[str] = mapped_column(String(200), default="")
    media_type: Mapped[str] = mapped_column(String(100), default="")
    size: Mapped[int] = mapped_column(BigInteger, default=0)
    blob: Mapped[str] = mapped_column(String(200), default="")
    state: Mapped[str] = mapped_column(String(10), default="stored")
    created_at: Mapped[datetime] = mapped_column(default=now)


class TurnRow(TenantOwned, Base):
    """A question on its way to an answer, durable: `state` is accepted, streaming, done or cut.

    `text` is what was written so far, about once a second; `client_message_id` is unique per bot, so that the same
    question sent twice is answered once.

    What it took stands in the row too, see `spent.record_of`: `provider` is the plugin, times are in milliseconds,
    `cost` is in micro-units of `currency`, `error` the code of what ended it. While the answer is on its way, tokens and
    cost are an estimate that counts for the caps. `watched_at` is when a reader in another process was last there,
    `held_by` the process that answers.
    """

    __tablename__ = "turn"
    __table_args__ = (
        own_key(),
        UniqueConstraint("bot_id", "client_message_id"),
        belongs_to("chat_session", "session_id"),
        Index("ix_turn_session", "session_id"),
        Index("ix_turn_unfinished", "state", "updated_at"),
        NEVER_REUSED,
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    bot_id: Mapped[int]
    session_id: Mapped[int]
    client_message_id: Mapped[str | None] = mapped_column(String(64))
    public_id: Mapped[str] = mapped_column(String(36), unique=True, default=new_uuid)
    state: Mapped[str] = mapped_column(String(10), default="accepted")
    refused: Mapped[bool] = mapped_column(default=False)
    text: Mapped[str] = mapped_column(Text, default="")
    question_id: Mapped[int | None]
    answer_id: Mapped[int | None]
    attempts: Mapped[int] = mapped_column(default=1)
    provider: Mapped[str] = mapped_column(String(40), default="")
    model: Mapped[str] = mapped_column(String(100), default="")
    tokens_in: Mapped[int] = mapped_column(default=0)
    tokens_out: Mapped[int] = mapped_column(default=0)
    first_ms: Mapped[int | None]
    total_ms: Mapped[int | None]
    error: Mapped[str] = mapped_column(String(40), default="")
    cost: Mapped[int] = mapped_column(BigInteger, default=0)
    currency: Mapped[str] = mapped_column(String(3), default="")
    bot_version: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now)
    watched_at: Mapped[datetime | None]
    held_by: Mapped[str] = mapped_column(String(64), default="")


class Contact(TenantOwned, Base):
    """A person who told who they are. The only place of name, e-mail and phone."""

    __tablename__ = "contact"
    __table_args__ = (own_key(), Index("ix_contact_email", "tenant_id", "email"), NEVER_REUSED)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(200), default="")
    email: Mapped[str] = mapped_column(String(320), default="")
    phone: Mapped[str] = mapped_column(String(40), default="")
    restricted: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(default=now)


class ContactLink(TenantOwned, Base):
    """That a session is a contact's."""

    __tablename__ = "contact_link"
    __table_args__ = (
        own_key(),
        UniqueConstraint("session_id", "contact_id"),
        belongs_to("chat_session", "session_id"),
        belongs_to("contact", "contact_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    session_id: Mapped[int]
    contact_id: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(default=now)
