"""The two lines that a website needs."""

from __future__ import annotations

from ..core.settings import Settings


def embed_snippet(settings: Settings, bot_id: str, base: str = "") -> str:
    """The script tag that puts a bot on a page."""
    host = settings.public_url or base or "http://127.0.0.1:8080"
    return f'<script src="{host.rstrip("/")}/widget/v1/loader.js" data-bot="{bot_id}" defer></script>'
