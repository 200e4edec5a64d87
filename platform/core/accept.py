"""The first half of a turn: take a question in, durably, and find its passages. Runs in a thread."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.exc import IntegrityError

from . import caps
from .actions import shown_parts
from .alive import is_dead, process_name
from .analysis import detect_language
from .bots import LiveBot
from .clock import new_uuid, now
from .db.chats import Message, TurnRow
from .entitlements import check_open
from .errors import IndexUnavailable, InvalidRequest, Unavailable
from .followup import points_back
from .limited import answer_limited
from .prompting import REMEMBERED, build_request
from .retrieval import Found, retrieve
from .sessions import OpenSession, Through, open_channel, open_session, resume_session
from .storable import storable
from .tenancy import TenantSession, insert_row
from .texts import say
from .tools import ToolContext, offered_tools
from .turn import STALE_SECONDS, Turn


def accept_turn(
    bot: LiveBot,
    session_key: str | None,
    message: str,
    client_message_id: str | None = None,
    *,
    visitor: bool = False,
    through: Through | None = None,
) -> Turn:
    """Take a question in, durably, and find its passages.

    Raises InvalidRequest for an empty or overlong message. The same `client_message_id` comes back as the running or
    finished turn; a cut one is taken up again. Where a cap is reached, a `visitor` is answered all the same, politely;
    for anybody else QuotaExceeded is raised. What comes `through` a channel needs no key; as a channel asks for a message
    once at a time, a turn that was begun before was left by a process that is gone, and is taken up at once.
    """
    message = check_message(bot, message)
    language = detect_language(message, bot.locale)
    who = (session_key, through)
    if client_message_id and (known := _known_turn(bot, who, client_message_id, message, language, visitor)):
        if known.state == "new":
            _find_or_cut(known)
        return known
    try:
        turn = _new_turn(bot, who, message, client_message_id, language, visitor)
    except IntegrityError:  # the same message came twice at the same moment
        again = _known_turn(bot, who, client_message_id or "", message, language, visitor)
        if again is None:
            raise Unavailable("The message could not be taken.", "send it again", retry_after=1) from None
        turn = again
        if turn.state != "new":
            return turn
    _find_or_cut(turn)
    return turn


def _find_or_cut(turn: Turn) -> None:
    """Find the passages; when the index does not answer the turn is cut, so that sending again takes it up at once."""
    try:
        find_passages(turn)
    except IndexUnavailable:
        with turn.bot.tenant.write() as db:
            db.execute(update(TurnRow).where(TurnRow.id == turn.id).values(state="cut", error="index_unavailable"))
        raise IndexUnavailable(say("index_away", turn.language), code="try_again", retry_after=5) from None


def check_message(bot: LiveBot, message: object) -> str:
    """The message without outer space. Raises InvalidRequest, 413 when it is too long."""
    if not isinstance(message, str) or not message.strip():
        raise InvalidRequest("Please write a message.", "write at least one word", field="message")
    if len(message) > bot.settings.max_message:
        raise InvalidRequest(
            f"The message is longer than {bot.settings.max_message} characters.",
            "shorten it",
            code="message_too_long",
            status=413,
            field="message",
        )
    return storable(message.strip())


Who = tuple[str | None, Through | None]
"""Whose message it is: the visitor's key, or the channel that knows."""


def _new_turn(
    bot: LiveBot, who: Who, message: str, client_message_id: str | None, language: str, visitor: bool
) -> Turn:
    key, through = who
    with bot.tenant.write() as db:
        session = open_channel(db, bot, through, language) if through else open_session(db, bot, key, language)
        past = [] if session.new else past_messages(db, session.id)
        held = _reserve(db, bot, session.id, message, past, visitor)
        question = insert_row(db, Message, session_id=session.id, role="visitor", text=message, language=language)
        public_id = new_uuid()
        turn_id = insert_row(
            db,
            TurnRow,
            public_id=public_id,
            bot_id=bot.id,
            session_id=session.id,
            client_message_id=client_message_id,
            question_id=question,
            held_by=process_name(),
            **held,
        )
        capped = held.get("error", "")
        return Turn(turn_id, public_id, bot, session, message, language, past=past, capped=capped)


def _reserve(
    db: TenantSession, bot: LiveBot, session_id: int, message: str, past: list[Message], visitor: bool
) -> dict[str, Any]:
    """The columns by which a turn's row holds what it may use; nothing, and no statement, for a bot without caps.

    Raises QuotaExceeded where a cap is reached, or PlanLocked, and nobody is there who reads a refusal.
    """
    if bot.tenant.entitlements.locked:
        if not visitor:
            check_open(bot.tenant)
        return {"error": caps.CAPPED}
    if not caps.are_set(bot):
        return {}
    need = caps.estimate(bot, message, past)
    level = caps.reached(db, bot, session_id, need)
    if level is None:
        return {"tokens_in": need.tokens_in, "tokens_out": need.tokens_out, "cost": need.cost}
    if not visitor:
        raise caps.refuse(level)
    return {"error": caps.CAPPED}


