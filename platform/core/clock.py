"""The one place that reads the clock and makes random names, so that tests can hold them still."""

from __future__ import annotations

import secrets
import uuid
from datetime import UTC, datetime


def now() -> datetime:
    """The time now, aware, in UTC."""
    return datetime.now(UTC)


def new_uuid() -> str:
    """A random UUID for public ids, as text of 36 characters."""
    return str(uuid.uuid4())


def new_session_key() -> str:
    """A visitor's session id: 256 random bits as base64url, 43 characters."""
    return secrets.token_urlsafe(32)
