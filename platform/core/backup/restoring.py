"""Restoring a backup: everything into an empty installation, or one tenant into the installation it is from."""

from __future__ import annotations

import json
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, Table, delete, func, select

from .. import audit
from ..db.sources import Document
from ..db.tenants import TenantRow
from ..errors import WebChatAgentError
from ..sources import bring_back
from ..tenancy import system_scope
from ..tenants import OPERATOR, Platform, load_tenant
from . import numbers, rows
from .making import FORMAT, MANIFEST, PEOPLE

LEFT = ("background_job",)
"""Tables of one tenant that are not restored: their rows name others in a way that nobody can follow."""


@dataclass
class Restored:
    """What was restored: rows by table, blobs, documents that are being indexed, members who have no account here."""

    rows: Counter[str] = field(default_factory=Counter)
    blobs: int = 0
    documents: int = 0
    unknown_people: list[str] = field(default_factory=list)


def restore_backup(platform: Platform, path: Path) -> Restored:
    """Read a backup back, all of it in one transaction. Raises WebChatAgentError, with nothing changed then."""
    try:
        with zipfile.ZipFile(path) as archive:
            manifest = json.loads(archive.read(MANIFEST))
            return _restore(platform, archive, manifest)
    except (zipfile.BadZipFile, KeyError, json.JSONDecodeError) as error:
        raise WebChatAgentError(
            f"The file {path} is not a whole backup ({type(error).__name__}).", "take another one", code="backup_broken"
        ) from None


def _restore(platform: Platform, archive: zipfile.ZipFile, manifest: dict[str, Any]) -> Restored:
    done, written = Restored(), list[tuple[int, str]]()
    try:
        with (
            system_scope("restore a backup"),
            platform.database.engine.connect().execution_options(write=True) as connection,
        ):
            if connection.dialect.name == "postgresql":
                connection.exec_driver_sql("set local statement_timeout = 0")
            tables = rows.read_tables(connection)
            _check(platform, connection, manifest)
            if manifest["tenant"]:
                changed = _prepare_tenant(archive, connection, tables, manifest, done)
            else:
                changed = _prepare_all(connection, tables)
            for table in tables:
                lines = _lines(archive, table, changed)
                done.rows[table.name] = rows.write_rows(
                    connection, table, _with_blobs(platform, archive, table, lines, written)
                )
            rows.move_sequences(connection, tables)
            owners = [row["id"] for row in _lines(archive, _named(tables, "tenant"), changed)]
            connection.commit()
    except BaseException:  # whatever it was: no bytes stay that no row names
        for owner, key in written:
            platform.blobs.delete(owner, key)
        raise
    done.blobs = len(written)
    for owner in owners:
        done.documents += _index_again(platform, owner)
    return done


def _check(platform: Platform, connection: Connection, manifest: dict[str, Any]) -> None:
    here = sorted(MigrationContext.configure(connection).get_current_heads())
    if manifest["format"] != FORMAT or manifest["heads"] != here:
        raise WebChatAgentError(
            "The backup is of another version.", "restore it with that version, then upgrade", code="backup_version"
        )
    if not platform.secret_box.knows(manifest["master_key"]):
        raise WebChatAgentError(
            "The backup was made with another master key.",
            "set WEBCHATAGENT_MASTER_KEY to that one, or add it to WEBCHATAGENT_OLD_MASTER_KEYS",
            code="backup_key",
        )


def _prepare_all(connection: Connection, tables: list[Table]) -> numbers.Change:
    """Empty an installation that nobody has used. Raises WebChatAgentError for one that is in use."""
    tenant, people = _named(tables, "tenant"), _named(tables, "ab_user")
    used = connection.scalar(select(func.count()).select_from(tenant).where(tenant.c.slug != OPERATOR))
    if used or connection.scalar(select(func.count()).select_from(people)):
        raise WebChatAgentError(
            "This installation has tenants or people already.",
            "restore into an empty database, or one tenant with a backup of it",
            code="not_empty",
        )
    for table in reversed(tables):
        connection.execute(delete(table))
    return numbers.unchanged


def _prepare_tenant(
    archive: zipfile.ZipFile, connection: Connection, tables: list[Table], manifest: dict[str, Any], done: Restored
) -> numbers.Change:
    table = _named(tables, "tenant")
    row = next(_lines(archive, table, numbers.unchanged))
    there = (table.c.id == row["id"]) | (table.c.slug == row["slug"])
    if connection.scalar(select(func.count()).select_from(table).where(there)):
        raise WebChatAgentError(
            f"The tenant {manifest['tenant']}, or another one with its number, exists here.",
            "restore it where it was erased; into another installation, restore a backup of everything",
            code="tenant_exists",
        )
    people = [json.loads(line) for line in archive.read(PEOPLE).decode().splitlines()]
    accounts = numbers.match_people(connection, _named(tables, "ab_user"), people)
    done.unknown_people = sorted(p["email"] for p in people if p["id"] not in accounts)
    names = [t for t in tables if t.name not in LEFT]
    wanted = {t.name: [r.get("id") for r in _lines(archive, t, numbers.unchanged)] for t in names}
    return numbers.free_numbers(connection, names, wanted, accounts)


def _lines(archive: zipfile.ZipFile, table: Table, change: numbers.Change) -> Iterator[dict[str, Any]]:
    name = f"tables/{table.name}.jsonl"
    if name not in archive.namelist():
        return
    with archive.open(name) as file:
        for line in file:
            row = change(table, rows.parse_row(table, line.decode()))
            if row is not None:
                yield row


def _with_blobs(
    platform: Platform,
    archive: zipfile.ZipFile,
    table: Table,
    found: Iterator[dict[str, Any]],
    written: list[tuple[int, str]],
) -> Iterator[dict[str, Any]]:
    """Documents and files of messages get their bytes stored under new keys, wherever this installation keeps bytes."""
    names = set(archive.namelist()) if table.name in ("document", "attachment") else set()
    for row in found:
        if row.get("blob") and f"blobs/{row['blob']}" in names:
            row["blob"] = platform.blobs.put(row["tenant_id"], archive.read(f"blobs/{row['blob']}"))
            written.append((row["tenant_id"], row["blob"]))
        yield row


def _named(tables: list[Table], name: str) -> Table:
    return next(t for t in tables if t.name == name)


def _index_again(platform: Platform, tenant_id: int) -> int:
    """Queue the documents of a tenant to be indexed: the index is not in a backup."""
    platform.chunks.delete_tenant(tenant_id)
    tenant = load_tenant(platform, tenant_id=tenant_id)
    with tenant.write() as db:
        ring = bring_back(db, list(db.scalars(select(Document))))
        row = db.get(TenantRow, tenant.id)
        audit.record(db, audit.current_actor(), "tenant.restored", row.slug, documents=len(ring))
    platform.ring(ring)
    return len(ring)
