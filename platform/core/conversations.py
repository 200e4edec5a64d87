"""Conversations as the people of a tenant read them: a list with counts, and one as a transcript."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import case, func, select

from . import audit
from .db.chats import ChatSession, Message, TurnRow
from .db.tenants import Bot
from .errors import NotFound
from .sessions import erase_session
from .tenancy import TenantSession
from .tenants import Tenant


@dataclass(frozen=True)
class Conversation:
    """One conversation in a list. `up` and `down` count ratings, `refused` the questions without an answer."""

    id: int
    bot_id: int
    bot: str
    language: str
    restricted: bool
    started: datetime
    last: datetime
    ended: datetime | None
    messages: int
    up: int
    down: int
    refused: int
    opening: str
    channel: str = ""


def list_conversations(
    tenant: Tenant,
    *,
    bot_id: int = 0,
    page: int = 0,
    size: int = 25,
) -> tuple[list[Conversation], int]:
    """A page of conversations, the latest first, and how many there are. Restricted ones are left out."""
    with tenant.read() as db:
        wanted = [~ChatSession.restricted, *([ChatSession.bot_id == bot_id] if bot_id else [])]
        rows = db.execute(
            select(ChatSession, Bot.name, func.count().over())
            .join(Bot, Bot.id == ChatSession.bot_id)
            .where(*wanted)
            .order_by(ChatSession.last_at.desc(), ChatSession.id.desc())
            .limit(size)
            .offset(page * size)
        ).all()
        total = rows[0][2] if rows else db.scalar(select(func.count(ChatSession.id)).where(*wanted)) if page else 0
        return _summaries(db, [(row, bot) for row, bot, _ in rows]), total or 0


def conversations_before(tenant: Tenant, before: int, size: int, *, bot_id: int = 0) -> list[Conversation]:
    """The next conversations, the newest begun first, beginning below the id `before` (0: with the newest)."""
    wanted = [ChatSession.bot_id == bot_id] if bot_id else []
    if before:
        wanted.append(ChatSession.id < before)
    with tenant.read() as db:
        found = select(ChatSession, Bot.name).join(Bot, Bot.id == ChatSession.bot_id).where(*wanted)
        rows = db.execute(found.order_by(ChatSession.id.desc()).limit(size)).all()
        return _summaries(db, [(row, bot) for row, bot in rows])


def _summaries(db: TenantSession, rows: Sequence[tuple[ChatSession, str]]) -> list[Conversation]:
    """Sessions, each with its bot's name, with the counts of their messages and how they open."""
    ids = [row.id for row, _ in rows]
    counts = {
        row[0]: row
        for row in db.execute(
            select(
                Message.session_id,
                func.count(Message.id),
                func.count(case((Message.rating == "up", 1))),
                func.count(case((Message.rating == "down", 1))),
                func.min(case((Message.role == "visitor", Message.id))),
            )
            .where(Message.session_id.in_(ids))
            .group_by(Message.session_id)
        )
    }
    refused = dict(
        db.execute(
            select(TurnRow.session_id, func.count(TurnRow.id))
            .where(TurnRow.session_id.in_(ids), TurnRow.refused)
            .group_by(TurnRow.session_id)
        ).all()
    )
    firsts = [c[4] for c in counts.values() if c[4]]
    opening = func.substr(Message.text, 1, 200)
    openings: dict[int, str] = dict(db.execute(select(Message.session_id, opening).where(Message.id.in_(firsts))).all())
    return [
        _conversation(row, bot, counts.get(row.id), refused.get(row.id, 0), openings.get(row.id, ""))
        for row, bot in rows
    ]


def _conversation(row: ChatSession, bot: str, counts: Any, refused: int, opening: str) -> Conversation:
    messages, up, down = counts[1:4] if counts else (0, 0, 0)
    return Conversation(
        row.id,
        row.bot_id,
        bot,
        row.language,
        row.restricted,
        row.created_at,
        row.last_at,
        row.ended_at,
        messages,
        up,
        down,
        refused,
        "" if row.restricted else opening,
        row.channel,
    )


@dataclass(frozen=True)
class Transcript:
    """One conversation: its row, its bot's name, its messages oldest first, and the ids of answers that refused."""

    session: ChatSession
    bot: str
    messages: Sequence[Message]
    refused: frozenset[int]


def read_transcript(tenant: Tenant, session_id: int, limit: int = 500) -> Transcript:
    """A conversation's last messages. Of a restricted one no message is handed out. Raises NotFound."""
    with tenant.read() as db:
        found = db.execute(
            select(ChatSession, Bot.name).join(Bot, Bot.id == ChatSession.bot_id).where(ChatSession.id == session_id)
        ).first()
        if found is None:
            raise NotFound("There is no such conversation.", code="conversation_not_found")
        row, bot = found
        if row.restricted:
            return Transcript(row, bot, [], frozenset())
        messages = list(
            db.scalars(select(Message).where(Message.session_id == session_id).order_by(Message.id.desc()).limit(limit))
        )[::-1]
        refused = db.scalars(select(TurnRow.answer_id).where(TurnRow.session_id == session_id, TurnRow.refused))
        return Transcript(row, bot, messages, frozenset(i for i in refused if i))


def count_conversations(tenant: Tenant, since: datetime) -> tuple[dict[int, int], int]:
    """Conversations begun since then, per bot, and how many questions found no answer; restricted ones do not count."""
    with tenant.read() as db:
        begun = db.execute(
            select(ChatSession.bot_id, func.count(ChatSession.id))
            .where(ChatSession.created_at >= since, ~ChatSession.restricted)
            .group_by(ChatSession.bot_id)
        )
        per_bot = dict(begun.all())
        unanswered = db.scalar(
            select(func.count(TurnRow.id))
            .join(ChatSession, ChatSession.id == TurnRow.session_id)
            .where(TurnRow.created_at >= since, TurnRow.refused, ~ChatSession.restricted)
        )
    return per_bot, unanswered or 0


def delete_conversation(tenant: Tenant, session_id: int) -> None:
    """Delete one conversation; the contact and its other conversations stay. Raises NotFound."""
    with tenant.write() as db:
        if db.get(ChatSession, session_id) is None:
            raise NotFound("There is no such conversation.", code="conversation_not_found")
        audit.record(db, audit.current_actor(), "conversation.deleted", f"conversation:{session_id}")
    erase_session(tenant, session_id)
