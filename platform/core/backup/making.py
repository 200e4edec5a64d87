"""Making a backup: one file with rows and bytes, of one moment, while everything goes on."""

from __future__ import annotations

import contextlib
import json
import os
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, Table, select

from ..clock import now
from ..db.database import Database
from ..errors import WebChatAgentError
from ..tenancy import system_scope
from ..tenants import Platform, Tenant
from . import rows

FORMAT = 1
MANIFEST = "manifest.json"
PEOPLE = "people.jsonl"


@dataclass(frozen=True)
class Backup:
    """What a backup holds: rows by table, blobs, and blobs that were gone already when it was made."""

    rows: dict[str, int]
    blobs: int
    gone: int


def make_backup(platform: Platform, path: Path, tenant: Tenant | None = None) -> Backup:
    """Write a backup of everything, or of one tenant, to a new file that its owner alone may read.

    The index is not in it: it is made anew from documents. Secrets stay sealed. Raises WebChatAgentError when there is
    a file of that name.
    """
    if path.exists():
        raise WebChatAgentError(f"There is a file {path} already.", "choose another name", code="file_exists")
    part = path.with_name(f".{path.name}.part")
    try:
        with os.fdopen(os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b") as file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=5) as archive:
                done = _fill(platform, archive, tenant)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
    return done


def _fill(platform: Platform, archive: zipfile.ZipFile, tenant: Tenant | None) -> Backup:
    counts: Counter[str] = Counter()
    kept: list[tuple[int, str]] = []
    with snapshot(platform.database) as connection:
        tables = rows.read_tables(connection)
        for table in tables:
            if tenant is None or "tenant_id" in table.c or table.name == "tenant":
                counts[table.name] = _write(archive, connection, table, tenant, kept)
        if tenant is not None:
            _write_people(archive, connection, tables, tenant)
        heads = sorted(MigrationContext.configure(connection).get_current_heads())
    stored = sum(_write_blob(platform, archive, owner, key) for owner, key in kept)
    made = Backup({n: c for n, c in counts.items() if c}, stored, len(kept) - stored)
    manifest: dict[str, Any] = {
        "format": FORMAT,
        "made_at": now().isoformat(),
        "heads": heads,
        "master_key": platform.secret_box.current,
        "tenant": tenant.slug if tenant else "",
        "rows": made.rows,
        "blobs": made.blobs,
    }
    archive.writestr(MANIFEST, json.dumps(manifest, indent=2))
    return made


@contextlib.contextmanager
def snapshot(database: Database) -> Iterator[Connection]:
    """A connection that sees every tenant's rows as they were at one moment."""
    one_moment = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    on_postgres = database.engine.dialect.name == "postgresql"
    with (
        system_scope("read what is backed up"),
        database.engine.connect().execution_options(**one_moment if on_postgres else {}) as connection,
    ):
        if on_postgres:
            connection.exec_driver_sql("set local statement_timeout = 0")
            connection.exec_driver_sql("set local idle_in_transaction_session_timeout = 0")
        yield connection


def _write(
    archive: zipfile.ZipFile, connection: Connection, table: Table, tenant: Tenant | None, kept: list[tuple[int, str]]
) -> int:
    number = 0
    with archive.open(f"tables/{table.name}.jsonl", "w", force_zip64=True) as file:
        for line in _lines(connection, table, tenant):
            file.write(line.encode() + b"\n")
            number += 1
            if table.name in ("document", "attachment"):
                row = json.loads(line)
                if row["blob"]:
                    kept.append((row["tenant_id"], row["blob"]))
    return number


def _lines(connection: Connection, table: Table, tenant: Tenant | None) -> Iterator[str]:
    if tenant is not None and table.name == "tenant":
        return (line for line in rows.read_rows(connection, table) if json.loads(line)["id"] == tenant.id)
    return rows.read_rows(connection, table, tenant.id if tenant else None)


def _write_people(archive: zipfile.ZipFile, connection: Connection, tables: list[Table], tenant: Tenant) -> None:
    """The numbers and addresses of a tenant's members: a number may be another person's when it is restored."""
    found = {t.name: t for t in tables}
    people, members = found["ab_user"], found["membership"]
    query = select(people.c.id, people.c.email).join(members, members.c.user_id == people.c.id)
    lines = [
        json.dumps({"id": i, "email": e}) for i, e in connection.execute(query.where(members.c.tenant_id == tenant.id))
    ]
    archive.writestr(PEOPLE, "\n".join(lines))


def _write_blob(platform: Platform, archive: zipfile.ZipFile, owner: int, key: str) -> bool:
    try:
        data = platform.blobs.get(owner, key)
    except FileNotFoundError:  # deleted since the rows were read
        return False
    archive.writestr(f"blobs/{key}", data)
    return True
