"""Tables: mails on their way, invitations, and the links that people get by mail."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from ..clock import now
from ..tenancy import TenantOwned
from .base import NEVER_REUSED, Base, own_key


class OutboxMail(TenantOwned, Base):
    """A mail. `state` is kept (there is no mail server), queued, sent or failed.

    `body` is sealed, since it may hold a link that lets somebody in, and is emptied when the mail has been sent.
    """

    __tablename__ = "outbox_mail"
    __table_args__ = (own_key(), Index("ix_outbox_mail_recipient", "tenant_id", "recipient"), NEVER_REUSED)

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(String(30))
    recipient: Mapped[str] = mapped_column(String(320))
    subject: Mapped[str] = mapped_column(String(300))
    body: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(10))
    error: Mapped[str] = mapped_column(String(300), default="")
    created_at: Mapped[datetime] = mapped_column(default=now)
    sent_at: Mapped[datetime | None]


class Invitation(TenantOwned, Base):
    """That an e-mail address may join a tenant in a role. Of the link only the SHA-256 (hex) is kept."""

    __tablename__ = "invitation"
    __table_args__ = (own_key(), Index("ix_invitation_email", "tenant_id", "email"))

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id", ondelete="CASCADE"), index=True)
    email: Mapped[str] = mapped_column(String(320))
    role: Mapped[str] = mapped_column(String(20))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime]


class AccountLink(Base):
    """A link of an account that works once: `kind` is register or reset. Not tenant-owned: a person has no tenant yet.

    `user_id` of 0 belongs to nobody, so the link opens nothing.
    """

    __tablename__ = "account_link"
    __table_args__ = (Index("ix_account_link_expires", "expires_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    email: Mapped[str] = mapped_column(String(320))
    user_id: Mapped[int] = mapped_column(default=0)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime]
