"""What the assistant can do: show the form, or propose to hand on what the visitor wrote in the chat."""

from __future__ import annotations

from typing import Any

from webchatagent.core.api import InvalidRequest, Tenant, Tool, ToolContext, ToolFailed, WithParts

from .config import Config
from .forms import form_part, read_form
from .leads import has_left, take
from .words import say

TOLD = "As the visitor wrote it; ask for it, never invent it."
DETAILS = {
    "type": "object",
    "properties": {
        name: {"type": "string", "maxLength": limit, "x-personal-data": True, "description": TOLD}
        for name, limit in (("name", 200), ("email", 254), ("phone", 40), ("message", 1000))
    },
    "required": ["name"],
}


def tools(tenant: Tenant, context: ToolContext) -> list[Tool]:
    """The form for where one can be drawn, and a card to confirm for where it cannot."""
    language = context.language
    return [
        Tool(
            "show_form",
            "Show the visitor a form to leave their contact details. Use it when they want to be contacted.",
            {"type": "object", "properties": {}},
            lambda arguments, at: WithParts({"shown": True}, [form_part(tenant, at.language)]),
        ),
        Tool(
            "leave_details",
            "Propose to hand on contact details that the visitor wrote in the chat. Needs an e-mail address or a phone number.",
            DETAILS,
            lambda arguments, at: _leave(tenant, arguments, at),
            writes=True,
            title=say("card_title", language, tenant=tenant.name),
            labels={name: say(f"field_{name}", language) for name in ("name", "email", "phone", "message")},
        ),
    ]


def _leave(tenant: Tenant, arguments: dict[str, Any], context: ToolContext) -> str:
    """Keep what the visitor confirmed; nothing but an answer is agreed to that way."""
    language = context.language
    try:
        sent = read_form(tenant, {k: v for k, v in arguments.items() if k in DETAILS["properties"]}, language)  # type: ignore[operator]
    except InvalidRequest as error:
        raise ToolFailed("The details are not complete.", said=error.message) from None
    at = {"bot_id": context.bot_id, "session_id": context.session_id, "key": context.action_id[:36]}
    take(tenant, sent, language=language, channel="assistant", **at)  # type: ignore[arg-type]
    return say("thanks", language)


def parts_beside(tenant: Tenant, context: ToolContext, refused: bool, answers: int) -> list[dict[str, Any]]:
    """The form under an answer that is none, or under the one that was set; not for who left details already."""
    config = tenant.config(Config)
    wanted = (refused and config.on_refusal) or (config.after_answers and answers == config.after_answers)
    if not wanted or has_left(tenant, context.session_id):
        return []
    return [form_part(tenant, context.language)]
