"""Changing the master key: every stored secret is opened with the key of before and sealed with the present one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import JSON, Connection, String, Table, select, update

from .backup.rows import read_tables
from .db.base import Base
from .secrets import PREFIX, SecretBox
from .tenancy import system_scope
from .tenants import Platform

Place = Callable[[Any, str], str]
"""The place that a secret of a row is sealed for; the text is its path inside of a JSON column.

A plugin says it on its own column: `mapped_column(Text, info={"sealed": lambda row, path: f"{row.tenant_id}|…"})`."""
PLACES: dict[tuple[str, str], Place] = {
    ("plugin_switch", "config"): lambda row, path: f"{row.tenant_id}|{row.plugin}|{path}",
    ("outbox_mail", "body"): lambda row, path: f"{row.tenant_id}|outbox|{row.id}",
    ("ab_user", "totp"): lambda row, path: f"user|{row.id}|totp",
}


@dataclass
class Rotated:
    """How many secrets were sealed anew, and how many of which column still need an old key."""

    sealed: int = 0
    left: Counter[str] = field(default_factory=Counter)


def rotate(platform: Platform) -> Rotated:
    """Seal every secret with the present master key. Safe to repeat, and while servers with both keys run.

    What has a place of its own that is not known here, and the digests of keys that no program has used since, need
    the old key still; they are counted. Raises SecretUnreadable when a secret opens with none of the keys.
    """
    done = Rotated()
    with (
        system_scope("seal every tenant's secrets anew"),
        platform.database.engine.connect().execution_options(write=True) as connection,
    ):
        for table in read_tables(connection):
            for column in table.columns:
                if isinstance(column.type, (String, JSON)):
                    _rotate_column(platform.secret_box, connection, table, column.name, done)
        connection.commit()
    return done


def _rotate_column(box: SecretBox, connection: Connection, table: Table, name: str, done: Rotated) -> None:
    if (table.name, name) == ("api_key", "digest"):
        rows = connection.scalars(select(table.c.digest).where(table.c.revoked_at.is_(None)))
        done.left["api_key"] += sum(1 for digest in rows if digest.partition(".")[0] != box.current)
    elif place := _place_of(table.name, name):
        _seal_anew(box, connection, table, name, place, done)
    else:
        for value in connection.scalars(select(table.c[name])):
            stale = sum(1 for _, token in _tokens(value) if box.stale(token))
            if stale:
                done.left[table.name] += stale
    done.left = +done.left


def _place_of(table: str, column: str) -> Place | None:
    declared = Base.metadata.tables.get(table)
    found = declared.c[column].info.get("sealed") if declared is not None and column in declared.c else None
    return PLACES.get((table, column), found)


def _seal_anew(box: SecretBox, connection: Connection, table: Table, name: str, place: Place, done: Rotated) -> None:
    for row in connection.execute(select(table).with_for_update()).all():
        value, before = getattr(row, name), done.sealed
        for path, token in list(_tokens(value)):
            if box.stale(token):
                here = place(row, path)
                value = _replaced(value, path, box.seal(box.open(token, here), here))
                done.sealed += 1
        if done.sealed > before:
            connection.execute(update(table).where(table.c.id == row.id).values({name: value}))


def _tokens(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """The sealed tokens of a value, with their paths in it."""
    if isinstance(value, str) and value.startswith(PREFIX) and value.count(".") == 2:
        yield path, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _tokens(inner, f"{path}.{key}" if path else str(key))


def _replaced(value: Any, path: str, token: str) -> Any:
    if not path:
        return token
    name, _, rest = path.partition(".")
    return {**value, name: _replaced(value[name], rest, token)}
