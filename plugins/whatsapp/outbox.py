"""Sending what is written down, one person's messages in their order."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update

from webchatagent.core.api import Tenant, now

from .client import Graph, GraphFailed
from .config import Config
from .models import Outgoing, Person
from .receipts import advance, begin_sending
from .webhook import number_row

HOURS = 24
SETTLE = timedelta(seconds=20)
"""How long a message that nobody knows of waits for Meta's notice, before it is sent again."""
WINDOW_CLOSED = 131047
"""Meta's code for a message after 24 hours."""


class Later(Exception):
    """Sending waits: for so many seconds."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"in {seconds:g} seconds")
        self.seconds = seconds


def open_until(person: Person) -> datetime | None:
    """Until when anything may be sent to a person; None when they never wrote."""
    return person.last_in_at + timedelta(hours=HOURS) if person.last_in_at else None


def is_open(person: Person) -> bool:
    """Whether the window of 24 hours is open."""
    until = open_until(person)
    return until is not None and until > now()


def flush(tenant: Tenant, person_id: int) -> None:
    """Send what waits for a person. Raises Later, and GraphFailed for a fault that passes."""
    while True:
        with tenant.read() as db:
            person = db.get(Person, person_id)
            row = db.scalar(
                select(Outgoing)
                .where(Outgoing.person_id == person_id, Outgoing.state.in_(("waiting", "sending")))
                .order_by(Outgoing.id)
                .limit(1)
            )
        if person is None or row is None:
            return
        _send_one(tenant, person, row)


def _send_one(tenant: Tenant, person: Person, row: Outgoing) -> None:
    if why := _why_not(person, row):
        return _failed(tenant, row, "", why)
    if row.state == "sending" and row.changed_at > now() - SETTLE:
        raise Later((row.changed_at + SETTLE - now()).total_seconds() + 1)
    with tenant.write() as db:
        taken = begin_sending(db, row.id)
    if not taken:
        return
    try:
        meta_id = Graph(tenant.config(Config)).send(body_of(person, row))
    except GraphFailed as error:
        return _refused(tenant, row, error)
    with tenant.write() as db:
        sent: Outgoing | None = db.get(Outgoing, row.id)
        if sent is not None:
            sent.meta_id = sent.meta_id or meta_id
            advance(sent, "sent")
    _no_trouble(tenant)


def _why_not(person: Person, row: Outgoing) -> str:
    """Why a message is not sent any more, as a key of texts.toml."""
    if person.restricted or not (person.wa_id or person.user_id):
        return "why_restricted"
    if row.kind != "template" and not is_open(person):
        return "why_window"
    return "why_stopped" if row.kind == "template" and person.stopped else ""


def body_of(person: Person, row: Outgoing) -> dict[str, Any]:
    """The whole body: to a number where one is known, else to Meta's ID of the person."""
    to = {"to": person.wa_id} if person.wa_id else {"recipient": person.user_id}
    fixed = {"messaging_product": "whatsapp", "recipient_type": "individual", **to}
    return {**fixed, **row.body, "biz_opaque_callback_data": row.public_id}


def _refused(tenant: Tenant, row: Outgoing, error: GraphFailed) -> None:
    """A fault that passes leaves the message waiting; a refusal ends it, with Meta's reason."""
    from .client import GraphUnsure

    if isinstance(error, GraphUnsure):
        raise Later(SETTLE.total_seconds() + 1)
    if error.passing or error.setup:
        with tenant.write() as db:
            back = update(Outgoing).where(Outgoing.id == row.id, Outgoing.state == "sending").values(state="waiting")
            db.execute(back.execution_options(synchronize_session=False))
            if error.setup:
                number = number_row(db)
                number.trouble, number.trouble_at = "trouble_token", now()
        if error.setup:
            raise Later(300)
        raise error
    _failed(tenant, row, str(error.number), error.reason)


def _failed(tenant: Tenant, row: Outgoing, code: str, reason: str) -> None:
    with tenant.write() as db:
        found = db.get(Outgoing, row.id)
        if found is not None:
            advance(found, "failed", code, reason)


def _no_trouble(tenant: Tenant) -> None:
    """What was sent shows that the token works again."""
    with tenant.read() as db:
        troubled = number_troubled(db)
    if troubled:
        with tenant.write() as db:
            number_row(db).trouble = ""


def number_troubled(db: Any) -> bool:
    """Whether the token was refused."""
    from .models import Number

    return db.scalar(select(Number.id).where(Number.trouble == "trouble_token")) is not None
