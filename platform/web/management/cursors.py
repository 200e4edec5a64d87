"""Cursors: where the next page of a list begins. Opaque to callers, and never trusted: a list is bound to its tenant."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from typing import TypeVar

from ...core.errors import InvalidRequest
from .shapes import MAX_ID

Row = TypeVar("Row")
_PLAIN = re.compile(r"([a-z]+):([1-9][0-9]{0,9})", re.ASCII)


def make_cursor(kind: str, number: int) -> str:
    """The cursor behind a row of a list."""
    return base64.urlsafe_b64encode(f"{kind}:{number}".encode()).decode().rstrip("=")


def read_cursor(kind: str, text: str) -> int:
    """The row of a cursor, 0 for none. Raises InvalidRequest for one of another list and for anything else."""
    if not text:
        return 0
    try:
        plain = base64.b64decode(text.encode() + b"=" * (-len(text) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        plain = ""
    match = _PLAIN.fullmatch(plain)
    if not match or match[1] != kind or int(match[2]) > MAX_ID or make_cursor(kind, int(match[2])) != text:
        raise InvalidRequest("This cursor is not one of this list.", "use `next` of the page before", field="cursor")
    return int(match[2])


def cut(kind: str, rows: Sequence[tuple[int, Row]], limit: int) -> tuple[list[Row], str | None]:
    """A page and the cursor of the next, from one row more than fits; each row with its number."""
    shown = rows[:limit]
    return [row for _, row in shown], make_cursor(kind, shown[-1][0]) if len(rows) > limit else None
