"""What became of our messages: sent, delivered, read or failed, in this order, whatever order the notices come in."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import or_, select, update

from webchatagent.core.api import TenantSession, now

from .models import Outgoing
from .payload import Status

RANK = {"waiting": 0, "sending": 1, "sent": 2, "failed": 3, "delivered": 4, "read": 5}
"""A message that was delivered did not fail, whatever a late notice says."""


def note_statuses(db: TenantSession, statuses: Sequence[Status]) -> None:
    """Take notices over. One that comes before Meta's answer to us names our own id."""
    for start in range(0, len(statuses), 200):
        part = statuses[start : start + 200]
        wanted = [Outgoing.meta_id.in_([s.id for s in part]), Outgoing.public_id.in_([s.opaque for s in part])]
        rows = list(db.scalars(select(Outgoing).where(or_(*wanted))))
        by_meta = {row.meta_id: row for row in rows if row.meta_id}
        by_own = {row.public_id: row for row in rows}
        for status in part:
            row = by_meta.get(status.id) or by_own.get(status.opaque)
            if row is not None:
                row.meta_id = row.meta_id or status.id[:200]
                advance(row, status.state, status.code, status.reason)


def advance(row: Outgoing, state: str, code: str = "", reason: str = "") -> None:
    """Bring a message into a later state; an earlier one changes nothing."""
    if RANK[state] <= RANK[row.state]:
        return
    row.state, row.changed_at = state, now()
    if state == "failed":
        row.error, row.reason = code[:20], reason[:300]
    if state != "failed":
        row.error = row.reason = ""
    row.body = {}


def begin_sending(db: TenantSession, row_id: int) -> bool:
    """Take a waiting message into hand, so that a killed process leaves a trace; False when a notice came meanwhile."""
    done = db.execute(
        update(Outgoing)
        .where(Outgoing.id == row_id, Outgoing.state.in_(("waiting", "sending")))
        .values(state="sending", changed_at=now())
        .execution_options(synchronize_session=False)
    )
    return bool(getattr(done, "rowcount", 0))
