"""What one message leads to: the same turn as on the website, a pressed button, or a sentence."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, update

from webchatagent.core.api import (
    Answered,
    Tenant,
    TenantSession,
    Through,
    answer_message,
    detect_language,
    insert_row,
    keep_file,
    keep_message,
    new_uuid,
    now,
    open_conversation,
    press,
    read_file,
)

from . import writing
from .config import Config
from .files import fetch
from .limits import over
from .models import Incoming, Outgoing, Person
from .optin import obey, word_of
from .payload import MEDIA, digest
from .people import CHANNEL, answering_bot, change_number
from .words import say
from .writing import Out

QUIET = ("reaction", "system", "revoke", "edit", "request_welcome", "ephemeral")
SLOWED = timedelta(hours=1)


@dataclass
class Reply:
    """What is sent for one message: `message` is the public id of the answer in the conversation."""

    outs: list[Out] = field(default_factory=list)
    message: str = ""
    session_id: int = 0
    language: str = "en"


def handle(tenant: Tenant, person_id: int, row: Incoming, *, last: bool = False) -> None:
    """Answer one message, and write down what is to be sent. Raises what passes, unless this is the `last` try."""
    with tenant.read() as db:
        person = db.get(Person, person_id)
    if person is None or person.restricted:
        return _end(tenant, row, None, Reply(), "ignored")
    reply = _answer(tenant, person, row, last=last)
    _end(tenant, row, person, reply, "done")


def _answer(tenant: Tenant, person: Person, row: Incoming, *, last: bool) -> Reply:
    payload: dict[str, Any] = row.payload
    text, data, kind = str(payload.get("text") or ""), dict(payload.get("data") or {}), row.kind
    bot = answering_bot(tenant)
    with tenant.write() as db:
        session_id = open_conversation(db, bot, Through(CHANNEL, person.session_id))
        person.session_id = session_id
        _set(db, person.id, session_id=session_id)
    language = detect_language(text, bot.locale) if text else bot.locale
    if kind in QUIET or data.get("type") == "call_permission_reply":
        return _note(tenant, person, row, text, data)
    if limit := over(tenant, person):
        return _slowed(tenant, person, limit, language)
    if choice := _choice(tenant, person, str(data.get("choice") or "")):
        if "press" in choice:
            return _said(tenant, session_id, row, "", press(bot, session_id, choice["press"]).message, language)
        text = choice["say"]
    if word := word_of(text):
        confirmed = obey(tenant, person, word, language, row.external_id)
        return _said(tenant, session_id, row, text, confirmed, language)
    if kind in MEDIA:
        kept = _file(tenant, session_id, row, data, text, language, last=last)
        if not text:
            return _said(tenant, session_id, row, "", say(kept, language), language)
    elif not text or kind in ("location", "contacts", "order"):
        known = kind in ("location", "contacts", "order")
        note = f"[{say(f'kind_{kind}', language)}] {text}".strip() if known else f"[{say('kind_other', language)}]"
        return _said(tenant, session_id, row, note, say("got" if known else "unsupported", language), language)
    return _turn(tenant, session_id, text, row.external_id)


def _turn(tenant: Tenant, session_id: int, text: str, key: str) -> Reply:
    """Ask the bot."""
    bot = answering_bot(tenant)
    found: Answered = answer_message(bot, Through(CHANNEL, session_id), text, key)
    outs = writing.answer_messages(found.text, found.sources, found.parts, found.language)
    return Reply(outs, found.message, found.session_id, found.language)


def _greeting(tenant: Tenant, language: str) -> str:
    """Said once: that a program answers, and where the privacy notice is."""
    base = tenant.platform.settings.public_url.rstrip("/")
    greeting = say("greeting", language, name=tenant.name)
    return f"{greeting} {base}/t/{tenant.slug}/privacy" if base else greeting


def _id(row: Incoming, part: str) -> str:
    """The public id of what a message becomes here; the same each time that a killed process does it again."""
    return str(UUID(digest(f"{row.external_id}:{part}")[:32]))


def _said(tenant: Tenant, session_id: int, row: Incoming, visitor: str, answer: str, language: str) -> Reply:
    """A fixed sentence, kept in the conversation with what it answers."""
    with tenant.write() as db:
        if visitor:
            keep_message(db, session_id, "visitor", visitor, language, _id(row, "in"))
        message = keep_message(db, session_id, "bot", answer, language, _id(row, "out"))
    return Reply(writing.text_messages(answer), message, session_id, language)


def _note(tenant: Tenant, person: Person, row: Incoming, text: str, data: dict[str, Any]) -> Reply:
    """What needs no answer."""
    with tenant.write() as db:
        if row.kind == "reaction" and text:
            keep_message(db, person.session_id, "visitor", text, public_id=_id(row, "in"))
        if row.kind == "system" and data.get("type") in ("user_changed_number", "customer_changed_number"):
            change_number(db, db.get(Person, person.id), _digits(data.get("wa_id")), str(data.get("user_id") or ""))
    return Reply(session_id=person.session_id)


def _digits(value: Any) -> str:
    return "".join(c for c in str(value or "") if c.isascii() and c.isdigit())


def _slowed(tenant: Tenant, person: Person, limit: str, language: str) -> Reply:
    """Beyond a limit nothing is asked; a person is told so once in an hour."""
    if limit == "tenant" or (person.slowed_at and person.slowed_at > now() - SLOWED):
        return Reply(session_id=person.session_id)
    with tenant.write() as db:
        _set(db, person.id, slowed_at=now())
    return Reply(writing.text_messages(say("slowed", language)), session_id=person.session_id)


def _choice(tenant: Tenant, person: Person, chosen: str) -> dict[str, str]:
    """What a button or row of ours stands for, if it was this person's."""
    public_id, _, number = chosen.partition(":")
    if not (public_id and number.isdigit() and len(number) < 4):
        return {}
    with tenant.read() as db:
        row = db.scalar(select(Outgoing).where(Outgoing.public_id == public_id, Outgoing.person_id == person.id))
    if row is None or int(number) >= len(row.choices):
        return {}
    return dict(row.choices[int(number)])


