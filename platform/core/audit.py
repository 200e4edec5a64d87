"""The audit trail: who did what, when; never the content."""

from __future__ import annotations

from .db.records import AuditEntry
from .tenancy import TenantSession
from .tenants import Tenant


def record(db: TenantSession, actor: str, action: str, target: str = "", **detail: object) -> None:
    """Add an entry to the session's transaction. `action` is `noun.verb`; `detail` holds ids and counts only."""
    db.add(AuditEntry(actor=actor, action=action, target=target, detail=detail))


def note(tenant: Tenant, actor: str, action: str, target: str = "", **detail: object) -> None:
    """Add an entry in a transaction of its own, for what a core function did that does not know who asked."""
    with tenant.write() as db:
        record(db, actor, action, target, **detail)
