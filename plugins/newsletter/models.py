"""Tables: who asked for the newsletter, whom Mailchimp still has to forget, and counts of what was sent."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from webchatagent.core.api import NEVER_REUSED, Base, TenantOwned, new_uuid, now, own_key


class Subscriber(TenantOwned, Base):
    """An address, and the proof of what its reader said.

    `state` is pending, confirmed or unsubscribed. `nonce` is the SHA-256 of the open confirmation link's random part,
    or empty; a link works once. Proof: when and from which network (shortened) it was asked for and confirmed, and the
    SHA-256 of the text that was agreed to. `version` counts changes and `pushed` is the one that Mailchimp has;
    `remote` is how it stands there, `trouble` why it could not be carried there. `session_id` is the conversation of
    who asked, until the address is confirmed: it may be somebody else's.
    """

    __tablename__ = "newsletter_subscriber"
    __table_args__ = (own_key(), UniqueConstraint("tenant_id", "email"), NEVER_REUSED)

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(36), unique=True, default=new_uuid)
    email: Mapped[str] = mapped_column(String(254))
    language: Mapped[str] = mapped_column(String(8), default="en")
    state: Mapped[str] = mapped_column(String(12), default="pending")
    nonce: Mapped[str] = mapped_column(String(64), default="")
    channel: Mapped[str] = mapped_column(String(10), default="page")
    wording: Mapped[str] = mapped_column(String(64), default="")
    asked_at: Mapped[datetime] = mapped_column(default=now)
    asked_from: Mapped[str] = mapped_column(String(45), default="")
    mailed_at: Mapped[datetime | None]
    confirmed_at: Mapped[datetime | None]
    confirmed_from: Mapped[str] = mapped_column(String(45), default="")
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str] = mapped_column(String(12), default="")
    tags: Mapped[list[Any]] = mapped_column(default=list)
    session_id: Mapped[int] = mapped_column(default=0)
    contact_id: Mapped[int] = mapped_column(default=0)
    version: Mapped[int] = mapped_column(default=1)
    pushed: Mapped[int] = mapped_column(default=0)
    remote: Mapped[str] = mapped_column(String(16), default="")
    trouble: Mapped[str] = mapped_column(String(16), default="")
    restricted: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(default=now)


class Removal(TenantOwned, Base):
    """An address that Mailchimp still has to delete for good, by the MD5 that it knows it by."""

    __tablename__ = "newsletter_removal"
    __table_args__ = (own_key(), UniqueConstraint("tenant_id", "digest", "audience_id"), NEVER_REUSED)

    id: Mapped[int] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(String(32))
    audience_id: Mapped[str] = mapped_column(String(20))
    created_at: Mapped[datetime] = mapped_column(default=now)


class Campaign(TenantOwned, Base):
    """What was sent to all: how many got it, and how often it was opened and clicked in all. Never by whom."""

    __tablename__ = "newsletter_campaign"
    __table_args__ = (own_key(), UniqueConstraint("tenant_id", "campaign_id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    campaign_id: Mapped[str] = mapped_column(String(40))
    title: Mapped[str] = mapped_column(String(200), default="")
    sent_at: Mapped[datetime | None]
    sent: Mapped[int] = mapped_column(default=0)
    opens: Mapped[int] = mapped_column(default=0)
    clicks: Mapped[int] = mapped_column(default=0)
