"""Tables: keys of programs, and the answers kept so that a repeated request is not done twice."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from ..clock import now
from ..tenancy import TenantOwned
from .base import NEVER_REUSED, Base, belongs_to, own_key


class ApiKey(TenantOwned, Base):
    """A key with which a program works for a tenant. Of its secret only a keyed digest is kept.

    `prefix` is the part that may be shown: it names the key, in lists and in the audit trail.
    """

    __tablename__ = "api_key"
    __table_args__ = (own_key(), NEVER_REUSED)

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id", ondelete="CASCADE"), index=True)
    prefix: Mapped[str] = mapped_column(String(12), unique=True)
    digest: Mapped[str] = mapped_column(String(80))
    name: Mapped[str] = mapped_column(String(100))
    scopes: Mapped[list[Any]] = mapped_column(default=list)
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]

    def __repr__(self) -> str:
        return f"<ApiKey {self.prefix}>"


class StoredReply(TenantOwned, Base):
    """The answer to a request that named an idempotency key. `status` is 0 while the request is being served."""

    __tablename__ = "stored_reply"
    __table_args__ = (
        own_key(),
        UniqueConstraint("key_id", "name_hash"),
        belongs_to("api_key", "key_id"),
        Index("ix_stored_reply_created", "tenant_id", "created_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    key_id: Mapped[int]
    name_hash: Mapped[str] = mapped_column(String(64))
    request_hash: Mapped[str] = mapped_column(String(64))
    status: Mapped[int] = mapped_column(default=0)
    body: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(default=now)
