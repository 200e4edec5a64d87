"""Rows of any database as lines of JSON and back, by the tables that the database itself has."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, Column, Connection, MetaData, Table, func, insert, select

HISTORY = "alembic_version"
BATCH = 500


def read_tables(connection: Connection) -> list[Table]:
    """Every table with rows of people, plugins' tables too, parents first."""
    found = MetaData()
    found.reflect(connection)
    for table in found.tables.values():
        for column in table.columns:
            if isinstance(column.type, JSON):
                column.type.none_as_null = True
    return [t for t in found.sorted_tables if t.name != HISTORY]


def read_rows(connection: Connection, table: Table, tenant_id: int | None = None) -> Iterator[str]:
    """A table's rows as JSON lines, in the order of their keys; of one tenant only when it is given."""
    query = select(table).order_by(*table.primary_key.columns)
    if tenant_id is not None:
        query = query.where(table.c.tenant_id == tenant_id)
    for row in connection.execute(query.execution_options(yield_per=BATCH)).mappings():
        yield json.dumps(dict(row), default=_plain, ensure_ascii=False, separators=(",", ":"))


def _plain(value: Any) -> Any:
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    if isinstance(value, (bytes, memoryview)):
        return base64.b64encode(bytes(value)).decode()
    raise TypeError(type(value).__name__)


def parse_row(table: Table, line: str) -> dict[str, Any]:
    """A row for a table of this database. A column that it does not have any more is left out."""
    values: Mapping[str, Any] = json.loads(line)
    return {name: _typed(table.c[name], value) for name, value in values.items() if name in table.c}


def _typed(column: Column[Any], value: Any) -> Any:
    if value is None or isinstance(column.type, JSON):
        return value
    kind = column.type.python_type
    if kind in (datetime, date):
        return kind.fromisoformat(value)
    if kind is bytes:
        return base64.b64decode(value)
    return kind(value) if kind in (bool, int, float) else value


def write_rows(connection: Connection, table: Table, rows: Iterable[dict[str, Any]]) -> int:
    """Insert rows with their keys; returns how many."""
    done, batch = 0, []
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH:
            connection.execute(insert(table), batch)
            done, batch = done + len(batch), []
    if batch:
        connection.execute(insert(table), batch)
    return done + len(batch)


def move_sequences(connection: Connection, tables: Iterable[Table]) -> None:
    """Let PostgreSQL number new rows behind those that came with their keys; SQLite does so by itself."""
    if connection.dialect.name != "postgresql":
        return
    for table in tables:
        for column in table.primary_key.columns:
            if column.type.python_type is int:
                name = connection.dialect.identifier_preparer.quote(table.name)
                sequence = func.pg_get_serial_sequence(name, column.name)
                last = func.greatest(func.max(column), 1)
                connection.execute(select(func.setval(sequence, last, func.count() > 0)).select_from(table))
