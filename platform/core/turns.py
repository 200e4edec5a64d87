"""One chat turn: accept, find passages, ask the model, stream, store.

`accept_turn` runs in a thread (it works with the database and the index), `TurnRunner` streams on an event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from . import usage
from .analysis import detect_language
from .bots import LiveBot
from .citations import CitationStream
from .clock import new_uuid, now
from .db.chats import Message, TurnRow
from .db.sources import Document, Source
from .egress import calling
from .errors import InvalidRequest, Unavailable, WebChatAgentError
from .followup import points_back
from .live import Event, LiveTurn
from .models import CannotAnswer, ChatModel, ModelRequest, TextDelta, TokenUsage
from .progress import ProgressWriter
from .prompting import HISTORY, build_request
from .ranking import Ranked
from .retrieval import Found, retrieve
from .sessions import OpenSession, open_session, resume_session
from .storable import storable
from .tenancy import insert_row, update_row
from .texts import say
from .vault import Vault

log = logging.getLogger(__name__)
STALE_SECONDS = 15.0
"""A turn that nobody wrote to for this long is cut: its process is gone (a live one writes every second or beats)."""


@dataclass
class Turn:
    """A question on its way. `state` says what there is: new, running (in another reader's hands) or done."""

    id: int
    public_id: str
    bot: LiveBot
    session: OpenSession
    question: str
    language: str
    state: str = "new"
    answer: Message | None = None
    refused: bool = False
    past: Sequence[Message] = ()
    found: Found | None = None
    request: ModelRequest | None = None
    vault: Vault = field(default_factory=Vault)


# -- accept: in a thread ------------------------------------------------------------------------------------------


def accept_turn(bot: LiveBot, session_key: str | None, message: str, client_message_id: str | None = None) -> Turn:
    """Take a question in, durably, and find its passages.

    Raises InvalidRequest for an empty or overlong message. The same `client_message_id` comes back as the running or
    finished turn; a cut one is taken up again.
    """
    message = check_message(bot, message)
    language = detect_language(message, bot.locale)
    if client_message_id and (known := _known_turn(bot, session_key, client_message_id, message, language)):
        if known.state == "new":
            _find_passages(known)
        return known
    try:
        turn = _new_turn(bot, session_key, message, client_message_id, language)
    except IntegrityError:  # the same message came twice at the same moment
        again = _known_turn(bot, session_key, client_message_id or "", message, language)
        if again is None:
            raise Unavailable("The message could not be taken.", "send it again", retry_after=1) from None
        turn = again
        if turn.state != "new":
            return turn
    _find_passages(turn)
    return turn


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


def _new_turn(bot: LiveBot, key: str | None, message: str, client_message_id: str | None, language: str) -> Turn:
    with bot.tenant.write() as db:
        session = open_session(db, bot, key, language)
        past: Sequence[Message] = []
        if not session.new:
            past = list(
                db.scalars(
                    select(Message).where(Message.session_id == session.id).order_by(Message.id.desc()).limit(HISTORY)
                )
            )[::-1]
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
        )
        return Turn(turn_id, public_id, bot, session, message, language, past=past)


def _known_turn(bot: LiveBot, key: str | None, client_message_id: str, message: str, language: str) -> Turn | None:
    """The turn of a client message id, for its own conversation only. Raises InvalidRequest for anybody else."""
    with bot.tenant.write() as db:
        row = db.scalar(select(TurnRow).where(TurnRow.bot_id == bot.id, TurnRow.client_message_id == client_message_id))
        if row is None:
            return None
        session = resume_session(db, row, key)
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
        elif row.state != "cut" and row.updated_at > now() - timedelta(seconds=STALE_SECONDS):
            turn.state = "running"
        else:
            row.state, row.text, row.attempts, row.updated_at = "accepted", "", row.attempts + 1, now()
            turn.past = list(
                db.scalars(
                    select(Message)
                    .where(
                        Message.session_id == session.id,
                        Message.id < (row.question_id or 0),
                    )
                    .order_by(Message.id.desc())
                    .limit(HISTORY)
                )
            )[::-1]
        return turn


def _find_passages(turn: Turn) -> None:
    tenant, bot = turn.bot.tenant, turn.bot
    found = retrieve(tenant, bot.id, turn.question, language=turn.language)
    if not found.relevant and points_back(turn.question, turn.language):
        before = next((m.text for m in reversed(turn.past) if m.role == "visitor"), "")
        if before:
            found = retrieve(tenant, bot.id, f"{before} {turn.question}", language=turn.language)
    turn.found = found
    turn.request = build_request(
        bot, turn.vault, turn.question, turn.language, turn.past, found.ranked if found.relevant else ()
    )


def chat_model(bot: LiveBot) -> tuple[str, ChatModel]:
    """The (plugin, model) that answers for a bot: the one it names, else the first. Raises Unavailable."""
    models = bot.tenant.hooks.each("chat_models", tenant=bot.tenant)
    for plugin, model in models:
        if model.info.id == bot.settings.chat_model:
            return plugin, model
    if not models:
        raise Unavailable(say("no_model", bot.locale), "switch a model on", code="no_model")
    plugin, first = models[0]
    return plugin, first


