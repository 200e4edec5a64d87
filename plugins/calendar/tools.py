"""What the assistant can do with appointments. The model proposes; times are for the visitor's eyes only."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import delete, select

from webchatagent.core.api import (
    Prepared,
    Tenant,
    Tool,
    ToolContext,
    ToolFailed,
    ToolUnsure,
    WebChatAgentError,
    WithParts,
    now,
)

from .booking import NotFree, Visitor, book, calendar_of, cancel, find_appointment, find_slots, move, of_session
from .config import Config
from .mails import title_of
from .models import Appointment, ShownSlot
from .phrases import read_day, read_time
from .words import day_said, place, said, say, time_said

MOST = 12
LETTERS = "23456789abcdefghjkmnpqrstuvwxyz"
WORD = {"type": "string", "pattern": f"^#?[{LETTERS}]{{6}}$", "description": "The id the visitor chose, such as k7f3m2"}
PERSON = "Ask the visitor; never invent it."
FIND = {
    "type": "object",
    "properties": {
        "day": {"type": "string", "maxLength": 80, "description": "The day in the visitor's own words, or YYYY-MM-DD"},
        "time": {"type": "string", "maxLength": 80, "description": "The time in the visitor's own words, or HH:MM"},
    },
}
BOOK = {
    "type": "object",
    "properties": {
        "slot": WORD,
        "name": {"type": "string", "minLength": 1, "maxLength": 200, "x-personal-data": True, "description": PERSON},
        "email": {
            "type": "string",
            "pattern": r"^[^@\s]+@[^@\s]+\.[^@\s]+$",
            "maxLength": 254,
            "x-personal-data": True,
            "description": PERSON,
        },
        "note": {"type": "string", "maxLength": 500, "x-personal-data": True, "description": "What it is about"},
    },
    "required": ["slot", "name", "email"],
}
WHICH = {**WORD, "description": "Which appointment, if the visitor has several"}
MOVE = {"type": "object", "properties": {"slot": WORD, "appointment": WHICH}, "required": ["slot"]}
CANCEL = {"type": "object", "properties": {"appointment": WHICH}}


def tools(tenant: Tenant, context: ToolContext) -> list[Tool]:
    """The four tools of a tenant whose calendar is connected."""

    def bound(function: Callable[..., Any]) -> Callable[[dict[str, Any], ToolContext], Any]:
        return lambda arguments, where: function(tenant, arguments, where)

    titles = {verb: say(f"{verb}_title", context.language) for verb in ("book", "move", "cancel")}
    return [
        Tool(
            "find_slots",
            "Show the visitor free times for an appointment. You learn their ids, not the times.",
            FIND,
            bound(show_slots),
        ),
        Tool(
            "book",
            "Propose to book a time that was shown and that the visitor chose by its id.",
            BOOK,
            bound(run_book),
            writes=True,
            title=titles["book"],
            prepare=bound(prepare_book),
        ),
        Tool(
            "move",
            "Propose to move an appointment of this conversation to a time that was shown.",
            MOVE,
            bound(run_move),
            writes=True,
            title=titles["move"],
            prepare=bound(prepare_move),
        ),
        Tool(
            "cancel",
            "Propose to cancel an appointment of this conversation.",
            CANCEL,
            bound(run_cancel),
            writes=True,
            title=titles["cancel"],
            prepare=bound(prepare_cancel),
        ),
    ]


# -- showing --------------------------------------------------------------------------------------------------


def show_slots(tenant: Tenant, arguments: dict[str, Any], context: ToolContext) -> WithParts | dict[str, Any]:
    """Show free times from the day that was asked for on; the nearest to the time that was asked for."""
    rules, zone, _ = calendar_of(tenant)
    today = now().astimezone(rules.zone).date()
    day = _read(arguments.get("day", ""), lambda text: read_day(text, today), "day")
    at = _read(arguments.get("time", ""), read_time, "time")
    if day is not None and day < today:
        raise ToolFailed("That day is over. Ask the visitor which day is meant.")
    found: list[datetime] = []
    if day is not None:
        found = _near(find_slots(tenant, day, day, 500), at, zone)[:MOST]
    hit = bool(found)
    if not found:
        first = day or today
        last = today + timedelta(days=rules.horizon)
        found = _near(find_slots(tenant, first, last, 500 if at is not None else MOST), at, zone)[:MOST]
    if not found:
        return {"shown": 0, "reason": "nothing is free"}
    words = _remember(tenant, context.session_id, found)
    text = say("slots_text", context.language, place=place(zone, context.language))
    if day is not None and not hit:
        text = f"{say('slots_other', context.language)} {text}"
    return WithParts({"shown": len(words), "ids": words}, [_part(found, words, zone, context.language, text)])


def _read(text: str, reader: Callable[[str], Any], name: str) -> Any:
    if not text.strip():
        return None
    found = reader(text)
    if found is None:
        raise ToolFailed(f"The {name} cannot be understood. Ask the visitor for it.")
    return found


def _near(slots: list[datetime], at: int | tuple[int, int] | None, zone: str) -> list[datetime]:
    """The slots that fit a time of the day, in order; all when none is asked for."""
    if at is None:
        return slots
    low, high = at if isinstance(at, tuple) else (at, at + 1)

    def away(slot: datetime) -> int:
        local = slot.astimezone(ZoneInfo(zone))
        minute = local.hour * 60 + local.minute
        return 0 if low <= minute < high else min(abs(minute - low), abs(minute - high + 1))

    exact = [s for s in slots if away(s) == 0]
    return exact or sorted(sorted(slots, key=away)[:MOST])


def _part(slots: list[datetime], words: list[str], zone: str, language: str, text: str) -> dict[str, Any]:
    days: list[dict[str, Any]] = []
    for number, (slot, word) in enumerate(zip(slots, words, strict=True), 1):
        label = day_said(slot, zone, language)
        if not days or days[-1]["label"] != label:
            days.append({"label": label, "slots": []})
        value = say("slot_chosen", language, number=number, word=word)
        days[-1]["slots"].append({"id": word, "label": time_said(slot, zone), "at": slot.isoformat(), "value": value})
    return {"type": "slots", "title": say("slots_title", language), "text": text, "zone": zone, "days": days}


def _remember(tenant: Tenant, session_id: int, moments: list[datetime]) -> list[str]:
    """Words that stand for moments in one conversation, for a day."""
    words = ["".join(secrets.choice(LETTERS) for _ in range(6)) for _ in moments]
    with tenant.write() as db:
        old = delete(ShownSlot).where(ShownSlot.created_at < now() - timedelta(days=1))
        db.execute(old.execution_options(synchronize_session=False))
        db.add_all(ShownSlot(session_id=session_id, word=w, starts_at=m) for w, m in zip(words, moments, strict=True))
    return words


def _shown(tenant: Tenant, session_id: int, word: str) -> datetime:
    with tenant.read() as db:
        found = db.scalar(
            select(ShownSlot.starts_at).where(ShownSlot.session_id == session_id, ShownSlot.word == word.lstrip("#"))
        )
    if found is None:
        raise ToolFailed("No such time was shown. Call find_slots and let the visitor choose.")
    return found


# -- proposing and doing --------------------------------------------------------------------------------------


def prepare_book(tenant: Tenant, arguments: dict[str, Any], context: ToolContext) -> Prepared:
    """The exact time, length and person of a booking."""
    start, config = _shown(tenant, context.session_id, arguments["slot"]), tenant.config(Config)
    _, zone, _ = calendar_of(tenant)
    person = {name: arguments[name].strip() for name in ("name", "email", "note") if arguments.get(name, "").strip()}
    facts = [
        ("what", title_of(tenant, context.language)),
        ("when", said(start, zone, context.language)),
        ("minutes", str(config.duration)),
        *person.items(),
    ]
    exact = {"start": start.isoformat(), "minutes": config.duration, "zone": zone, **person}
    return Prepared(exact, _labelled(facts, context))


def run_book(tenant: Tenant, arguments: dict[str, Any], context: ToolContext) -> str:
    """Book what the card showed."""
    _, zone, _ = calendar_of(tenant)
    if (zone, tenant.config(Config).duration) != (arguments["zone"], arguments["minutes"]):
        raise ToolFailed("The settings have changed since.", said=say("taken_all", context.language))
    person = Visitor(
        arguments["name"], arguments["email"], arguments.get("note", ""), context.language, context.session_id
    )
    start = datetime.fromisoformat(arguments["start"])
    row = _done(tenant, context, lambda: book(tenant, start, person, f"action:{context.action_id}"))
    return say("booked", context.language, when=said(row.starts_at, row.zone, context.language))


def prepare_move(tenant: Tenant, arguments: dict[str, Any], context: ToolContext) -> Prepared | WithParts:
    """The exact appointment, and its new time."""
    row = _mine(tenant, arguments, context)
    if isinstance(row, WithParts):
        return row
    start = _shown(tenant, context.session_id, arguments["slot"])
    facts = [
        ("what", title_of(tenant, context.language)),
        ("from", said(row.starts_at, row.zone, context.language)),
        ("to", said(start, row.zone, context.language)),
    ]
    return Prepared({"appointment": row.public_id, "start": start.isoformat()}, _labelled(facts, context))


def run_move(tenant: Tenant, arguments: dict[str, Any], context: ToolContext) -> str:
    """Move what the card showed."""
    row, start = _own(tenant, arguments, context), datetime.fromisoformat(arguments["start"])
    row = _done(tenant, context, lambda: move(tenant, row, start))
    return say("moved", context.language, when=said(row.starts_at, row.zone, context.language))


def prepare_cancel(tenant: Tenant, arguments: dict[str, Any], context: ToolContext) -> Prepared | WithParts:
    """The exact appointment."""
    row = _mine(tenant, arguments, context)
    if isinstance(row, WithParts):
        return row
    facts = [("what", title_of(tenant, context.language)), ("when", said(row.starts_at, row.zone, context.language))]
    return Prepared({"appointment": row.public_id}, _labelled(facts, context))


def run_cancel(tenant: Tenant, arguments: dict[str, Any], context: ToolContext) -> str:
    """Cancel what the card showed."""
    row = _own(tenant, arguments, context)
    row = _done(tenant, context, lambda: cancel(tenant, row))
    return say("cancelled", context.language, when=said(row.starts_at, row.zone, context.language))


def _labelled(facts: list[tuple[str, str]], context: ToolContext) -> list[tuple[str, str]]:
    return [(say(f"fact_{name}", context.language), value) for name, value in facts]


def _mine(tenant: Tenant, arguments: dict[str, Any], context: ToolContext) -> Appointment | WithParts:
    """The appointment of this conversation that is meant; several are shown to choose from."""
    rows = of_session(tenant, context.session_id)
    if word := arguments.get("appointment"):
        start = _shown(tenant, context.session_id, word)
        rows = [row for row in rows if row.starts_at == start]
    if not rows:
        raise ToolFailed("No appointment of this conversation. The mail of the booking has a link to change it.")
    if len(rows) == 1:
        return rows[0]
    language, zone = context.language, rows[0].zone
    words = _remember(tenant, context.session_id, [row.starts_at for row in rows])
    part = _part([row.starts_at for row in rows], words, zone, language, "")
    part["title"] = say("mine_title", language)
    for number, slot in enumerate((s for day in part["days"] for s in day["slots"]), 1):
        slot["value"] = say("mine_chosen", language, number=number, word=slot["id"])
    return WithParts({"ask": "Which one? The visitor sees them.", "ids": words}, [part])


def _own(tenant: Tenant, arguments: dict[str, Any], context: ToolContext) -> Appointment:
    """The appointment of a confirmed card, if it was booked in this conversation."""
    row = find_appointment(tenant, str(arguments["appointment"]))
    if row is None or row.session_id != context.session_id or not context.session_id:
        raise ToolFailed("There is no such appointment in this conversation.")
    return row


def _done(tenant: Tenant, context: ToolContext, act: Callable[[], Appointment]) -> Appointment:
    """Do it; whatever stops it is said in the visitor's language."""
    language = context.language
    try:
        return act()
    except NotFree as error:
        _, zone, _ = calendar_of(tenant)
        others = "; ".join(f"{day_said(s, zone, language)}, {time_said(s, zone)}" for s in error.others)
        raise ToolFailed("Not free.", said=say("taken" if others else "taken_all", language, next=others)) from None
    except ToolUnsure:
        raise
    except ToolFailed as error:
        raise ToolFailed(error.message, said=error.said or say("unreachable", language)) from None
    except WebChatAgentError as error:
        raise ToolFailed(error.message, said=say("page_over", language)) from None
