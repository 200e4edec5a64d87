"""Counting what is used, per bot, day and meter."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import insert, select, update

from .clock import now
from .db.records import UsageRow
from .tenancy import TenantSession, current_tenant_id


def count(db: TenantSession, bot_id: int, amounts: Mapping[str, int]) -> None:
    """Add amounts to today's meters, in the session's transaction; zeros are left out."""
    today = now().date()
    for meter, amount in amounts.items():
        if not amount:
            continue
        row = (UsageRow.bot_id == bot_id, UsageRow.day == today, UsageRow.meter == meter)
        done = db.execute(
            update(UsageRow)
            .where(*row)
            .values(amount=UsageRow.amount + amount)
            .execution_options(synchronize_session=False)
        )
        if not getattr(done, "rowcount", 0):
            db.execute(
                insert(UsageRow),
                [{"tenant_id": current_tenant_id(), "bot_id": bot_id, "day": today, "meter": meter, "amount": amount}],
            )


def totals(db: TenantSession, bot_id: int) -> dict[str, int]:
    """All of a bot's meters, summed over its days."""
    out: dict[str, int] = {}
    for row in db.scalars(select(UsageRow).where(UsageRow.bot_id == bot_id)):
        out[row.meter] = out.get(row.meter, 0) + row.amount
    return out