# -- stream: on the event loop ------------------------------------------------------------------------------------


@dataclass
class Reply:
    """A whole answer, for callers that do not stream."""

    message_id: str
    text: str = ""
    sources: list[dict[str, Any]] = field(default_factory=list)
    refused: bool = False

    def take(self, event: Event) -> None:
        """Take one event. Raises Unavailable for an error."""
        kind = event["type"]
        if kind == "delta":
            self.text += event["delta"]
        elif kind == "replace":
            self.text = event["text"]
        elif kind == "sources":
            self.sources = event["sources"]
        elif kind == "done":
            self.refused = event["refused"]
        elif kind == "error":
            raise Unavailable(event["error"]["message"], code=event["error"]["code"], retry_after=2)


class TurnRunner:
    """Runs turns on the event loop it is used from, and lets readers follow them."""

    def __init__(self) -> None:
        self._live: dict[int, LiveTurn] = {}
        self._progress = ProgressWriter()

    @property
    def running(self) -> int:
        """How many turns are being answered in this process."""
        return len(self._live)

    async def events(self, turn: Turn) -> AsyncIterator[list[Event]]:
        """The events of a turn, from `start` to `done` or `error`, as they come; an empty list is a heartbeat."""
        if turn.state == "done":
            yield finished_events(turn)
            return
        live = self._live.get(turn.id)
        if live is None and turn.state == "running":
            async for events in _watch(turn):  # another process answers it
                yield events
            return
        if live is None:
            live = self._live[turn.id] = LiveTurn()
            live.start(_answer(turn, live, self._progress), lambda: self._forget(turn.id))
        async with contextlib.aclosing(live.follow()) as following:  # leaving is noticed at once
            async for events in following:
                yield events

    def _forget(self, turn_id: int) -> None:
        self._live.pop(turn_id, None)

    async def reply(self, turn: Turn) -> Reply:
        """The whole answer of a turn. Raises Unavailable when it was cut off."""
        if turn.request is not None:
            turn.request = replace(turn.request, streamed=False)
        reply = Reply(turn.public_id)
        async for events in self.events(turn):
            for event in events:
                reply.take(event)
        return reply


async def _answer(turn: Turn, live: LiveTurn, progress: ProgressWriter) -> None:
    """Produce the events of one turn and store how it ended, whatever happens."""
    answer = Answer(turn)
    live.emit({"type": "start", "messageId": turn.public_id})
    try:
        plugin, model = chat_model(turn.bot)
        assert turn.request is not None
        progress.add(turn.id, turn.bot.tenant.platform.database, answer)
        stream = model.stream(turn.request)
        try:
            with calling(plugin, turn.bot.tenant):
                async for event in stream:
                    shown = answer.take(event)
                    if shown:
                        live.emit({"type": "delta", "delta": shown})
        finally:
            progress.remove(turn.id)
            close = getattr(stream, "aclose", None)
            if close:
                await close()
        for piece in answer.close():
            live.emit({"type": "delta", "delta": piece})
        await asyncio.to_thread(finish_turn, turn, answer)
        if answer.sources:
            live.emit({"type": "sources", "sources": answer.sources})
        live.emit({"type": "done", "refused": answer.refused, "mode": "bot", "status": None})
    except asyncio.CancelledError:
        await asyncio.to_thread(cut_turn, turn, answer.text)  # it was cancelled once, and is not again
        live.emit(_cut_event(turn))  # for a reader who came back in this very moment
        raise
    except WebChatAgentError as error:
        await asyncio.to_thread(cut_turn, turn, answer.text)
        live.emit({"type": "error", **error.as_json()})
    except Exception:
        log.exception("turn %s failed", turn.public_id)
        await asyncio.to_thread(cut_turn, turn, answer.text)
        live.emit(_cut_event(turn))


def _cut_event(turn: Turn) -> Event:
    return {"type": "error", "error": {"code": "try_again", "message": say("answer_cut", turn.language)}}


