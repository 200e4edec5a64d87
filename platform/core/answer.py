"""An answer: how it grows, what it cites, and how it is stored."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from sqlalchemy import select, update

from . import usage
from .actions import reference
from .caps import ENDED_EARLY
from .citations import CitationStream
from .clock import now
from .db.chats import Message, TurnRow
from .db.sources import Document, Source
from .links import LinkStream, addresses
from .live import Event
from .models import CannotAnswer, TextDelta, TokenUsage
from .observing import tell
from .ranking import Ranked
from .resolver import Candidate
from .spent import metered, record_of
from .tenancy import insert_row, update_row
from .texts import say
from .tool_loop import Used
from .tools import ToolContext
from .turn import Turn
from .vault import Vault

MOST_BESIDE = 3
"""How many parts stand under an answer that no tool asked for."""


class Answer:
    """The answer as it grows: text for the visitor, what it cites, what tools did, what it cost.

    `spent` is what was used before its first word; `usage` is all of it.
    """

    def __init__(self, turn: Turn) -> None:
        self._turn = turn
        ranked = turn.found.ranked if turn.found and turn.found.relevant else ()
        self._passages = dict(enumerate(ranked, 1))
        self._citations = CitationStream({n: r.chunk.key.document_id for n, r in self._passages.items()})
        self._restorer = turn.vault.restorer()
        self._links = LinkStream(self._addresses)
        self._pieces: list[str] = []
        self._own: list[str] = []
        self.refused = False
        self.used = Used()
        self.spent = TokenUsage()
        self.usage = TokenUsage()
        self.by: Candidate | None = None
        """Who answers, from its first event on."""
        self.first_at = 0.0
        """When the visitor saw the first word, as `time.perf_counter`; 0 before."""
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
            self.usage = self.spent + event
        elif isinstance(event, TextDelta):
            text = self._citations.feed(self._restorer.feed(event.text))
            return self._show(self._links.feed(text), fixed=event.fixed)
        return ""

    def _addresses(self) -> frozenset[str]:
        """What may be a link: addresses of and in the passages, in the tenant's own words, and in what tools gave."""
        settings = self._turn.bot.settings
        chunks = [r.chunk for r in self._passages.values()]
        own = (settings.instructions, settings.unknown_answer, self._turn.bot.greeting)
        return addresses([*(c.text for c in chunks), *(c.url for c in chunks if c.url), *own, *self.used.texts])

    def _show(self, text: str, *, fixed: bool) -> str:
        if text:
            self.first_at = self.first_at or time.perf_counter()
            self._pieces.append(text)
            if not fixed:
                self._own.append(text)
        return text

    def close(self) -> list[str]:
        """The end of the text: what was held, or the tenant's words for not knowing; then the sources are known."""
        held = self._citations.feed(self._restorer.close()) + self._citations.close()
        tail = self._show(self._links.feed(held) + self._links.close(), fixed=False)
        if not self.text.strip():  # also when the model ended without a word
            self.refused = not self.used.cards
            text = self._unknown() if self.refused else say("action_intro", self._turn.language)
            return [self._show(word, fixed=True) for word in _words(text)]
        return [tail] if tail else []

    def _unknown(self) -> str:
        return self._turn.bot.settings.unknown_answer or say("unknown_answer", self._turn.language)

    def withdrawn(self) -> str:
        """The text that replaces an answer that a strict bot must not give; empty when it may stand.

        A strict bot says nothing of its own: an answer cites a passage, or stands on what a tool gave.
        """
        grounded = self.refused or self.cited or self.used.answered or self.used.cards
        if grounded or not self._turn.bot.settings.strict or not self.own_text.strip():
            return ""
        self.refused = True
        self._pieces, self._own = [self._unknown()], []
        return self.text


def _words(text: str) -> list[str]:
    parts = text.split(" ")
    return [p + " " for p in parts[:-1]] + parts[-1:]


# -- store: in a thread -------------------------------------------------------------------------------------------


def finish_turn(turn: Turn, answer: Answer) -> None:
    """Store the answer with its sources and what it took, and count the use, in one transaction."""
    answer.used.cards += _parts_beside(turn, answer)
    tenant, record = turn.bot.tenant, record_of(turn, answer, turn.capped)
    with tenant.write() as db:
        answer.sources = source_list(db, answer.cited, turn.vault)
        message = insert_row(
            db,
            Message,
            public_id=turn.public_id,
            session_id=turn.session.id,
            role="bot",
            text=answer.text,
            language=turn.language,
            sources=answer.sources,
            parts=[reference(part) for part in answer.used.cards],
            personal=turn.vault.places(answer.text),
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
            **record,
        )
        asked = {"capped": 1} if turn.capped else {"messages": 1, "refused": int(answer.refused)}
        usage.count(db, turn.bot.id, {**asked, **metered(record)})
    tell("capped" if turn.capped else "refused" if answer.refused else "answered", record)


def _parts_beside(turn: Turn, answer: Answer) -> list[dict[str, Any]]:
    """What plugins put under an answer that nobody asked them for, such as a form when it is none."""
    context = ToolContext(turn.bot.id, turn.session.id, turn.language)
    answers = 1 + sum(m.role == "bot" for m in turn.past)
    found = turn.bot.tenant.hooks.each(
        "answer_parts", tenant=turn.bot.tenant, context=context, refused=answer.refused, answers=answers
    )
    return [part for _, part in found][:MOST_BESIDE]


def cut_turn(turn: Turn, answer: Answer, error: str) -> None:
    """Store that the answer was cut off, by what; the same client message id will generate it again.

    A question that a model was asked counts: leaving early does not get around a cap.
    """
    record = record_of(turn, answer, error)
    with turn.bot.tenant.write() as db:
        done = db.execute(
            update(TurnRow)
            .where(TurnRow.id == turn.id, TurnRow.state != "done")
            .values(state="cut", text=answer.text, updated_at=now(), **record)
        )
        asked = record["tokens_out"] or answer.text or error in ENDED_EARLY
        if getattr(done, "rowcount", 0) and asked:
            usage.count(db, turn.bot.id, {"cut": 1, **metered(record)})
    tell("cut", record)


def source_list(db: Any, cited: Sequence[Ranked], vault: Vault) -> list[dict[str, Any]]:
    """The numbered sources of an answer, as the API shows them; secrets in them are withheld."""
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
            "excerpt": vault.without_secrets(r.chunk.text, r.chunk.language)[:400],
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
    events += [{"type": "part", "part": part} for part in turn.parts]
    return [*events, {"type": "done", "refused": turn.refused, "mode": "bot", "status": None}]
