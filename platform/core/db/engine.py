"""The engine and the session factory of an installation."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.orm import sessionmaker

from ..tenancy import TenantSession
from . import access, chats, records, sources, tenants  # noqa: F401  (importing them fills Base.metadata)


def make_engine(url: str, *, pool_size: int = 20) -> Engine:
    """An engine for SQLite (a file, WAL) or PostgreSQL. Statements wait at most 30 s for a lock."""
    if url.startswith("sqlite"):
        engine = create_engine(
            url,
            pool_size=pool_size,
            max_overflow=10,
            hide_parameters=True,
            pool_timeout=30,
            pool_use_lifo=True,  # the one used last has its pages at hand
            connect_args={"timeout": 30, "check_same_thread": False},
        )
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    return create_engine(
        url, pool_size=pool_size, max_overflow=10, hide_parameters=True, pool_timeout=30, pool_pre_ping=True
    )


def _prepare_sqlite(connection: Any, _: Any) -> None:
    connection.isolation_level = None  # sqlite3's own BEGIN comes too late to keep two writers from colliding
    for pragma in (
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "foreign_keys=ON",
        "busy_timeout=30000",
        "secure_delete=ON",
        "temp_store=MEMORY",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Any) -> None:
    # A transaction that will write takes the lock at once: one that reads first and writes later can only fail.
    write = connection.get_execution_options().get("write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


def make_sessions(engine: Engine) -> sessionmaker[TenantSession]:
    """The factory of guarded sessions; rows stay readable after the commit."""
    return sessionmaker(engine, class_=TenantSession, expire_on_commit=False)
