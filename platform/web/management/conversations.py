"""Conversations."""

from __future__ import annotations

from ...core import conversations
from ...core.apikeys import Caller
from ...core.bots import find_own_bot, list_bots
from ...core.conversations import Conversation as Line
from ...core.conversations import Transcript as Read
from ...core.conversations import conversations_before, read_transcript
from .cursors import cut, read_cursor
from .routes import route
from .shapes import Conversation, ConversationPage, ConversationQuery, Empty, Message, Transcript


def show(c: Line, bots: dict[int, str]) -> Conversation:
    """A conversation in a list."""
    return Conversation(
        id=c.id,
        bot=bots.get(c.bot_id, ""),
        language=c.language,
        restricted=c.restricted,
        started_at=c.started,
        last_at=c.last,
        ended_at=c.ended,
        messages=c.messages,
        up=c.up,
        down=c.down,
        refused=c.refused,
        opening=c.opening,
    )


def public_ids(caller: Caller) -> dict[int, str]:
    """The public ids of the tenant's bots."""
    return {b.id: b.public_id for b in list_bots(caller.tenant)}


@route("GET", "/conversations", "conversations:read", ConversationPage, query=ConversationQuery)
def list_conversations(caller: Caller, query: ConversationQuery) -> ConversationPage:
    """Conversations, the newest begun first."""
    bot_id = find_own_bot(caller.tenant, query.bot).id if query.bot else 0
    before = read_cursor("conversation", query.cursor)
    rows = conversations_before(caller.tenant, before, query.limit + 1, bot_id=bot_id)
    bots = public_ids(caller)
    data, following = cut("conversation", [(c.id, show(c, bots)) for c in rows], query.limit)
    return ConversationPage(data=data, next=following)


@route("GET", "/conversations/<int:conversation>", "conversations:read", Transcript)
def read_conversation(caller: Caller, conversation: int) -> Transcript:
    """One conversation with its messages."""
    found = read_transcript(caller.tenant, conversation)
    row = found.session
    return Transcript(
        id=row.id,
        bot=public_ids(caller).get(row.bot_id, ""),
        language=row.language,
        restricted=row.restricted,
        started_at=row.created_at,
        last_at=row.last_at,
        ended_at=row.ended_at,
        messages=messages(found),
    )


def messages(found: Read) -> list[Message]:
    """The messages of a conversation."""
    return [
        Message(
            id=m.public_id,
            role=m.role,  # type: ignore[arg-type]
            text=m.text.strip(),
            language=m.language,
            sources=m.sources or [],
            rating=m.rating or None,  # type: ignore[arg-type]
            comment=m.comment,
            refused=m.id in found.refused,
            created_at=m.created_at,
        )
        for m in found.messages
    ]


@route("DELETE", "/conversations/<int:conversation>", "conversations:write", action="conversation.deleted")
def delete_conversation(caller: Caller, conversation: int) -> Empty:
    """Delete a conversation completely."""
    conversations.delete_conversation(caller.tenant, conversation)
    return Empty()