class Answer:
    """The answer as it grows: text for the visitor, what it cites, what it cost."""

    def __init__(self, turn: Turn) -> None:
        self._turn = turn
        ranked = turn.found.ranked if turn.found and turn.found.relevant else ()
        self._passages = dict(enumerate(ranked, 1))
        self._citations = CitationStream({n: r.chunk.key.document_id for n, r in self._passages.items()})
        self._pieces: list[str] = []
        self._own: list[str] = []
        self.refused = False
        self.usage = TokenUsage()
        self.sources: list[dict[str, Any]] = []

    @property
    def text(self) -> str:
        """What the visitor has seen so far."""
        return "".join(self._pieces)

    @property
    def own_text(self) -> str:
        """The text without the fixed phrases of the interface."""
        return "".join(self._own)

    @property
    def cited(self) -> list[Ranked]:
        """The passages that were cited, in the order of their source numbers."""
        return [self._passages[n] for n in self._citations.cited]

    def take(self, event: object) -> str:
        """Take one model event; returns what is to be shown."""
        if isinstance(event, CannotAnswer):
            self.refused = True
        elif isinstance(event, TokenUsage):
            self.usage = event
        elif isinstance(event, TextDelta):
            return self._show(self._citations.feed(self._turn.vault.restore(event.text)), fixed=event.fixed)
        return ""

    def _show(self, text: str, *, fixed: bool) -> str:
        if text:
            self._pieces.append(text)
            if not fixed:
                self._own.append(text)
        return text

    def close(self) -> list[str]:
        """The end of the text: what was held, or the tenant's words for not knowing; then the sources are known."""
        tail = self._show(self._citations.close(), fixed=False)
        if not self.text.strip():  # also when the model ended without a word
            self.refused = True
            bot = self._turn.bot
            text = bot.settings.unknown_answer or say("unknown_answer", self._turn.language)
            return [self._show(word, fixed=True) for word in _words(text)]
        return [tail] if tail else []


def _words(text: str) -> list[str]:
    parts = text.split(" ")
    return [p + " " for p in parts[:-1]] + parts[-1:]


# -- store: in a thread -------------------------------------------------------------------------------------------


def finish_turn(turn: Turn, answer: Answer) -> None:
    """Store the answer with its sources and count the use, in one transaction."""
    tenant = turn.bot.tenant
    with tenant.write() as db:
        answer.sources = source_list(db, answer.cited)
        message = insert_row(
            db,
            Message,
            public_id=turn.public_id,
            session_id=turn.session.id,
            role="bot",
            text=answer.text,
            language=turn.language,
            sources=answer.sources,
        )
        update_row(
            db,
            TurnRow,
            turn.id,
            state="done",
            text="",
            refused=answer.refused,
            answer_id=message,
            updated_at=now(),
        )
        usage.count(
            db,
            turn.bot.id,
            {
                "messages": 1,
                "refused": int(answer.refused),
                "tokens_in": answer.usage.tokens_in,
                "tokens_out": answer.usage.tokens_out,
            },
        )


def cut_turn(turn: Turn, text: str) -> None:
    """Store that the answer was cut off; the same client message id will generate it again."""
    with turn.bot.tenant.write() as db:
        db.execute(
            update(TurnRow)
            .where(TurnRow.id == turn.id, TurnRow.state != "done")
            .values(state="cut", text=text, updated_at=now())
        )


def source_list(db: Any, cited: Sequence[Ranked]) -> list[dict[str, Any]]:
    """The numbered sources of an answer, as the API shows them."""
    if not cited:
        return []
    ids = [r.chunk.key.document_id for r in cited]
    kinds = {
        d: (kind, name)
        for d, kind, name in db.execute(
            select(Document.id, Source.kind, Document.name)
            .join(Source, Source.id == Document.source_id)
            .where(Document.id.in_(ids))
        )
    }
    out = []
    for number, r in enumerate(cited, 1):
        kind, name = kinds.get(r.chunk.key.document_id, ("text", ""))
        shown: dict[str, Any] = {
            "type": "web" if r.chunk.url else "file" if kind == "file" and name else "text",
            "title": r.chunk.title or name,
            "excerpt": r.chunk.text[:400],
            "n": number,
        }
        if r.chunk.url:
            shown["url"] = r.chunk.url
        out.append(shown)
    return out


def finished_events(turn: Turn) -> list[Event]:
    """The events of an answer that is stored."""
    assert turn.answer is not None
    events: list[Event] = [{"type": "start", "messageId": turn.public_id}, {"type": "delta", "delta": turn.answer.text}]
    if turn.answer.sources:
        events.append({"type": "sources", "sources": turn.answer.sources})
    return [*events, {"type": "done", "refused": turn.refused, "mode": "bot", "status": None}]


async def _watch(turn: Turn) -> AsyncIterator[list[Event]]:
    """Follow a turn that another process answers, by its row, twice a second."""
    yield [{"type": "start", "messageId": turn.public_id}]
    shown = ""
    while True:
        row, answer = await asyncio.to_thread(_look, turn)
        text = answer.text if answer else row.text if row else ""
        if text.startswith(shown) and len(text) > len(shown):
            yield [{"type": "delta", "delta": text[len(shown) :]}]
            shown = text
        if answer and row:
            turn.answer, turn.refused = answer, row.refused
            yield finished_events(turn)[2:]
            return
        if row is None or row.state == "cut" or row.updated_at < now() - timedelta(seconds=STALE_SECONDS):
            yield [_cut_event(turn)]
            return
        yield []
        await asyncio.sleep(0.5)


def _look(turn: Turn) -> tuple[TurnRow | None, Message | None]:
    with turn.bot.tenant.read() as db:
        row = db.get(TurnRow, turn.id)
        answer = db.get(Message, row.answer_id) if row and row.state == "done" else None
        return row, answer
