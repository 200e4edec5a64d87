"""Conversations that come through a plugin instead of the website: the same turn, files, and answers by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import select

from . import audit, loop
from .accept import accept_turn
from .actions import ActionExpired, Outcome, decide
from .analysis import detect_language
from .bots import LiveBot, list_bots
from .clock import new_uuid, now
from .db.chats import Attachment, ChatSession, Message
from .documents import Blob
from .egress import calling
from .errors import Conflict, DocumentProblem, InvalidRequest, NotFound
from .sessions import Located, Through, open_channel
from .storable import storable
from .tenancy import TenantSession, insert_row
from .tenants import Tenant
from .texts import say
from .turns import TurnRunner

MOST_BY_HAND = 4000
"""Characters of an answer by hand."""
MOST_READ = 3000
"""Characters of a file's text that a conversation holds."""


@dataclass(frozen=True)
class Window:
    """Whether a person of the team can write now: until when, or the sentence that says why not, by language."""

    until: datetime | None = None
    closed: Any = ""


@dataclass(frozen=True)
class Delivery:
    """What became of a message outside: a word such as `read`, by language, and the reason of a failure."""

    state: str
    label: Any
    reason: str = ""


class Channel(Protocol):
    """A plugin's channel. Its conversations have the plugin's id in `chat_session.channel`."""

    @property
    def label(self) -> str:
        """What people call it."""
        ...

    def window(self, session_id: int) -> Window:
        """Whether the team can write to the person of a conversation."""
        ...

    def send(self, db: TenantSession, session_id: int, message: str, text: str) -> list[str]:
        """Send an answer by hand, within the transaction; returns the jobs to ring. `message` is its public id."""
        ...

    def deliveries(self, session_id: int) -> Mapping[str, Delivery]:
        """What became of the messages of a conversation, by their public ids."""
        ...


@dataclass(frozen=True)
class Guide:
    """A public page that explains a set-up, at `/integrations/<id>`: texts by language; steps are (heading, sentences)."""

    id: str
    title: Mapping[str, str]
    intro: Mapping[str, str]
    steps: Sequence[tuple[Mapping[str, str], Mapping[str, Sequence[str]]]] = ()


@dataclass(frozen=True)
class SetupValue:
    """Something that a person copies from a plugin's page in the admin. A `path` is shown as a whole address."""

    label: Any
    value: str = field(repr=False)
    path: bool = False
    copied: bool = True


@dataclass(frozen=True)
class Answered:
    """A turn's answer for a channel: the conversation it belongs to, and what is to be sent."""

    session_id: int
    message: str
    language: str
    text: str
    sources: Sequence[dict[str, Any]] = ()
    parts: Sequence[dict[str, Any]] = ()


def channel_bot(tenant: Tenant, slug: str = "") -> LiveBot:
    """The bot that answers in a channel: the named one, or the first. Raises NotFound."""
    for bot in list_bots(tenant):
        if not slug or bot.slug == slug:
            return bot
    raise NotFound("There is no such bot.", "choose one in the settings of the channel", code="bot_not_found")


def open_conversation(db: TenantSession, bot: LiveBot, through: Through, language: str = "") -> int:
    """The conversation of a person in a channel, opened when there is none; its session id."""
    return open_channel(db, bot, through, language or bot.locale).id


def answer_message(bot: LiveBot, through: Through, text: str, message_id: str) -> Answered:
    """Answer a message: the same turn as on the website. `message_id` (1 to 64 characters) is answered once.

    A message that is longer than the bot takes is cut. Raises Unavailable when the answer was cut off.
    """
    text = text.strip()[: bot.settings.max_message]
    turn = accept_turn(bot, None, text, message_id, visitor=True, through=through)
    reply = loop.run(_reply(turn))
    return Answered(turn.session.id, reply.message_id, turn.language, reply.text.strip(), reply.sources, reply.parts)


async def _reply(turn: Any) -> Any:
    return await TurnRunner().reply(turn)  # made on the loop that it runs on


def keep_message(
    db: TenantSession, session_id: int, role: str, text: str, language: str = "", public_id: str = ""
) -> str:
    """Keep a message that is no question of a turn; returns its public id. One with a `public_id` is kept once."""
    if public_id and db.scalar(select(Message.id).where(Message.public_id == public_id)):
        return public_id
    values = {"public_id": public_id or new_uuid(), "role": role, "text": storable(text), "language": language}
    insert_row(db, Message, session_id=session_id, **values)
    return values["public_id"]


