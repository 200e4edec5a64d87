"""Published privacy notices: versions that never change, and how one differs from what is switched on now."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import func, select

from . import audit
from .db.desk import NoticeVersion
from .errors import NotFound
from .notice import Notice, Section, compose
from .tenancy import TenantSession
from .tenants import Tenant
from .texts import LANGUAGES


@dataclass(frozen=True)
class Difference:
    """A part of the notice that is new, gone or changed: its heading, and the sentences that came and went."""

    kind: str
    heading: str
    came: Sequence[str]
    went: Sequence[str]


def composed(tenant: Tenant) -> dict[str, Any]:
    """The notice of what is switched on now, in every language."""
    return {language: asdict(compose(tenant, language)) for language in LANGUAGES}


def _digest(texts: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(texts, ensure_ascii=False, sort_keys=True).encode()).hexdigest()


def _newest(db: TenantSession) -> NoticeVersion | None:
    found: NoticeVersion | None = db.scalar(select(NoticeVersion).order_by(NoticeVersion.number.desc()).limit(1))
    return found


def publish(tenant: Tenant) -> int:
    """Publish what is switched on now, in every language; returns the number. The same again stays what it is."""
    texts = composed(tenant)
    with tenant.write() as db:
        last = _newest(db)
        if last is not None and last.digest == _digest(texts):
            return last.number
        number = (db.scalar(select(func.max(NoticeVersion.number))) or 0) + 1
        actor = audit.current_actor()
        db.add(NoticeVersion(number=number, texts=texts, digest=_digest(texts), published_by=actor))
        audit.record(db, actor, "notice.published", f"notice:{number}")
    return number


def list_versions(tenant: Tenant) -> Sequence[NoticeVersion]:
    """All versions, the newest first."""
    with tenant.read() as db:
        return list(db.scalars(select(NoticeVersion).order_by(NoticeVersion.number.desc())))


def shown_notice(tenant: Tenant, language: str, number: int = 0) -> Notice:
    """What visitors read: the newest published notice, or one by its number; composed anew while none was published.

    Raises NotFound for a number that there is not.
    """
    with tenant.read() as db:
        wanted = select(NoticeVersion).where(NoticeVersion.number == number)
        row = db.scalar(wanted) if number else _newest(db)
    if row is None and number:
        raise NotFound("There is no such version of the notice.")
    return compose(tenant, language) if row is None else _read(row.texts[language])


def _read(stored: dict[str, Any]) -> Notice:
    sections = [Section(s["heading"], list(s["sentences"])) for s in stored["sections"]]
    return Notice(stored["title"], list(stored["controller"]), sections)


def differences(tenant: Tenant, language: str) -> list[Difference] | None:
    """How what is switched on now differs from what is published; None while nothing was published."""
    with tenant.read() as db:
        row = _newest(db)
    if row is None:
        return None
    return compare(_read(row.texts[language]), compose(tenant, language))


def compare(old: Notice, new: Notice) -> list[Difference]:
    """The parts in which two notices differ, in the order of the new one; what is gone comes last."""
    before, after = _parts(old), _parts(new)
    found = []
    for heading, sentences in after.items():
        known = before.get(heading, [])
        came, went = [s for s in sentences if s not in known], [s for s in known if s not in sentences]
        if came or went or heading not in before:
            found.append(Difference("changed" if heading in before else "new", heading, came, went))
    return found + [Difference("gone", h, [], s) for h, s in before.items() if h not in after]


def _parts(notice: Notice) -> dict[str, list[str]]:
    """Sentences by heading; a plugin with several parts has them under one."""
    parts: dict[str, list[str]] = {notice.title: list(notice.controller)}
    for section in notice.sections:
        parts.setdefault(section.heading, []).extend(section.sentences)
    return parts
