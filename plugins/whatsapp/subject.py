"""The rights of a person on WhatsApp, and deleting in time. Who they are goes with the conversation itself."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select, update

from webchatagent.core.api import ErasureReport, ExportPart, Subject, Tenant, TenantSession, person_sessions

from .models import Blocked, Incoming, Number, Outgoing, Person
from .optin import withdraw
from .receipts import RANK

DAYS = 30
"""How long it is remembered that a message came or went."""
KEPT_AT_META = "Meta keeps messages by its own terms; the person can delete the chat in WhatsApp"


def _people(db: TenantSession, sessions: Sequence[int]) -> list[Person]:
    return list(db.scalars(select(Person).where(Person.session_id.in_(sessions)).order_by(Person.id)))


def export(tenant: Tenant, subject: Subject) -> list[ExportPart]:
    """Who they are on WhatsApp, and what became of the messages to them."""
    sessions = person_sessions(tenant, subject)
    with tenant.read() as db:
        people = _people(db, sessions)
        sent = db.scalars(
            select(Outgoing).where(Outgoing.person_id.in_([p.id for p in people])).order_by(Outgoing.id)
        ).all()
        waiting = db.scalars(
            select(Incoming).where(Incoming.person_id.in_([p.id for p in people]), Incoming.state == "waiting")
        ).all()
    who = [
        {
            "number": p.wa_id or "",
            "id_at_meta": p.user_id or "",
            "name": p.name,
            "username": p.username,
            "last_message_at": p.last_in_at.isoformat() if p.last_in_at else "",
            "stopped": p.stopped,
            "created_at": p.created_at.isoformat(),
        }
        for p in people
    ]
    out = [{"message": o.message, "state": o.state, "reason": o.reason, "at": o.changed_at.isoformat()} for o in sent]
    came = [{"text": w.payload.get("text", ""), "kind": w.kind, "at": w.said_at.isoformat()} for w in waiting]
    meta = ("Meta Platforms Ireland Ltd.",) if who else ()
    return [
        ExportPart("whatsapp people", len(who), who, "whatsapp", 0, meta),
        ExportPart("whatsapp receipts", len(out), out, "whatsapp", DAYS, meta),
        ExportPart("whatsapp waiting", len(came), came, "whatsapp", DAYS, meta),
    ]


def locate(tenant: Tenant, subject: Subject) -> list[ExportPart]:
    """As `export`, with counts only."""
    return [ExportPart(p.name, p.count, (), p.purpose, p.retention_days) for p in export(tenant, subject)]


def rectify(tenant: Tenant, subject: Subject, changes: dict[str, str]) -> ErasureReport:
    """Correct the name. The number is what Meta says it is."""
    if "name" not in changes:
        return ErasureReport({"whatsapp people": 0})
    return _change(tenant, subject, {"name": changes["name"].strip()[:200]})


def restrict(tenant: Tenant, subject: Subject, restricted: bool) -> ErasureReport:
    """Send nothing to the person and take nothing from them, or again."""
    return _change(tenant, subject, {"restricted": restricted})


def _change(tenant: Tenant, subject: Subject, values: dict[str, Any]) -> ErasureReport:
    sessions = person_sessions(tenant, subject)
    with tenant.write() as db:
        change = update(Person).where(Person.session_id.in_(sessions)).values(**values)
        done = db.execute(change.execution_options(synchronize_session=False))
    return ErasureReport({"whatsapp people": _count(done)})


def erase(tenant: Tenant, subject: Subject) -> ErasureReport:
    """Forget who they are and what waits; the id of a message alone stays, so that it is not taken again."""
    sessions = person_sessions(tenant, subject)
    with tenant.read() as db:
        people = [p.id for p in _people(db, sessions)]
    if not people:
        return ErasureReport({"whatsapp people": 0})
    for session_id in sessions:
        withdraw(tenant, session_id, "erased at the person's request")
    with tenant.write() as db:
        _forget(db, people)
        gone = db.execute(delete(Person).where(Person.id.in_(people)).execution_options(synchronize_session=False))
    tenant.platform.database.forget_deleted()
    return ErasureReport({"whatsapp people": _count(gone)}, {"meta": KEPT_AT_META})


def _forget(db: TenantSession, people: Sequence[int]) -> None:
    """Empty what came from people and delete what goes to them."""
    waiting = update(Incoming).where(Incoming.person_id.in_(people), Incoming.state == "waiting")
    db.execute(waiting.values(state="ignored").execution_options(synchronize_session=False))
    change = update(Incoming).where(Incoming.person_id.in_(people)).values(person_id=0, payload={})
    db.execute(change.execution_options(synchronize_session=False))
    out = delete(Outgoing).where(Outgoing.person_id.in_(people))
    db.execute(out.execution_options(synchronize_session=False))


def purge(tenant: Tenant, at: datetime) -> ErasureReport:
    """Forget after thirty days what came and went; a restricted person's stays. People go with their conversations."""
    limit = at - timedelta(days=DAYS)
    with tenant.write() as db:
        held = list(db.scalars(select(Person.id).where(Person.restricted)))
        sent = delete(Outgoing).where(
            Outgoing.created_at < limit,
            Outgoing.state.in_([s for s in RANK if RANK[s] > 1]),
            Outgoing.person_id.not_in(held),
        )
        came = delete(Incoming).where(
            Incoming.created_at < limit, Incoming.state != "waiting", Incoming.person_id.not_in(held)
        )
        done = [db.execute(d.execution_options(synchronize_session=False)) for d in (sent, came)]
        lost = select(Person.id)
        orphans = update(Incoming).where(
            Incoming.person_id != 0, Incoming.person_id.not_in(lost), Incoming.state == "waiting"
        )
        left = orphans.values(state="ignored", payload={}, person_id=0)
        db.execute(left.execution_options(synchronize_session=False))
    tenant.platform.database.forget_deleted()
    return ErasureReport({"whatsapp sent": _count(done[0]), "whatsapp received": _count(done[1])})


def erase_all(tenant: Tenant) -> ErasureReport:
    """Everything of a tenant."""
    counts = {}
    with tenant.write() as db:
        for model in (Outgoing, Incoming, Person, Blocked, Number):
            done = db.execute(delete(model).execution_options(synchronize_session=False))
            counts[model.__tablename__.replace("_", " ")] = _count(done)
    return ErasureReport(counts)


def _count(done: Any) -> int:
    return int(getattr(done, "rowcount", 0))
