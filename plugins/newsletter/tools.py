"""The form in the chat, which the assistant shows when somebody asks for the newsletter."""

from __future__ import annotations

from typing import Any

from webchatagent.core.api import Tenant, Tool, ToolContext, WithParts, public_address

from .config import Config
from .words import LANGUAGES, consent_text, say, title_of


def tools(tenant: Tenant, context: ToolContext) -> list[Tool]:
    """One: it shows the form. What is written there goes past the model."""
    return [
        Tool(
            "show_form",
            "Show the visitor the form to subscribe to the newsletter. Use it when they ask for the newsletter.",
            {"type": "object", "properties": {}},
            lambda arguments, at: WithParts({"shown": True}, [form_part(tenant, at.language)]),
        )
    ]


def form_part(tenant: Tenant, language: str) -> dict[str, Any]:
    """The form as the widget draws it; the box is not ticked."""
    spoken = language if language in LANGUAGES else "en"
    return {
        "type": "form",
        "title": title_of(tenant, spoken),
        "text": tenant.config(Config).intro,
        "action": f"/x/newsletter/{tenant.slug}/signup/{spoken}",
        "submit": say("submit", spoken),
        "fields": [
            {"name": "email", "label": say("email", spoken), "type": "email", "required": True, "maxLength": 254},
            {
                "name": "agree",
                "label": consent_text(tenant, spoken),
                "type": "checkbox",
                "required": True,
                "url": public_address(tenant, f"/t/{tenant.slug}/privacy?lang={spoken}"),
            },
        ],
    }
