"""Actions: what a model proposes and only the visitor who was asked can do, once, within ten minutes.

The card carries an id that is signed (a keyed BLAKE2b) over tenant, bot, session, turn, tool, exact arguments and
expiry. The signature is no key: confirming also takes the session's own id, in its header.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from concurrent.futures import TimeoutError as TookTooLong
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update

from .clock import new_uuid, now
from .db.actions import ActionRow
from .db.chats import Message
from .errors import Conflict, NotFound, WebChatAgentError
from .sessions import Located
from .slots import step_aside
from .tenancy import TenantSession
from .tenants import Tenant
from .texts import say
from .tools import Offered, ToolContext, ToolFailed, ToolUnsure, offered_tools, start_tool
from .turn import Turn

MINUTES = 10
LOST = timedelta(minutes=2)
"""An action that runs for longer was begun by a process that is gone."""
MOST_MESSAGE = 1000
SETTLED = ("done", "failed", "declined", "expired")


class ActionExpired(WebChatAgentError):
    """The visitor confirmed too late."""

    status, code = 410, "action_expired"


@dataclass(frozen=True)
class Outcome:
    """What became of an action: `state` is done, failed or declined, `message` the sentence for the visitor."""

    state: str
    message: str


def propose(
    turn: Turn, offered: Offered, arguments: dict[str, Any], facts: Iterable[tuple[str, str]] | None = None
) -> dict[str, Any]:
    """Store a proposal of a turn; returns its card. `facts` are shown instead of the arguments."""
    row = ActionRow(
        public_id=new_uuid(),
        bot_id=turn.bot.id,
        session_id=turn.session.id,
        turn_id=turn.id,
        plugin=offered.plugin,
        tool=offered.tool.name,
        title=(offered.tool.title or offered.tool.name.replace("_", " ").capitalize())[:200],
        arguments=arguments,
        facts=_facts(offered, arguments) if facts is None else [list(fact) for fact in facts],
        language=turn.language,
        state="proposed",
        message="",
        expires_at=now().replace(microsecond=0) + timedelta(minutes=MINUTES),
        created_at=now(),
    )
    with turn.bot.tenant.write() as db:
        db.add(row)
        db.flush()
        return card(turn.bot.tenant, row)


def _facts(offered: Offered, arguments: dict[str, Any]) -> list[list[str]]:
    """Every argument with its label, in the order of the schema: what is confirmed is what is shown, and all of it."""
    properties = offered.tool.schema.get("properties") or {}
    names = [*(n for n in properties if n in arguments), *(n for n in arguments if n not in properties)]
    labels = {n: offered.tool.labels.get(n) or (properties.get(n) or {}).get("title") or n for n in names}
    return [[str(labels[n]), _shown(arguments[n])] for n in names]


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _signed(row: ActionRow, tenant: Tenant) -> str:
    """What the signature covers."""
    content = [tenant.id, row.bot_id, row.session_id, row.turn_id, row.plugin, row.tool, row.arguments]
    return json.dumps([*content, row.expires_at.isoformat()], ensure_ascii=False, sort_keys=True)


def card(tenant: Tenant, row: ActionRow) -> dict[str, Any]:
    """A proposal as a part of an answer: with its buttons while it is open, with its outcome afterwards."""
    part: dict[str, Any] = {"type": "action", "id": row.public_id, "title": row.title}
    language = row.language
    if row.state in SETTLED or row.expires_at < now():
        state = row.state if row.state in SETTLED else "expired"
        return {**part, "state": state, "done": row.message or say(f"action_{state}", language)}
    signature = tenant.platform.secret_box.digest(_signed(row, tenant), "action")
    path = f"/api/actions/{row.public_id}.{signature}"
    buttons = [
        {"label": say("action_confirm", language), "action": f"{path}/confirm"},
        {"label": say("action_decline", language), "action": f"{path}/decline"},
    ]
    facts = [{"label": label, "value": value} for label, value in row.facts]
    return {
        **part,
        "state": "proposed",
        "text": say("action_question", language),
        "rows": facts,
        "buttons": buttons,
        "expires": row.expires_at.isoformat(),
    }


def reference(part: dict[str, Any]) -> dict[str, Any]:
    """What a message keeps of a card: where it is, and nothing that is personal."""
    return {"type": "action", "id": part["id"]} if part.get("type") == "action" else part


def shown_parts(tenant: Tenant, db: TenantSession, messages: Iterable[Message]) -> dict[int, list[dict[str, Any]]]:
    """The parts of messages by message id, cards as they stand now. One statement, and none without a card."""
    with_parts = {m.id: m.parts for m in messages if m.parts}
    ids = [p["id"] for parts in with_parts.values() for p in parts if p.get("type") == "action"]
    rows = db.scalars(select(ActionRow).where(ActionRow.public_id.in_(ids))) if ids else ()
    cards = {row.public_id: card(tenant, row) for row in rows}
    return {
        key: [found for p in parts if (found := cards.get(p["id"]) if p.get("type") == "action" else p)]
        for key, parts in with_parts.items()
    }


def history_parts(tenant: Tenant, messages: Sequence[Message]) -> dict[int, list[dict[str, Any]]]:
    """As `shown_parts`, for messages that were read before."""
    if not any(m.parts for m in messages):
        return {}
    with tenant.read() as db:
        return shown_parts(tenant, db, messages)


# -- the visitor decides --------------------------------------------------------------------------------------


def decide(located: Located | None, action_id: str, *, confirm: bool) -> Outcome:
    """Do what was proposed, or leave it. The second time, and any time later, the first outcome comes back.

    Raises NotFound for an action of another session or with another signature, ActionExpired after ten minutes, and
    Conflict while it is being done.
    """
    missing = NotFound("There is no such action in this conversation.", code="action_not_found")
    public_id, _, signature = action_id.partition(".")
    if located is None or not located.usable:
        raise missing
    tenant = located.tenant
    with tenant.write() as db:
        row = db.scalar(
            select(ActionRow).where(ActionRow.public_id == public_id, ActionRow.session_id == located.session_id)
        )
        if row is None:
            raise missing
        if row.state in ("done", "failed", "declined"):
            return Outcome(row.state, row.message)
        if row.state == "running":
            return _still_running(db, row)
        if row.expires_at < now():
            raise ActionExpired(say("action_expired", row.language), "ask again")
        if not tenant.platform.secret_box.matches(_signed(row, tenant), signature, "action"):
            raise missing
        taken = db.execute(
            update(ActionRow)
            .where(ActionRow.id == row.id, ActionRow.state == "proposed")
            .values(state="running" if confirm else "declined", settled_at=now())
            .execution_options(synchronize_session=False)
        )
        if not getattr(taken, "rowcount", 0):
            raise _busy()
        if not confirm:
            return _settle(db, row, "declined", say("action_declined", row.language))
        db.expunge(row)
    state, message = _run(tenant, row)
    with tenant.write() as db:
        return _settle(db, row, state, message)


def _busy() -> Conflict:
    return Conflict("This is being done already.", "wait a moment", code="action_running", retry_after=1)


def _still_running(db: TenantSession, row: ActionRow) -> Outcome:
    if row.settled_at and row.settled_at < now() - LOST:
        return _settle(db, row, "failed", say("action_unknown", row.language))
    raise _busy()


def _settle(db: TenantSession, row: ActionRow, state: str, message: str) -> Outcome:
    """Keep the outcome and forget the arguments."""
    db.execute(
        update(ActionRow)
        .where(ActionRow.id == row.id)
        .values(state=state, message=message, arguments={}, facts=[], settled_at=now())
        .execution_options(synchronize_session=False)
    )
    return Outcome(state, message)


def _run(tenant: Tenant, row: ActionRow) -> tuple[str, str]:
    """Run the tool of a confirmed action, if its plugin still offers it; what it says is for the visitor."""
    context = ToolContext(row.bot_id, row.session_id, row.language, row.public_id)
    offered = offered_tools(tenant, context).get(f"{row.plugin}__{row.tool}")
    if offered is None or not offered.tool.writes:
        return "failed", say("action_gone", row.language)
    try:
        future = start_tool(tenant, offered, row.arguments, context)
        step_aside()
        said = future.result(offered.tool.seconds)
    except ToolUnsure as error:
        return "failed", error.said[:MOST_MESSAGE] or say("action_unknown", row.language)
    except ToolFailed as error:
        return "failed", error.said[:MOST_MESSAGE] or say("action_failed", row.language)
    except TookTooLong:
        return "failed", say("action_unknown", row.language)
    return "done", str(said)[:MOST_MESSAGE] if said else say("action_done", row.language)


def purge_actions(tenant: Tenant, at: datetime) -> int:
    """Forget the arguments of proposals that nobody confirmed in time; returns how many."""
    with tenant.write() as db:
        done = db.execute(
            update(ActionRow)
            .where(ActionRow.state == "proposed", ActionRow.expires_at < at)
            .values(state="expired", arguments={}, facts=[])
            .execution_options(synchronize_session=False)
        )
    return int(getattr(done, "rowcount", 0))


def action_rows(db: TenantSession, sessions: Sequence[int]) -> list[dict[str, Any]]:
    """The actions of some sessions, for a person's export."""
    rows = db.scalars(select(ActionRow).where(ActionRow.session_id.in_(sessions)).order_by(ActionRow.id))
    return [
        {
            "session": row.session_id,
            "title": row.title,
            "arguments": row.arguments,
            "state": row.state,
            "message": row.message,
            "created_at": row.created_at.isoformat(),
        }
        for row in rows
    ]
