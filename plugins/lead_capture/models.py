"""Tables: leads, and what was told about them to the tenant's own service."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from webchatagent.core.api import NEVER_REUSED, Base, TenantOwned, belongs_to, new_uuid, now, own_key


class Lead(TenantOwned, Base):
    """Somebody who wants to be reached. `state` is new, contacted, qualified, won or lost.

    `answers` are those to the tenant's own questions, as [question, answer]. `marketing` says whether they agreed to
    more than an answer, and falls when they withdraw. `contact_id` is their contact in core, whose consents stand in
    the ledger.
    """

    __tablename__ = "lead_capture_lead"
    __table_args__ = (own_key(), Index("ix_lead_capture_lead_email", "tenant_id", "email"), NEVER_REUSED)

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(36), unique=True, default=new_uuid)
    bot_id: Mapped[int] = mapped_column(default=0)
    session_id: Mapped[int] = mapped_column(default=0)
    contact_id: Mapped[int] = mapped_column(default=0)
    channel: Mapped[str] = mapped_column(String(12), default="form")
    language: Mapped[str] = mapped_column(String(8), default="en")
    name: Mapped[str] = mapped_column(String(200), default="")
    email: Mapped[str] = mapped_column(String(254), default="")
    phone: Mapped[str] = mapped_column(String(40), default="")
    company: Mapped[str] = mapped_column(String(200), default="")
    message: Mapped[str] = mapped_column(Text, default="")
    answers: Mapped[list[Any]] = mapped_column(default=list)
    marketing: Mapped[bool] = mapped_column(default=False)
    state: Mapped[str] = mapped_column(String(12), default="new")
    owner: Mapped[str] = mapped_column(String(120), default="")
    notes: Mapped[str] = mapped_column(Text, default="")
    restricted: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(default=now)
    changed_at: Mapped[datetime] = mapped_column(default=now)


class Delivery(TenantOwned, Base):
    """That the tenant's own service is told of a lead. It holds no content: that is read when it is sent.

    `state` is queued, sent or failed. `public_id` goes along, so that a receiver drops what it has already.
    """

    __tablename__ = "lead_capture_delivery"
    __table_args__ = (own_key(), belongs_to("lead_capture_lead", "lead_id"), NEVER_REUSED)

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(36), unique=True, default=new_uuid)
    lead_id: Mapped[int]
    event: Mapped[str] = mapped_column(String(20))
    state: Mapped[str] = mapped_column(String(10), default="queued")
    answered: Mapped[int] = mapped_column(default=0)
    tries: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(default=now)
    sent_at: Mapped[datetime | None]
