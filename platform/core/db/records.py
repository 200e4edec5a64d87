"""Tables: the job ledger, consent, usage and the audit trail."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, foreign, mapped_column, relationship

from ..clock import new_uuid, now
from ..tenancy import TenantOwned
from .base import Base, own_key
from .tenants import Bot


class BackgroundJob(TenantOwned, Base):
    """A job, written in the transaction of the change that needs it; the queue only rings.

    `state` is queued, running, done, failed or cancelled. A running job holds a lease until `lease_until`; one whose
    lease ran out is taken again. Of the due jobs the lowest `priority` runs first. `key` keeps a second job of the
    same meaning from being queued.
    """

    __tablename__ = "background_job"
    __table_args__ = (
        own_key(),
        Index("ix_background_job_due", "state", "priority", "run_at"),
        Index("ix_background_job_key", "key"),
        Index("ix_background_job_served", "tenant_id", "finished_at"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_uuid)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(String(40))
    arguments: Mapped[dict[str, Any]] = mapped_column(default=dict)
    key: Mapped[str] = mapped_column(String(100), default="")
    state: Mapped[str] = mapped_column(String(10), default="queued")
    attempts: Mapped[int] = mapped_column(default=0)
    priority: Mapped[int] = mapped_column(default=0)
    run_at: Mapped[datetime] = mapped_column(default=now)
    leased_by: Mapped[str] = mapped_column(String(64), default="")
    lease_until: Mapped[datetime | None]
    error: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(default=now)
    finished_at: Mapped[datetime | None]


class ConsentRecord(TenantOwned, Base):
    """One decision of a visitor, never changed: a withdrawal is a row of its own. `wording` is the SHA-256 of what was asked.

    One that a person here recorded for somebody has a `proof` (where the letter or mail is), `recorded_by` and the time
    it was `received_at`.
    """

    __tablename__ = "consent_record"
    __table_args__ = (own_key(), Index("ix_consent_record_subject", "tenant_id", "session_id", "purpose"))

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id", ondelete="CASCADE"), index=True)
    session_id: Mapped[int | None]
    contact_id: Mapped[int | None]
    purpose: Mapped[str] = mapped_column(String(60))
    granted: Mapped[bool]
    wording: Mapped[str] = mapped_column(String(64), default="")
    channel: Mapped[str] = mapped_column(String(20), default="widget")
    proof: Mapped[str] = mapped_column(Text, default="")
    recorded_by: Mapped[str] = mapped_column(String(120), default="")
    received_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=now)


class UsageRow(TenantOwned, Base):
    """How much of a meter a bot used on a day; see `own_views.METERS`. `cost_EUR` is money, in micro-units."""

    __tablename__ = "usage"
    __table_args__ = (own_key(), UniqueConstraint("tenant_id", "bot_id", "day", "meter"))

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id", ondelete="CASCADE"), index=True)
    bot_id: Mapped[int]
    day: Mapped[date]
    meter: Mapped[str] = mapped_column(String(40))
    amount: Mapped[int] = mapped_column(BigInteger, default=0)

    bot: Mapped[Bot] = relationship(primaryjoin=lambda: foreign(UsageRow.bot_id) == Bot.id, viewonly=True)


class AuditEntry(TenantOwned, Base):
    """Who did what, when; never the content that changed. Rows are only added."""

    __tablename__ = "audit_entry"
    __table_args__ = (own_key(), Index("ix_audit_entry_at", "tenant_id", "at"))

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id", ondelete="CASCADE"), index=True)
    at: Mapped[datetime] = mapped_column(default=now)
    actor: Mapped[str] = mapped_column(String(120))
    action: Mapped[str] = mapped_column(String(60))
    target: Mapped[str] = mapped_column(String(200), default="")
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)
