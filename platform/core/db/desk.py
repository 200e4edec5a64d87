"""Tables of the privacy desk: what persons asked for by right, and the notices that were published."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from ..clock import new_uuid, now
from ..tenancy import TenantOwned
from .base import NEVER_REUSED, Base, own_key


class RightsRequest(TenantOwned, Base):
    """A request of a person: who (a session, a contact or an address), what, until when, and what became of it.

    `state` is open, incomplete (something failed and is tried again), done or refused. `receipt` says by part what was
    changed and what is kept, `missing` which parts have not answered. When it is settled, nothing that names the
    person stays: no address, no session, no changes.
    """

    __tablename__ = "rights_request"
    __table_args__ = (own_key(), Index("ix_rights_request_due", "tenant_id", "state", "due_at"), NEVER_REUSED)

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id", ondelete="CASCADE"), index=True)
    public_id: Mapped[str] = mapped_column(String(36), unique=True, default=new_uuid)
    kind: Mapped[str] = mapped_column(String(20))
    channel: Mapped[str] = mapped_column(String(20), default="widget")
    session_id: Mapped[int | None]
    contact_id: Mapped[int | None]
    email: Mapped[str] = mapped_column(String(254), default="")
    changes: Mapped[dict[str, Any]] = mapped_column(default=dict)
    purpose: Mapped[str] = mapped_column(String(60), default="")
    state: Mapped[str] = mapped_column(String(12), default="open")
    receipt: Mapped[dict[str, Any]] = mapped_column(default=dict)
    missing: Mapped[str] = mapped_column(String(500), default="")
    reason: Mapped[str] = mapped_column(Text, default="")
    handled_by: Mapped[str] = mapped_column(String(120), default="")
    due_at: Mapped[datetime]
    created_at: Mapped[datetime] = mapped_column(default=now)
    closed_at: Mapped[datetime | None]


class NoticeVersion(TenantOwned, Base):
    """A privacy notice as it was published, in every language. Rows are only added.

    `texts` is `{language: {"title", "controller", "sections": [{"heading", "sentences"}]}}`.
    """

    __tablename__ = "notice_version"
    __table_args__ = (own_key(), UniqueConstraint("tenant_id", "number"))

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id", ondelete="CASCADE"), index=True)
    number: Mapped[int]
    texts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    digest: Mapped[str] = mapped_column(String(64))
    published_by: Mapped[str] = mapped_column(String(120))
    published_at: Mapped[datetime] = mapped_column(default=now)
