"""The languages of the admin, each by its own name, and names of languages and roles to show."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from babel import Locale, UnknownLocaleError
from flask_babel import get_locale
from flask_babel import lazy_gettext as _

from webchatagent.core.texts import say

from .roles import ROLES

LANGUAGES = {"en": "English", "de": "Deutsch", "hi": "हिन्दी"}


def spoken() -> str:
    """The language of the reader, as a code of `LANGUAGES`."""
    return str(get_locale() or "en")


def language_name(code: str) -> str:
    """A language in the words of the reader: `German`, `Deutsch`, `जर्मन`. A dash when it is not known."""
    if not code:
        return "–"
    try:
        return (Locale.parse(code, sep="-").get_display_name(get_locale()) or code).capitalize()
    except (UnknownLocaleError, ValueError):
        return code


def country_name(code: str) -> str:
    """A country in the words of the reader; its code when it is not known."""
    locale = get_locale() or Locale("en")
    return str(locale.territories.get(code, code))


def role_label(role: str) -> str:
    """The word for a role."""
    return say(f"role_{role}", spoken()) if role in ROLES else role


SCOPE_LABELS: dict[str, Any] = {
    "bots:read": _("See bots and their settings"),
    "bots:write": _("Make, change and delete bots"),
    "sources:read": _("See sources and documents"),
    "sources:write": _("Add and delete sources and documents"),
    "conversations:read": _("Read conversations"),
    "conversations:write": _("Delete conversations"),
    "search": _("Search the passages of a bot"),
    "chat": _("Ask a bot that wants a key"),
}


def scope_label(scope: str) -> str:
    """The words for what a key may do."""
    return str(SCOPE_LABELS.get(scope, scope))


def localised(text: Any) -> str:
    """A text that is a string, a lazy one, or one per language: `{"en": …, "de": …, "hi": …}`."""
    if isinstance(text, Mapping):
        return str(text.get(spoken()) or text.get("en", ""))
    return str(text)
