"""Support: an operator enters a tenant with a reason and for a time; the tenant sees it, reads it later, and may end it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import select

from . import audit
from .clock import now
from .db.operating import SupportVisit
from .db.records import AuditEntry
from .errors import Forbidden, InvalidRequest
from .tenancy import TenantSession
from .tenants import OPERATOR, Tenant, operator_tenant

MINUTES = (15, 30, 60, 120, 240)
"""How long a visit may last."""
MIN_REASON, MAX_REASON = 10, 500
REPEAT_SECONDS = 60
"""A page that is asked for again within this time is written down once: some pages refresh themselves."""


def begin_visit(tenant: Tenant, user_id: int, operator: str, reason: str, minutes: int) -> SupportVisit:
    """Let an operator in until a time. An earlier visit of theirs to this tenant ends.

    Raises InvalidRequest for a missing reason or another time, Forbidden for the operator's own tenant.
    """
    reason = " ".join(reason.split())
    if not MIN_REASON <= len(reason) <= MAX_REASON:
        raise InvalidRequest("A visit needs a reason.", "say why, in a sentence", code="reason_missing", field="reason")
    if minutes not in MINUTES:
        raise InvalidRequest(
            "A visit lasts at most four hours.", f"use one of: {MINUTES}", code="minutes_wrong", field="minutes"
        )
    if tenant.slug == OPERATOR:
        raise Forbidden("You work in this tenant already.", code="operator_tenant")
    at = now()
    with tenant.write() as db:
        for earlier in _open(db, user_id):
            earlier.ended_at = at
        row = SupportVisit(
            user_id=user_id, operator=operator, reason=reason, begun_at=at, until=at + timedelta(minutes=minutes)
        )
        db.add(row)
        audit.record(db, f"user:{user_id}", "support.begun", f"user:{user_id}", minutes=minutes, reason=reason)
    with operator_tenant(tenant.platform).write() as db:
        audit.record(db, f"user:{user_id}", "support.begun", tenant.slug, minutes=minutes)
    return row


def current_visits(tenant: Tenant) -> Sequence[SupportVisit]:
    """The visits that go on."""
    with tenant.read() as db:
        return _open(db)


def end_visits(tenant: Tenant, user_id: int = 0) -> int:
    """End the visits to a tenant that go on, or one operator's; returns how many. Safe to repeat."""
    with tenant.write() as db:
        rows = _open(db, user_id)
        for row in rows:
            row.ended_at = now()
            audit.record(db, audit.current_actor(), "support.ended", f"user:{row.user_id}")
    return len(rows)


def _open(db: TenantSession, user_id: int = 0) -> list[SupportVisit]:
    wanted = [SupportVisit.user_id == user_id] if user_id else []
    going = (SupportVisit.ended_at.is_(None), SupportVisit.until > now())
    return list(db.scalars(select(SupportVisit).where(*going, *wanted).order_by(SupportVisit.id)))


def note_step(tenant: Tenant, user_id: int, step: str) -> None:
    """Write down in the tenant's trail what a visitor of support opens or does, before it happens."""
    actor, step = f"user:{user_id}", step[:200]
    with tenant.write() as db:
        last = db.scalar(
            select(AuditEntry)
            .where(AuditEntry.actor == actor, AuditEntry.action == "support.opened")
            .order_by(AuditEntry.id.desc())
            .limit(1)
        )
        fresh = last is not None and last.at > now() - timedelta(seconds=REPEAT_SECONDS)
        if not (fresh and last.target == step and step.startswith("GET ")):  # type: ignore[union-attr]
            audit.record(db, actor, "support.opened", step)
