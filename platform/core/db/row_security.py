"""The second wall, on PostgreSQL: the database itself shows and takes rows of the transaction's tenant only.

Each transaction says whose it is, from the scope of `tenancy`; without a scope no row of any tenant is seen, also by a
statement that went around the guard of the session. The settings end with the transaction, so a pooled connection
carries nothing over.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, Engine, event, text

from ..errors import WebChatAgentError
from ..tenancy import scope_settings

KEY = "row_security"
POLICY = "tenant_rows"
MINE = (
    "(current_setting('webchatagent.scope', true) = 'system'"
    " or tenant_id = nullif(current_setting('webchatagent.tenant', true), '')::bigint)"
)
NOTHING = ("", "")
TELL = "select set_config('webchatagent.tenant', %s, true), set_config('webchatagent.scope', %s, true)"
WRITERS = 7201
"""The class of the locks by which those who write for one tenant come one after another, as on SQLite all writers do:
what a function looked up still holds when it writes. Tenants do not wait for each other."""
MIGRATIONS = 7202
CURE = "see docs/operations.md, Can I use PostgreSQL?"

_TENANT_TABLES = """
    select c.relname, c.relrowsecurity and c.relforcerowsecurity and exists (
        select from pg_policy p where p.polrelid = c.oid and p.polname = :policy) as walled
    from pg_class c join pg_attribute a on a.attrelid = c.oid
    where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p')
      and a.attname = 'tenant_id' and not a.attisdropped
    order by 1
"""


def install(engine: Engine) -> None:
    """Let every transaction of an engine say whose it is before its first statement, and again when that changes."""
    event.listen(engine, "before_cursor_execute", _tell)
    for name in ("begin", "commit", "rollback", "rollback_savepoint"):
        event.listen(engine, name, _forget)


def _forget(connection: Connection, *_: Any) -> None:
    connection.info[KEY] = NOTHING  # settings of a transaction end with it, those of a savepoint with its rollback


def _tell(connection: Connection, cursor: Any, *_: Any) -> None:
    wanted = scope_settings()
    if connection.info.get(KEY, NOTHING) == wanted:
        return
    connection.info[KEY] = wanted
    if wanted[0] and connection.get_execution_options().get("write"):
        cursor.connection.execute(f"{TELL}, pg_advisory_xact_lock({WRITERS}, %s)", (*wanted, int(wanted[0])))
    else:
        cursor.connection.execute(TELL, wanted)


def build_wall(connection: Connection) -> list[str]:
    """Put the policy on every table with a `tenant_id`, of plugins too, and keep owners to it. Returns the new ones."""
    if connection.dialect.name != "postgresql":
        return []
    quote = connection.dialect.identifier_preparer.quote
    missing = [quote(name) for name in _unwalled(connection)]
    for table in missing:
        for statement in (
            f"alter table {table} enable row level security",
            f"alter table {table} force row level security",
            f"drop policy if exists {POLICY} on {table}",
            f"create policy {POLICY} on {table} using {MINE} with check {MINE}",
        ):
            connection.execute(text(statement))
    return missing


@contextlib.contextmanager
def migrating(engine: Engine) -> Iterator[None]:
    """A lock in the database, so that processes on several machines do not migrate at the same moment."""
    if engine.dialect.name != "postgresql":
        yield
        return
    with engine.connect() as connection:
        connection.execute(text("set local statement_timeout = 0"))
        connection.execute(text("set local lock_timeout = 0"))
        connection.execute(text("set local idle_in_transaction_session_timeout = 0"))
        connection.execute(text(f"select pg_advisory_xact_lock({MIGRATIONS}, 0)"))
        yield


def check_role(engine: Engine) -> None:
    """Refuse a role that row-level security does not hold. Raises WebChatAgentError."""
    if engine.dialect.name != "postgresql":
        return
    with engine.connect() as connection:
        role = connection.execute(
            text("select rolname, rolsuper or rolbypassrls from pg_roles where rolname = current_user")
        ).one()
    if role[1]:
        raise WebChatAgentError(
            f"The database role {role[0]} bypasses row-level security.",
            f"use a role that is no superuser and has no BYPASSRLS; {CURE}",
            code="database_role",
        )


def check_wall(engine: Engine) -> None:
    """Refuse a role that passes the wall, and a table without it. Raises WebChatAgentError."""
    check_role(engine)
    if engine.dialect.name != "postgresql":
        return
    with engine.connect() as connection:
        open_tables = _unwalled(connection)
    if open_tables:
        raise WebChatAgentError(
            f"These tables have no row-level security: {', '.join(open_tables)}.",
            "run `webchatagent migrate`",
            code="database_wall",
        )


def _unwalled(connection: Connection) -> list[str]:
    rows = connection.execute(text(_TENANT_TABLES), {"policy": POLICY})
    return [name for name, walled in rows if not walled]
