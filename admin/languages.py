"""The languages of the admin, each by its own name, and names of languages and roles to show."""

from __future__ import annotations

from typing import Any

from babel import Locale, UnknownLocaleError
from flask_babel import get_locale
from flask_babel import lazy_gettext as _

LANGUAGES = {"en": "English", "de": "Deutsch", "hi": "हिन्दी"}
ROLE_LABELS: dict[str, Any] = {
    "owner": _("Owner"),
    "editor": _("Editor"),
    "agent": _("Agent"),
    "viewer": _("Viewer"),
    "privacy": _("Privacy"),
    "operator": _("Operator"),
}


def language_name(code: str) -> str:
    """A language in the words of the reader: `German`, `Deutsch`, `जर्मन`. A dash when it is not known."""
    if not code:
        return "–"
    try:
        return (Locale.parse(code, sep="-").get_display_name(get_locale()) or code).capitalize()
    except (UnknownLocaleError, ValueError):
        return code


def role_label(role: str) -> str:
    """The word for a role."""
    return str(ROLE_LABELS.get(role, role))
