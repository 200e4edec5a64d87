"""The numbers of restored rows: kept where they are free, else moved, with everything that names them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Integer, Table, func, select

Row = dict[str, Any]
Change = Callable[[Table, Row], Row | None]
"""A row as it is written, or None for one that is left out."""


def unchanged(table: Table, row: Row) -> Row:
    """Every row as it is."""
    return row


def match_people(connection: Connection, accounts: Table, people: Sequence[Mapping[str, Any]]) -> dict[int, int]:
    """The accounts here of people by their numbers there. The address decides: a number may be somebody else's now."""
    here = {email.lower(): number for number, email in connection.execute(select(accounts.c.id, accounts.c.email))}
    return {p["id"]: here[p["email"].lower()] for p in people if p["email"].lower() in here}


def free_numbers(
    connection: Connection, tables: Sequence[Table], wanted: Mapping[str, Sequence[Any]], accounts: Mapping[int, int]
) -> Change:
    """How rows of one tenant are changed so that no number is used twice, and members are the people they were."""
    moved = {t.name: _shift(connection, t, wanted[t.name]) for t in tables}
    names = _what_columns_name(tables)

    def change(table: Table, row: Row) -> Row | None:
        if table.name not in moved:
            return None
        if table.name == "membership":
            if row["user_id"] not in accounts:
                return None
            row["user_id"] = accounts[row["user_id"]]
        if moved[table.name]:
            row["id"] += moved[table.name]
        for column, parent in names.items():
            if moved.get(parent) and row.get(column):
                row[column] += moved[parent]
        return row

    return change


def _shift(connection: Connection, table: Table, wanted: Sequence[Any]) -> int:
    """By how much the numbers of a table move: 0 when all are free."""
    key = table.c.get("id")
    if key is None or not isinstance(key.type, Integer) or not wanted:
        return 0
    for start in range(0, len(wanted), 500):
        if connection.scalar(select(key).where(key.in_(wanted[start : start + 500])).limit(1)) is not None:
            return int(connection.scalar(select(func.max(key))) or 0)
    return 0


def _what_columns_name(tables: Sequence[Table]) -> dict[str, str]:
    """Columns such as `session_id` and the table they name, by the foreign keys; usage and consent have none."""
    return {
        own.name: key.referred_table.name
        for table in tables
        for key in table.foreign_key_constraints
        for own, other in zip(key.columns, (e.column for e in key.elements), strict=True)
        if other.name == "id" and own.name not in ("tenant_id", "user_id")
    }
