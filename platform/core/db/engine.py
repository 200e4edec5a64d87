"""The engine and the session factory of an installation."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.orm import sessionmaker

from ..tenancy import TenantSession
from . import access, chats, desk, records, row_security, sources, tenants  # noqa: F401  (importing them fills Base.metadata)

POSTGRES_OPTIONS = (
    "-c statement_timeout=15s -c lock_timeout=5s -c idle_in_transaction_session_timeout=60s -c timezone=UTC"
)
"""Nothing waits for ever: not a statement, not for a lock, and no transaction stays open that nobody works in."""


def make_engine(url: str, *, pool_size: int = 20) -> Engine:
    """An engine for SQLite (a file, WAL; statements wait at most 30 s for a lock) or PostgreSQL."""
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
    address = make_url(url)
    asked = address.query.get("options", "")
    engine = create_engine(
        address,
        pool_size=pool_size,
        max_overflow=10,
        hide_parameters=True,
        pool_timeout=30,
        pool_pre_ping=True,  # a connection that a restart of the server cut is replaced, and nobody sees it
        connect_args={"connect_timeout": 5, "options": f"{POSTGRES_OPTIONS} {asked}".strip()},
    )
    row_security.install(engine)
    return engine


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