def _file(
    tenant: Tenant, session_id: int, row: Incoming, data: dict[str, Any], text: str, language: str, *, last: bool
) -> str:
    """Keep a file, and what can be read of it, in the conversation; returns the sentence that answers it."""
    kind, kept_as = row.kind, _id(row, "file")
    label = say(f"kind_{kind}", language)
    if not tenant.config(Config).keep_files:
        with tenant.write() as db:
            keep_message(db, session_id, "visitor", f"[{label}]", language, kept_as)
        return "file_not_kept"
    found = fetch(tenant, kind, data, last=last)
    name = found.name or label
    read = read_file(tenant, name, found.media_type, found.data) if kind == "document" and found.data else ""
    with tenant.write() as db:
        message = keep_message(db, session_id, "visitor", f"[{label}] {found.name}\n{read}".strip(), language, kept_as)
    keep_file(tenant, session_id, message, name, found.media_type, found.data, found.state)
    if found.state != "stored":
        return f"file_{found.state}"
    return "file_kept" if kind == "document" or text else "file_unread"


def leave(tenant: Tenant, person_id: int, row: Incoming, error: str) -> None:
    """Give a message up that failed again and again, and say so to the person."""
    with tenant.write() as db:
        values = {"state": "failed", "payload": {}, "attempts": row.attempts + 1, "error": error}
        change = update(Incoming).where(Incoming.id == row.id).values(**values)
        db.execute(change.execution_options(synchronize_session=False))
        person = db.get(Person, person_id)
        if person is not None:
            language = detect_language(str(row.payload.get("text") or ""), tenant.locale)
            for ordinal, out in enumerate(writing.text_messages(say("trouble", language))):
                put(db, person_id, out, "", row.id, ordinal)


def _set(db: TenantSession, person_id: int, **values: Any) -> None:
    change = update(Person).where(Person.id == person_id).values(**values)
    db.execute(change.execution_options(synchronize_session=False))


def _end(tenant: Tenant, row: Incoming, person: Person | None, reply: Reply, state: str) -> None:
    """Write what is to be sent and that the message is done, in one transaction; its content is forgotten here."""
    with tenant.write() as db:
        if person is not None:
            session_id = reply.session_id or person.session_id
            _set(db, person.id, session_id=session_id, greeted=person.greeted or bool(reply.outs))
            outs = reply.outs
            if outs and not person.greeted:
                outs = [*writing.text_messages(_greeting(tenant, reply.language)), *outs]
            for ordinal, out in enumerate(outs):
                put(db, person.id, out, reply.message, row.id, ordinal)
        db.execute(
            update(Incoming)
            .where(Incoming.id == row.id)
            .values(state=state, payload={})
            .execution_options(synchronize_session=False)
        )


def put(
    db: TenantSession, person_id: int, out: Out, message: str = "", incoming_id: int | None = None, ordinal: int = 0
) -> int:
    """Write a message that is to be sent."""
    public_id = new_uuid()
    return insert_row(
        db,
        Outgoing,
        public_id=public_id,
        person_id=person_id,
        incoming_id=incoming_id,
        ordinal=ordinal,
        kind=out.kind,
        body=writing.numbered(out.body, public_id),
        choices=list(out.choices),
        message=message,
    )
