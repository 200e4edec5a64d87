"""Widget files and a bot's public start-up values."""

from __future__ import annotations

import hashlib
import json
import re
from functools import lru_cache

import orjson
from flask import Blueprint, Response, request

from ..core.bots import LiveBot
from ..core.closing import closed_sentence
from ..core.errors import NotFound
from ..core.texts import LANGUAGES, say
from .chat import find_bot

files = Blueprint("files", __name__)
TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".map": "application/json",
    ".svg": "image/svg+xml",
    ".json": "application/json",
    ".woff2": "font/woff2",
}
LABELS = ("widget_open", "widget_close", "widget_failed", "widget_hide")
"""What the button of the widget says, in the order that it expects."""
_HASHED = re.compile(r"\.[0-9A-Za-z_-]{8,}\.\w+$")


@lru_cache(maxsize=1)
def manifest() -> dict[str, str]:
    """The widget's built files: `{"panel": "panel.<hash>.js", …}`."""
    from ..widget import asset_path

    found: dict[str, str] = json.loads((asset_path() / "manifest.json").read_text(encoding="utf-8"))
    return found


@lru_cache(maxsize=64)
def _content(name: str) -> tuple[bytes, str]:
    from ..widget import asset_path

    path = asset_path() / name
    if "/" in name or name.startswith(".") or not path.is_file() or path.suffix not in TYPES:
        raise NotFound("There is nothing here.")
    data = path.read_bytes()
    return data, hashlib.sha256(data).hexdigest()[:20]


@files.get("/widget/v1/<name>")
def widget_file(name: str) -> Response:
    """A file of the widget; those with a hash in their name never change."""
    data, tag = _content(name)
    response = Response(
        data,
        headers={
            "Content-Type": TYPES["." + name.rsplit(".", 1)[-1]],
            "Access-Control-Allow-Origin": "*",
            "Cross-Origin-Resource-Policy": "cross-origin",
        },
    )
    response.set_etag(tag)
    immutable = bool(_HASHED.search(name))
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if immutable else "public, max-age=300"
    return response.make_conditional(request)  # type: ignore[return-value]


def bot_config(bot: LiveBot) -> dict[str, object]:
    """What the widget needs to start; never a secret. A closed tenant's greets with a word of it, and draws nobody in."""
    settings, closed = bot.settings, bot.tenant.erase_at is not None
    if closed:
        settings = settings.model_copy(update={"suggestions": [], "teaser": "", "open_seconds": 0})
    return {
        "id": bot.public_id,
        "name": bot.name,
        "locale": bot.locale,
        "locales": list(LANGUAGES),
        "greeting": _greeting(bot, closed),
        "labels": {spoken: [say(key, spoken) for key in LABELS] for spoken in LANGUAGES},
        "teaser": {"text": settings.teaser, "after": settings.teaser_seconds} if settings.teaser else None,
        "autoOpen": {"after": settings.open_seconds} if settings.open_seconds else None,
        "suggestions": settings.suggestions,
        "accent": settings.accent,
        "position": settings.position,
        "theme": settings.theme,
        "closeBehaviour": settings.close_behaviour,
        "maxMessage": settings.max_message,
        "privacyUrl": f"/t/{bot.tenant.slug}/privacy",
        "imprintUrl": f"/t/{bot.tenant.slug}/imprint",
        "panel": f"/widget/v1/{manifest()['panel']}",
    }


def _greeting(bot: LiveBot, closed: bool) -> str | dict[str, str]:
    """What the tenant wrote, else a sentence in every language; the reader's one is shown."""
    if closed:
        return {spoken: closed_sentence(spoken) for spoken in LANGUAGES}
    return bot.greeting or {spoken: say("greeting", spoken, name=bot.name) for spoken in LANGUAGES}


@files.get("/api/bots/<public_id>/config")
def get_config(public_id: str) -> Response:
    """Public start-up values of the widget, with an ETag."""
    data = orjson.dumps(bot_config(find_bot(public_id, closed_too=True)))
    response = Response(data, headers={"Content-Type": "application/json", "Cache-Control": "public, max-age=60"})
    response.set_etag(hashlib.sha256(data).hexdigest()[:20])
    return response.make_conditional(request)  # type: ignore[return-value]
