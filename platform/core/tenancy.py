"""No tenant, no query: the scope of a tenant, and the guard that puts it on every statement.

Inside `tenant_scope(id)` each ORM statement sees the rows of that tenant only, and each written row is stamped and
checked. Outside of a scope a statement on tenant data raises `NoTenant`. Work across tenants says why:
`system_scope("claim a job")`. A session belongs to one scope; take a new one for another.
"""

from __future__ import annotations

import contextlib
import contextvars
import functools
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Table, TextClause, bindparam, event, insert, inspect, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Mapped, ORMExecuteState, Session, mapped_column, with_loader_criteria
from sqlalchemy.sql import visitors

_SYSTEM = object()
_DISCARDED = "discarded rows too"
_scope: contextvars.ContextVar[object] = contextvars.ContextVar("tenant_scope", default=None)


class TenantViolation(SQLAlchemyError):
    """A statement or a write would cross the border of a tenant.

    A SQLAlchemyError, because frameworks roll back on those and on nothing else.
    """


class NoTenant(TenantViolation):
    """Tenant data was touched outside of a `tenant_scope`."""


@contextlib.contextmanager
def tenant_scope(tenant_id: int) -> Iterator[int]:
    """Work as one tenant. Scopes nest; the inner one counts."""
    token = _scope.set(int(tenant_id))
    try:
        yield tenant_id
    finally:
        _scope.reset(token)


@contextlib.contextmanager
def system_scope(reason: str) -> Iterator[None]:
    """Work across tenants; `reason` is for the reader and must not be empty."""
    if not reason:
        raise ValueError("a system scope needs a reason")
    token = _scope.set(_SYSTEM)
    try:
        yield
    finally:
        _scope.reset(token)


def enter_scope(tenant_id: int | None) -> contextvars.Token[object]:
    """Set the scope for a request whose begin and end are two functions; give the token to `leave_scope`."""
    return _scope.set(None if tenant_id is None else int(tenant_id))


def leave_scope(token: contextvars.Token[object]) -> None:
    """Undo `enter_scope`."""
    _scope.reset(token)


def current_tenant_id() -> int:
    """The tenant of the scope. Raises NoTenant outside of one, and in a system scope."""
    scope = _scope.get()
    if not isinstance(scope, int):
        raise NoTenant("no tenant scope")
    return scope


def scope_settings() -> tuple[str, str]:
    """The scope as PostgreSQL's row-level security is told it: the tenant's id, and `system` for work across tenants."""
    scope = _scope.get()
    return ("", "system") if scope is _SYSTEM else ("" if scope is None else str(scope), "")


def insert_row(session: Session, model: type[TenantOwned], /, **values: Any) -> int:
    """Insert one row of the scope's tenant and return its id, without the unit of work: at a third of its cost.

    For the few places that every message passes. The row is stamped here; that its parents are the tenant's own is
    what the composite foreign keys are for.
    """
    if "tenant_id" in values:
        raise TenantViolation("the scope says whose row it is")
    done = session.connection().execute(
        insert(inspect(model).local_table), {"tenant_id": current_tenant_id(), **values}
    )
    key: Any = done.inserted_primary_key
    return int(key[0])


def update_row(session: Session, model: type[TenantOwned], row_id: int, /, **values: Any) -> bool:
    """Change one row of the scope's tenant, as `insert_row` inserts one; whether there is such a row."""
    table = inspect(model).local_table
    if "tenant_id" in values:
        raise TenantViolation("tenant_id cannot be changed")
    mine = (table.c.id == bindparam("row_id"), table.c.tenant_id == bindparam("whose"))
    known = {"row_id": row_id, "whose": current_tenant_id()}
    done = session.connection().execute(update(table).where(*mine), {**known, **values})
    return bool(done.rowcount)


class TenantOwned:
    """Mix into a table whose rows belong to one tenant each."""

    tenant_id: Mapped[int] = mapped_column(index=True)


class Discardable:
    """Mix into a tenant-owned table whose rows are hidden before they are deleted, so that it can be undone.

    In a tenant's scope no statement sees a discarded row, unless its session was told to: `see_discarded(db)`.
    """

    discarded_at: Mapped[datetime | None] = mapped_column(default=None)


def see_discarded(session: Session) -> None:
    """Let the statements of a session see discarded rows too."""
    session.info[_DISCARDED] = True


def tenant_tables() -> set[Table]:
    """All tables of `TenantOwned` classes, and the association tables between them."""
    tables: set[Table] = set()
    stack = list(TenantOwned.__subclasses__())
    while stack:
        cls = stack.pop()
        stack += cls.__subclasses__()
        if hasattr(cls, "__table__"):
            tables.add(cls.__table__)
            tables.update(r.secondary for r in inspect(cls).relationships if isinstance(r.secondary, Table))
    return tables


def _touches(statement: Any) -> bool:
    """Whether a statement names tenant data. Text cannot be read, so it counts as touching."""
    if isinstance(statement, TextClause):
        return True
    tables = tenant_tables()
    return any(isinstance(e, Table) and e in tables for e in visitors.iterate(statement)) or (
        getattr(statement, "table", None) in tables
    )


def _touches_without_orm(statement: Any) -> bool:
    """As `_touches`, but an ORM sub-select inside does not count: the criteria option reaches it."""
    if isinstance(statement, TextClause):
        return True
    tables, stack = tenant_tables(), [statement]
    if getattr(statement, "table", None) in tables:
        return True
    while stack:
        element = stack.pop()
        plugin = getattr(element, "_propagate_attrs", {}).get("compile_state_plugin")
        if plugin == "orm" and element is not statement:
            continue
        if isinstance(element, Table) and element in tables:
            return True
        stack.extend(element.get_children())
    return False


