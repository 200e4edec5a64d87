"""Table: what a model proposed to do, and what the visitor made of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from ..clock import new_uuid, now
from ..tenancy import TenantOwned
from .base import NEVER_REUSED, Base, belongs_to, own_key


class ActionRow(TenantOwned, Base):
    """A proposal. `state` is proposed, running, done, failed, declined or expired; a settled one is never run again.

    `arguments` and `facts` (what the card shows, as [label, value]) are forgotten when it is settled or has expired;
    `message` is the sentence that the visitor read.
    """

    __tablename__ = "action"
    __table_args__ = (
        own_key(),
        belongs_to("chat_session", "session_id"),
        Index("ix_action_session", "session_id"),
        Index("ix_action_expiry", "state", "expires_at"),
        NEVER_REUSED,
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(36), unique=True, default=new_uuid)
    bot_id: Mapped[int]
    session_id: Mapped[int]
    turn_id: Mapped[int]
    plugin: Mapped[str] = mapped_column(String(40))
    tool: Mapped[str] = mapped_column(String(40))
    title: Mapped[str] = mapped_column(String(200), default="")
    arguments: Mapped[dict[str, Any]] = mapped_column(default=dict)
    facts: Mapped[list[Any]] = mapped_column(default=list)
    language: Mapped[str] = mapped_column(String(8), default="")
    state: Mapped[str] = mapped_column(String(10), default="proposed")
    message: Mapped[str] = mapped_column(Text, default="")
    expires_at: Mapped[datetime]
    created_at: Mapped[datetime] = mapped_column(default=now)
    settled_at: Mapped[datetime | None]
