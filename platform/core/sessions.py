"""Chat sessions: finding one by the visitor's key, its history, its end, and what a visitor thinks of an answer.

The key is 256 random bits in the visitor's storage, sent in a header; here only its SHA-256 is kept.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete, select, update

from . import jobs
from .bots import BotSettings, LiveBot
from .clock import new_session_key, now
from .db.actions import ActionRow
from .db.chats import Attachment, ChatSession, ContactLink, Message, TurnRow
from .db.records import ConsentRecord
from .db.tenants import Bot
from .errors import InvalidRequest, NotFound
from .tenancy import TenantSession, insert_row, system_scope
from .tenants import Platform, Tenant, load_tenant

_KEY = re.compile(r"[A-Za-z0-9_-]{43}")
MAX_COMMENT = 2000
CLAIM = timedelta(minutes=10)


@dataclass(frozen=True)
class OpenSession:
    """A session that can go on: its row id and the key that the visitor keeps."""

    id: int
    key: str
    new: bool


def hash_key(key: str) -> str:
    """What is stored of a session key."""
    return hashlib.sha256(key.encode()).hexdigest()


def open_session(db: TenantSession, bot: LiveBot, key: str | None, language: str) -> OpenSession:
    """The session of a key, or a new one.

    A key of an ended, expired or restricted session, of another bot or of an odd shape gets a new key. A sound key
    that nobody knows any more (its records were deleted in time) starts clean and stays, so that the visitor's storage
    remains true.
    """
    if key and _KEY.fullmatch(key):
        row = db.scalar(select(ChatSession).where(ChatSession.key_hash == hash_key(key)))
        if row is not None and row.bot_id == bot.id and _is_usable(row, bot.settings):
            row.last_at, row.language = now(), language
            return OpenSession(row.id, key, False)
        if row is not None or _taken(db, key):
            key = None
    else:
        key = None
    key = key or new_session_key()
    return OpenSession(insert_row(db, ChatSession, bot_id=bot.id, key_hash=hash_key(key), language=language), key, True)


@dataclass(frozen=True)
class Through:
    """That a message comes through a channel, which proved whose it is: its plugin, and the session of that person."""

    channel: str
    session_id: int = 0


def open_channel(db: TenantSession, bot: LiveBot, through: Through, language: str) -> OpenSession:
    """The session of a person who writes through a channel, or a new one. Nobody has a key to it."""
    row = db.get(ChatSession, through.session_id) if through.session_id else None
    fits = row is not None and row.bot_id == bot.id and row.channel == through.channel
    if row is not None and fits and _is_usable(row, bot.settings):
        row.last_at, row.language = now(), language or row.language
        return OpenSession(row.id, "", False)
    key = hash_key(new_session_key())
    values = {"bot_id": bot.id, "key_hash": key, "language": language, "channel": through.channel}
    return OpenSession(insert_row(db, ChatSession, **values), "", True)


def _taken(db: TenantSession, key: str) -> bool:
    """Whether another tenant has a session of this key; only yes or no leaves the scope."""
    with system_scope("see whether a session key is in use anywhere"):
        return db.scalar(select(ChatSession.id).where(ChatSession.key_hash == hash_key(key))) is not None


def _is_usable(row: ChatSession, settings: BotSettings) -> bool:
    """Whether the session may go on and be read: not ended, not older than the tenant lets it get, not restricted."""
    days = settings.session_days
    return row.ended_at is None and not row.restricted and not (days and row.last_at < now() - timedelta(days=days))


def resume_session(db: TenantSession, turn: TurnRow, key: str | None) -> OpenSession | None:
    """The session of a known turn, for the visitor who asked it; None for anybody else.

    A visitor whose first answer was lost on the way has no key yet. The message id, if it is long enough to be
    nobody's guess, then proves the question, and the session gets a new key; only its first turn can be claimed so.
    """
    row = db.get(ChatSession, turn.session_id)
    if row is None or row.ended_at is not None or row.restricted:
        return None
    if key:
        return OpenSession(row.id, key, False) if row.key_hash == hash_key(key) else None
    first = db.scalar(select(TurnRow.id).where(TurnRow.session_id == row.id).order_by(TurnRow.id).limit(1))
    if len(turn.client_message_id or "") < 20 or first != turn.id or row.created_at < now() - CLAIM:
        return None
    key = new_session_key()
    row.key_hash = hash_key(key)
    return OpenSession(row.id, key, False)


@dataclass(frozen=True)
class Located:
    """A session and its tenant, found by the visitor's key alone.

    One that is not `usable` (expired, or restricted) can be ended and erased, and shows and takes nothing else.
    """

    tenant: Tenant
    session_id: int
    bot_id: int
    usable: bool


def locate_session(platform: Platform, key: str | None) -> Located | None:
    """The open session of a key, or None: unknown, ended and malformed keys look the same."""
    if not key or not _KEY.fullmatch(key):
        return None
    with system_scope("find a session's tenant by its key"), platform.database.read() as db:
        found = db.execute(
            select(ChatSession, Bot.settings)
            .join(Bot, Bot.id == ChatSession.bot_id)
            .where(ChatSession.key_hash == hash_key(key), ChatSession.ended_at.is_(None))
        ).first()
    if found is None:
        return None
    row, settings = found
    usable = _is_usable(row, BotSettings.model_validate(settings or {}))
    return Located(load_tenant(platform, tenant_id=row.tenant_id), row.id, row.bot_id, usable)


def history(located: Located, limit: int = 200) -> list[Message]:
    """The session's messages, oldest first; none of one that is not usable."""
    if not located.usable:
        return []
    with located.tenant.read() as db:
        rows = db.scalars(
            select(Message).where(Message.session_id == located.session_id).order_by(Message.id.desc()).limit(limit)
        )
        return list(rows)[::-1]


