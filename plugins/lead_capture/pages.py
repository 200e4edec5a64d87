"""Where the form is sent to."""

from __future__ import annotations

from typing import Any

from webchatagent.core.api import Route, RouteRequest, RouteResponse, Tenant

from .forms import read_form
from .leads import take
from .words import LANGUAGES, say

SENT_PER_HOUR = 30
"""How often one network may send it."""


def routes() -> list[Route]:
    """The same at three addresses: the widget's with its language, a program's, and the chat API's."""
    sent: dict[str, Any] = {"per_hour": SENT_PER_HOUR, "widget": True, "max_body": 32_000}
    return [
        Route("lead", lead, ("POST",), api="leads", **sent),
        Route("lead/<language>", lead, ("POST",), **sent),
    ]


def lead(tenant: Tenant, request: RouteRequest) -> RouteResponse:
    """What somebody wrote into the form."""
    named = request.parts.get("language", "")
    language = named if named in LANGUAGES else request.language
    sent = read_form(tenant, request.json(), language)
    channel = "form" if request.bot_id else "api"
    take(tenant, sent, language=language, channel=channel, bot_id=request.bot_id, session_id=request.session_id)
    return RouteResponse({"message": say("thanks", language)}, 201)
