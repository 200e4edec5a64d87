"""The audit trail: who did what, when; never the content."""

from __future__ import annotations

import contextlib
import contextvars
from collections.abc import Iterator

from .db.records import AuditEntry
from .tenancy import TenantSession

_actor: contextvars.ContextVar[str] = contextvars.ContextVar("actor", default="system")


def record(db: TenantSession, actor: str, action: str, target: str = "", **detail: object) -> None:
    """Add an entry to the session's transaction. `action` is `noun.verb`; `detail` holds ids and counts only."""
    db.add(AuditEntry(actor=actor, action=action, target=target[:200], detail=detail))


def current_actor() -> str:
    """Who acts in this context: `user:7`, `key:3`, `command line`, or `system` where nobody said so."""
    return _actor.get()


def enter_actor(actor: str) -> contextvars.Token[str]:
    """Say who acts in a request whose begin and end are two functions; give the token to `leave_actor`."""
    return _actor.set(actor)


def leave_actor(token: contextvars.Token[str]) -> None:
    """Undo `enter_actor`."""
    _actor.reset(token)


@contextlib.contextmanager
def acting(actor: str) -> Iterator[None]:
    """Say who acts inside the block."""
    token = enter_actor(actor)
    try:
        yield
    finally:
        leave_actor(token)
