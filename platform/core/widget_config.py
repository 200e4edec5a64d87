"""What the widget needs to know of a bot before it starts."""

from __future__ import annotations

from .bots import LiveBot
from .closing import closed_sentence
from .texts import LANGUAGES, say

LABELS = ("widget_open", "widget_close", "widget_failed", "widget_hide")
"""What the button of the widget says, in the order that it expects."""


def widget_config(bot: LiveBot) -> dict[str, object]:
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
    }


def _greeting(bot: LiveBot, closed: bool) -> str | dict[str, str]:
    """What the tenant wrote, else a sentence in every language; the reader's one is shown."""
    if closed:
        return {spoken: closed_sentence(spoken) for spoken in LANGUAGES}
    return bot.greeting or {spoken: say("greeting", spoken, name=bot.name) for spoken in LANGUAGES}
