"""The chat window as visitors see it, in a frame of the bot's pages, with an example instead of a conversation."""

from __future__ import annotations

from typing import Any

from flask import make_response

from webchatagent.core.bots import LiveBot, own_bot
from webchatagent.core.texts import LANGUAGES, say
from webchatagent.core.widget_config import widget_config

from ..fab.session import tenant
from ..fab.skin import csp_nonce
from ..fab.views import Page, page
from ..roles import rights
from .bots import public_url

POLICY = (
    "default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'none'; form-action 'none'; base-uri 'none'; frame-ancestors 'self'"
)
"""Of the frame: only the admin may show it, and it can call nobody. So it makes no session and keeps no message."""
SENTENCES = ("question", "answer", "source", "excerpt")


class PreviewPage(Page):
    """The frame of one bot's preview. The widget in it is the real one; its calls are answered within the frame."""

    route_base = "/preview"
    default_view = "show"
    label = "Preview"
    rights = rights(write=("owner", "editor", "operator"))

    @page("/<int:bot_id>/")
    def show(self, bot_id: int) -> Any:
        """The page in the frame. 404 for a bot of another tenant."""
        bot = own_bot(tenant(), bot_id)
        answer = make_response(self.show_page("wca/preview.html", bot=bot, start=_start(bot)))
        answer.headers["Content-Security-Policy"] = POLICY.format(nonce=csp_nonce())
        return answer


def _start(bot: LiveBot) -> dict[str, Any]:
    """What the widget is told, the usual greetings with a hole for the name, and the example in each language."""
    config = widget_config(bot)
    legal = {key: f"{public_url()}{config[key]}" for key in ("privacyUrl", "imprintUrl")}
    return {
        "config": {**config, **legal, "id": "preview", "autoOpen": None},
        "greetings": {spoken: say("greeting", spoken, name="{name}") for spoken in LANGUAGES},
        "example": {spoken: {key: say(f"preview_{key}", spoken) for key in SENTENCES} for spoken in LANGUAGES},
    }
