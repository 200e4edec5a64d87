"""Tables: what the operator does in a tenant, and tells everybody."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from ..clock import now
from ..tenancy import TenantOwned
from .base import NEVER_REUSED, Base, belongs_to, own_key


class SupportVisit(TenantOwned, Base):
    """That an operator may enter a tenant until a time, and why. Rows stay, as a record."""

    __tablename__ = "support_visit"
    __table_args__ = (own_key(), Index("ix_support_visit_user", "user_id", "until"))

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id", ondelete="CASCADE"), index=True)
    user_id: Mapped[int]
    operator: Mapped[str] = mapped_column(String(320))
    reason: Mapped[str] = mapped_column(String(500))
    begun_at: Mapped[datetime] = mapped_column(default=now)
    until: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class ServiceNotice(TenantOwned, Base):
    """A mail of the operator to every active account. `texts` is `{language: {"subject", "body"}}`.

    `state` is draft, sending or sent; it belongs to the operator's own tenant.
    """

    __tablename__ = "service_notice"
    __table_args__ = (own_key(), NEVER_REUSED)

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id", ondelete="CASCADE"), index=True)
    texts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    state: Mapped[str] = mapped_column(String(10), default="draft")
    created_at: Mapped[datetime] = mapped_column(default=now)
    begun_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class NoticeRecipient(TenantOwned, Base):
    """That an account gets a notice, once. `email` is emptied when the mail is in the outbox."""

    __tablename__ = "notice_recipient"
    __table_args__ = (
        own_key(),
        UniqueConstraint("notice_id", "user_id"),
        belongs_to("service_notice", "notice_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(index=True)
    notice_id: Mapped[int]
    user_id: Mapped[int]
    email: Mapped[str] = mapped_column(String(320))
    language: Mapped[str] = mapped_column(String(8))
    mailed_at: Mapped[datetime | None]


class OtherRecipient(TenantOwned, Base):
    """Who gets personal data without being a plugin: hosting, proxy, mail. In the operator's tenant; named in all notices."""

    __tablename__ = "other_recipient"
    __table_args__ = (own_key(),)

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(200))
    kind: Mapped[str] = mapped_column(String(20))
    country: Mapped[str] = mapped_column(String(2))
    privacy_url: Mapped[str] = mapped_column(Text, default="")
    purpose: Mapped[str] = mapped_column(String(20))
    data: Mapped[list[Any]] = mapped_column(default=list)
    created_at: Mapped[datetime] = mapped_column(default=now)