class TenantSession(Session):
    """The session of the whole platform; web, admin and workers use no other."""

    def get(self, entity: Any, ident: Any, **options: Any) -> Any:
        """As Session.get; a row that another scope left in this session is not handed out."""
        found = super().get(entity, ident, **options)
        scope = _scope.get()
        if isinstance(found, TenantOwned) and scope is not _SYSTEM and found.tenant_id != scope:
            return None
        return found

    def _refuse_bulk(self, *_: Any, **__: Any) -> Any:
        raise TenantViolation("the legacy bulk_* methods bypass the tenant guard; use session.execute(insert(Model))")

    bulk_save_objects = _refuse_bulk
    bulk_insert_mappings = _refuse_bulk
    bulk_update_mappings = _refuse_bulk


@event.listens_for(TenantSession, "do_orm_execute")
def _guard_statement(state: ORMExecuteState) -> None:
    scope = _scope.get()
    if scope is _SYSTEM or state.is_column_load:  # a column load refreshes a row that this session has already
        return
    if scope is None:
        if _touches(state.statement):
            raise NoTenant("a statement on tenant data outside of a tenant scope")
        return
    if not state.is_orm_statement and _touches_without_orm(state.statement):
        raise TenantViolation("a Core or text statement on tenant data: use the ORM, or a system_scope")
    if state.is_insert:
        _guard_insert(state, scope)
        return
    if state.is_update and _changes_tenant(state):
        raise TenantViolation("tenant_id cannot be changed")
    state.statement = state.statement.options(_criteria(scope))
    if not state.session.info.get(_DISCARDED):
        state.statement = state.statement.options(_not_discarded())


@functools.lru_cache(maxsize=1024)
def _criteria(scope: object) -> Any:
    """The condition on every tenant table; kept, for it is put on every statement.

    Also on lazy loads and refreshes: propagation alone misses joined eager loads. Also when no mapper is listed:
    `count(*)` has none.
    """
    return with_loader_criteria(
        TenantOwned,
        lambda cls: cls.tenant_id == scope,
        include_aliases=True,
        propagate_to_loaders=True,
        track_closure_variables=True,
    )


@functools.cache
def _not_discarded() -> Any:
    """The condition on every table whose rows can be discarded."""
    return with_loader_criteria(
        Discardable, lambda cls: cls.discarded_at.is_(None), include_aliases=True, propagate_to_loaders=True
    )


def _rows(state: ORMExecuteState) -> list[Any]:
    parameters = state.parameters or []
    return list(parameters) if isinstance(parameters, (list, tuple)) else [parameters]


def _guard_insert(state: ORMExecuteState, scope: object) -> None:
    mapper = state.bind_mapper
    if mapper is None or not issubclass(mapper.class_, TenantOwned):
        return
    values = getattr(state.statement, "_values", None) or {}
    fixed = {column.key: getattr(value, "value", value) for column, value in values.items()}
    many = getattr(state.statement, "_multi_values", None) or ()
    rows = _rows(state) or [fixed]
    rows = [{**fixed, **row} for row in rows]
    if many or any(row.get("tenant_id") != scope for row in rows):
        raise TenantViolation("an insert must carry the tenant_id of the scope in each row, as parameters")


def _changes_tenant(state: ORMExecuteState) -> bool:
    mapper = state.bind_mapper
    if mapper is None or not issubclass(mapper.class_, TenantOwned):
        return False
    values = getattr(state.statement, "_values", None) or {}
    named = {getattr(c, "key", c) for c in values} | {key for row in _rows(state) for key in row}
    return "tenant_id" in named


@event.listens_for(TenantSession, "before_flush")
def _guard_flush(session: Session, *_: Any) -> None:
    scope = _scope.get()
    if scope is _SYSTEM:
        return
    changed = [row for row in session.dirty if session.is_modified(row)]
    for row in [*session.new, *changed, *session.deleted]:
        if isinstance(row, TenantOwned):
            _guard_row(session, row, scope)


def _guard_row(session: Session, row: Any, scope: object) -> None:
    if scope is None:
        raise NoTenant("a write on tenant data outside of a tenant scope")
    if row in session.new and row.tenant_id is None:
        row.tenant_id = scope
    state = inspect(row)
    history = state.attrs.tenant_id.history
    before = history.deleted[0] if history.deleted else row.tenant_id
    if row.tenant_id != scope or before not in (None, scope):
        raise TenantViolation("the row belongs to another tenant")
    if row in session.deleted:
        return
    for relation in state.mapper.relationships:
        if issubclass(relation.mapper.class_, TenantOwned):
            _guard_relation(session, row, state, relation, scope)


def _guard_relation(session: Session, row: Any, state: Any, relation: Any, scope: object) -> None:
    if relation.key in state.dict:
        value = state.dict[relation.key]
        for other in value if relation.uselist else [value]:
            if other is not None and other.tenant_id not in (None, scope):
                raise TenantViolation(f"{relation.key}: a row of another tenant")
    elif relation.direction.name == "MANYTOONE":
        column = next(iter(relation.local_columns))
        key = state.mapper.get_property_by_column(column).key
        wanted = getattr(row, key)
        if wanted is not None and state.attrs[key].history.has_changes():
            with session.no_autoflush:
                if session.get(relation.mapper.class_, wanted) is None:
                    raise TenantViolation(f"{relation.key}: no such row")
