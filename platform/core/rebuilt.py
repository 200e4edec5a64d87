"""What was sent for an answer, made again from what is stored. Requests themselves are never kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from .accept import find_passages, past_messages
from .db.chats import ChatSession, Message, TurnRow
from .errors import NotFound
from .playground import Trial, bot_of_version
from .sessions import OpenSession
from .tenants import Tenant
from .turn import Turn


@dataclass(frozen=True)
class Rebuilt:
    """What was sent for an answer: (role, text) pairs with placeholders, and the row of the turn."""

    row: TurnRow
    sent: Sequence[tuple[str, str]]


def rebuild_request(tenant: Tenant, session_id: int, message_id: int) -> Rebuilt:
    """The request of an answer, with the settings of its version and the passages as they are found today.

    Raises NotFound for what is no answer of this conversation, for one that no model was asked for, and for a
    conversation whose visitor wants it not to be used.
    """
    missing = NotFound("There is no such answer in this conversation.", code="message_not_found")
    with tenant.read() as db:
        session = db.get(ChatSession, session_id)
        row = db.scalar(select(TurnRow).where(TurnRow.answer_id == message_id, TurnRow.session_id == session_id))
        question = db.get(Message, row.question_id) if row is not None and row.question_id else None
        if session is None or session.restricted or row is None or question is None:
            raise missing
        past = past_messages(db, session_id, Message.id < question.id)
    bot = bot_of_version(tenant, row.bot_id, row.bot_version)
    opened = OpenSession(session_id, "", False)
    turn = Turn(row.id, row.public_id, bot, opened, question.text, question.language, past=past)
    find_passages(turn)
    return Rebuilt(row, Trial(turn).sent)