def end_session(located: Located, *, erase: bool) -> None:
    """End a session; its key is refused from now on. With `erase`, everything of it is deleted by a job."""
    ring = []
    with located.tenant.write() as db:
        db.execute(update(ChatSession).where(ChatSession.id == located.session_id).values(ended_at=now()))
        if erase:
            ring.append(jobs.add_job(db, jobs.ERASE, f"erase:{located.session_id}", session_id=located.session_id))
    located.tenant.platform.ring(ring)


def rate_answer(located: Located, message_id: str, rating: str, comment: str = "") -> None:
    """Keep a visitor's rating of an answer of the session. Raises InvalidRequest, NotFound."""
    if rating not in ("up", "down"):
        raise InvalidRequest("A rating is `up` or `down`.", field="rating")
    missing = NotFound("There is no such answer in this conversation.", code="message_not_found")
    if not located.usable:
        raise missing
    with located.tenant.write() as db:
        done = db.execute(
            update(Message)
            .where(
                Message.public_id == message_id,
                Message.session_id == located.session_id,
                Message.role == "bot",
            )
            .values(rating=rating, comment=comment[:MAX_COMMENT])
        )
        if not getattr(done, "rowcount", 0):
            raise missing


def erase_session(tenant: Tenant, session_id: int) -> dict[str, int]:
    """Delete a session with its messages, files, actions, turns, consents and links. Safe to repeat.

    Returns how many rows of each.
    """
    counts = {}
    with tenant.write() as db:
        blobs = list(db.scalars(select(Attachment.blob).where(Attachment.session_id == session_id)))
        for name, model in (
            ("actions", ActionRow),
            ("attachments", Attachment),
            ("messages", Message),
            ("turns", TurnRow),
            ("contact links", ContactLink),
            ("consents", ConsentRecord),
        ):
            counts[name] = getattr(db.execute(delete(model).where(model.session_id == session_id)), "rowcount", 0)
        counts["sessions"] = getattr(db.execute(delete(ChatSession).where(ChatSession.id == session_id)), "rowcount", 0)
    for blob in filter(None, blobs):
        tenant.platform.blobs.delete(tenant.id, blob)
    tenant.platform.database.forget_deleted()
    return counts