def keep_file(
    tenant: Tenant, session_id: int, message: str, name: str, media_type: str, data: bytes, state: str = "stored"
) -> int:
    """Keep the file of a message, once, or that one came which is not kept (`state`). It goes with its conversation."""
    with tenant.read() as db:
        known: int | None = db.scalar(select(Attachment.id).where(Attachment.message == message))
    if known:
        return known
    blob = tenant.platform.blobs.put(tenant.id, data) if data else ""
    with tenant.write() as db:
        values = {"name": storable(name)[:200], "media_type": media_type[:100], "size": len(data), "blob": blob}
        return insert_row(db, Attachment, session_id=session_id, message=message, state=state, **values)


def read_file(tenant: Tenant, name: str, media_type: str, data: bytes) -> str:
    """The beginning of the text of a document, for the conversation; empty when there is none."""
    try:
        blob = Blob(name, data, media_type)
        found = tenant.hooks.call("extract_text", tenant=tenant, blob=blob)
    except DocumentProblem:
        return ""
    return str(found.markdown).strip()[:MOST_READ] if found else ""


def press(bot: LiveBot, session_id: int, path: str) -> Outcome:
    """Confirm or decline an action by the address of its button. What cannot be done any more is said in a sentence."""
    action, _, verb = path.removeprefix("/api/actions/").partition("/")
    located = Located(bot.tenant, session_id, bot.id, True)
    try:
        return decide(located, action, confirm=verb == "confirm")
    except (ActionExpired, NotFound):
        with bot.tenant.read() as db:
            row = db.get(ChatSession, session_id)
        return Outcome("expired", say("action_expired", row.language if row else bot.locale))


# -- the team ---------------------------------------------------------------------------------------------------


def find_channel(tenant: Tenant, name: str) -> Channel | None:
    """The channel of a plugin that is on for the tenant."""
    found = tenant.hooks.each("channels", tenant=tenant) if name else []
    return next((channel for plugin, channel in found if plugin == name), None)


def channel_labels(tenant: Tenant) -> dict[str, str]:
    """What the channels are called, by their names in conversations; also of those that are off."""
    return {name: m.name for name, m in tenant.platform.registry.manifests.items() if m.category == "channel"}


def answer_by_hand(tenant: Tenant, session_id: int, text: str) -> None:
    """Send an answer of the team through the conversation's channel, and keep it.

    Raises NotFound, InvalidRequest for an empty or long text, Conflict when the channel does not let the team write.
    """
    text = text.strip()
    if not 0 < len(text) <= MOST_BY_HAND:
        raise InvalidRequest(
            "Please write a message.", f"write 1 to {MOST_BY_HAND} characters", code="answer_wrong", field="text"
        )
    with tenant.read() as db:
        row = db.get(ChatSession, session_id)
    channel = find_channel(tenant, row.channel) if row is not None and not row.restricted else None
    if row is None or channel is None:
        raise NotFound("There is no such conversation.", code="conversation_not_found")
    with calling(row.channel, tenant):
        until = channel.window(session_id).until
    if until is None or until <= now():
        raise Conflict(
            "The person cannot be written to now.", "wait until they write again", code="window_closed", field="text"
        )
    with tenant.write() as db, calling(row.channel, tenant):
        message = keep_message(db, session_id, "agent", text, detect_language(text, row.language))
        ring = channel.send(db, session_id, message, text)
        audit.record(db, audit.current_actor(), "conversation.answered", f"conversation:{session_id}")
    tenant.platform.ring(ring)


def list_files(tenant: Tenant, session_id: int) -> Sequence[Attachment]:
    """The files of a conversation, oldest first."""
    with tenant.read() as db:
        return list(db.scalars(select(Attachment).where(Attachment.session_id == session_id).order_by(Attachment.id)))


def read_attachment(tenant: Tenant, session_id: int, number: int) -> tuple[Attachment, bytes]:
    """A file of a conversation with its bytes. Raises NotFound."""
    missing = NotFound("There is no such file.", code="attachment_not_found")
    with tenant.read() as db:
        row, session = db.get(Attachment, number), db.get(ChatSession, session_id)
    if row is None or session is None or row.session_id != session_id or session.restricted or not row.blob:
        raise missing
    try:
        return row, tenant.platform.blobs.get(tenant.id, row.blob)
    except FileNotFoundError:
        raise missing from None
