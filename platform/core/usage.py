"""Counting what is used, per bot, day and meter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

from .clock import now
from .db.records import UsageRow
from .tenancy import TenantSession, current_tenant_id


def count(db: TenantSession, bot_id: int, amounts: Mapping[str, int]) -> None:
    """Add amounts to today's meters, in the session's transaction; zeros are left out."""
    today = now().date()
    rows = [
        {"tenant_id": current_tenant_id(), "bot_id": bot_id, "day": today, "meter": meter, "amount": amount}
        for meter, amount in amounts.items()
        if amount
    ]
    if rows:
        connection = db.connection()
        connection.execute(_ADD[connection.dialect.name], rows)


def _add(insert: Any) -> Any:
    """One statement that makes the row of a day or adds to it; each row carries the tenant of the scope."""
    table = UsageRow.__table__
    row = insert(table)
    key = [table.c.tenant_id, table.c.bot_id, table.c.day, table.c.meter]
    return row.on_conflict_do_update(index_elements=key, set_={"amount": table.c.amount + row.excluded.amount})


_ADD = {"sqlite": _add(sqlite.insert), "postgresql": _add(postgresql.insert)}


def totals(db: TenantSession, bot_id: int) -> dict[str, int]:
    """All of a bot's meters, summed over its days."""
    out: dict[str, int] = {}
    for row in db.scalars(select(UsageRow).where(UsageRow.bot_id == bot_id)):
        out[row.meter] = out.get(row.meter, 0) + row.amount
    return out