def past_messages(db: TenantSession, session_id: int, *also: ColumnElement[bool]) -> list[Message]:
    """The last messages of a session, oldest first."""
    rows = db.scalars(
        select(Message).where(Message.session_id == session_id, *also).order_by(Message.id.desc()).limit(REMEMBERED)
    )
    return list(rows)[::-1]


def _known_turn(
    bot: LiveBot, who: Who, client_message_id: str, message: str, language: str, visitor: bool
) -> Turn | None:
    """The turn of a client message id, for its own conversation only. Raises InvalidRequest for anybody else."""
    key, through = who
    with bot.tenant.write() as db:
        row = db.scalar(select(TurnRow).where(TurnRow.bot_id == bot.id, TurnRow.client_message_id == client_message_id))
        if row is None:
            return None
        session = OpenSession(row.session_id, "", False) if through else resume_session(db, row, key)
        if session is None:
            raise InvalidRequest(
                "This message id belongs to another conversation.",
                "use a new one for each message",
                field="clientMessageId",
            )
        asked = db.get(Message, row.question_id) if row.question_id else None
        if asked is not None and asked.text != message:
            raise InvalidRequest(
                "This message id belongs to another message.",
                "use a new one for each message",
                field="clientMessageId",
            )
        turn = Turn(row.id, row.public_id, bot, session, message, language, refused=row.refused)
        if row.state == "done":
            turn.state, turn.answer = "done", db.get(Message, row.answer_id)
            if turn.answer is not None and turn.answer.parts:
                turn.parts = shown_parts(bot.tenant, db, [turn.answer]).get(turn.answer.id, ())
        elif not through and not is_left(row):
            turn.state = "running"
        else:
            turn.past = past_messages(db, session.id, Message.id < (row.question_id or 0))
            row.error = ""
            for column, value in _reserve(db, bot, session.id, message, turn.past, visitor).items():
                setattr(row, column, value)
            turn.capped = row.error
            row.state, row.text, row.attempts, row.updated_at = "accepted", "", row.attempts + 1, now()
            row.held_by = process_name()
        return turn


def is_left(row: TurnRow) -> bool:
    """Whether nobody answers a turn that is not done: it was cut, its process died, or it says nothing for too long."""
    stale = row.updated_at <= now() - timedelta(seconds=STALE_SECONDS)
    return row.state == "cut" or stale or is_dead(row.held_by)


def find_passages(turn: Turn) -> None:
    """Find the passages of a turn and make its request; everything personal is masked on the way in."""
    tenant, bot = turn.bot.tenant, turn.bot
    if turn.capped and answer_limited(turn):
        return
    found = retrieve(tenant, bot.id, turn.question, language=turn.language)
    if turn.past and points_back(turn.question, turn.language):
        turn.follow_up = next((m.text for m in reversed(turn.past) if m.role == "visitor"), "")
    if turn.follow_up and not found.relevant:
        found = retrieve(tenant, bot.id, f"{turn.follow_up} {turn.question}", language=turn.language)
    turn.tools = offered_tools(tenant, ToolContext(bot.id, turn.session.id, turn.language))
    take_passages(turn, found)


def find_again(turn: Turn, question: str) -> None:
    """Find the passages of a question that was said in full; those of the short one stay when there are none."""
    found = retrieve(turn.bot.tenant, turn.bot.id, question, language=turn.language)
    if found.relevant:
        take_passages(turn, found)


def take_passages(turn: Turn, found: Found) -> None:
    """Write the request with the passages that were found; everything personal is masked by a new vault."""
    streamed = turn.request is None or turn.request.streamed
    turn.found, turn.vault = found, turn.bot.tenant.vault()
    request = build_request(
        turn.bot,
        turn.vault,
        turn.question,
        turn.language,
        turn.past,
        found.ranked if found.relevant else (),
        tuple(offered.spec for offered in turn.tools.values()),
        _sections(turn),
    )
    turn.request = request if streamed else replace(request, streamed=False)


def _sections(turn: Turn) -> list[str]:
    """What the plugins tell a model for this turn."""
    tenant = turn.bot.tenant
    context = ToolContext(turn.bot.id, turn.session.id, turn.language)
    found = tenant.hooks.each("prompt_sections", tenant=tenant, context=context)
    return [section for _, section in found if isinstance(section, str) and section.strip()]
