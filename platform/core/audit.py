"""The audit trail: who did what, when; never the content."""

from __future__ import annotations

from .db.records import AuditEntry
from .tenancy import TenantSession


def record(db: TenantSession, actor: str, action: str, target: str = "", **detail: object) -> None:
    """Add an entry to the session's transaction. `action` is `noun.verb`; `detail` holds ids and counts only."""
    db.add(AuditEntry(actor=actor, action=action, target=target, detail=detail))
