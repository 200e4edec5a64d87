"""The versions of what is set on a bot's answers: kept on every change, compared, brought back."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import select

from .audit import current_actor
from .db.tenants import Bot, BotVersion
from .errors import NotFound
from .tenancy import TenantSession
from .tenants import Tenant

if TYPE_CHECKING:
    from .bots import BotSettings

FIELDS = ("chat_model", "fallback_models", "residency", "instructions", "temperature", "max_tokens", "strict")
"""The settings that decide how a bot answers; each change of one of them is a version."""
_ADDED_LATER = {"strict": False}  # what held in versions from before there was the field


def part_of(settings: BotSettings) -> dict[str, Any]:
    """The fields of a version, whole."""
    return settings.model_dump(mode="json", include=set(FIELDS))


def keep_version(
    db: TenantSession, row: Bot, before: BotSettings | None, after: BotSettings, note: str = "", restored: int = 0
) -> bool:
    """Add a version to the session's transaction when the fields differ; the first one of a bot always."""
    values = part_of(after)
    if before is not None:
        if part_of(before) == values:
            return False
        row.version += 1
    db.add(
        BotVersion(
            bot_id=row.id,
            number=row.version,
            settings=values,
            author=current_actor(),
            note=note[:300],
            restored=restored or None,
        )
    )
    return True


def list_versions(tenant: Tenant, bot_id: int, limit: int = 100) -> Sequence[BotVersion]:
    """A bot's versions, the newest first."""
    with tenant.read() as db:
        wanted = select(BotVersion).where(BotVersion.bot_id == bot_id).order_by(BotVersion.number.desc())
        return list(db.scalars(wanted.limit(limit)))


def read_version(tenant: Tenant, bot_id: int, number: int) -> BotVersion:
    """One version of a bot. Raises NotFound."""
    with tenant.read() as db:
        row = db.scalar(select(BotVersion).where(BotVersion.bot_id == bot_id, BotVersion.number == number))
    if row is None:
        raise NotFound("There is no such version.", code="version_not_found")
    return row


@dataclass(frozen=True)
class Line:
    """One line of a text in a comparison: the same in both, only in the old, or only in the new."""

    kind: Literal["same", "old", "new"]
    text: str


@dataclass(frozen=True)
class Difference:
    """One field that differs. Of a long text the lines, of any other the two values."""

    field: str
    old: Any
    new: Any
    lines: Sequence[Line] = ()


def compare(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Difference]:
    """What differs between the fields of two versions, in their order."""
    out = []
    for field in FIELDS:
        a, b = (side.get(field, _ADDED_LATER.get(field)) for side in (old, new))
        if a != b:
            out.append(Difference(field, a, b, _lines(a or "", b or "") if field == "instructions" else ()))
    return out


def _lines(old: str, new: str) -> list[Line]:
    a, b = old.splitlines(), new.splitlines()
    out: list[Line] = []
    for tag, a1, a2, b1, b2 in difflib.SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        if tag == "equal":
            out += [Line("same", text) for text in a[a1:a2]]
        else:
            out += [Line("old", text) for text in a[a1:a2]] + [Line("new", text) for text in b[b1:b2]]
    return out
