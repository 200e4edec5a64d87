"""The states of a document in the words of the person, and what each means."""

from __future__ import annotations

from typing import Any

from flask_babel import get_locale, gettext
from flask_babel import lazy_gettext as _

LABELS: dict[str, Any] = {
    "queued": _("Waiting"),
    "fetching": _("Fetching"),
    "indexing": _("Reading"),
    "searchable": _("Searchable"),
    "no_text": _("No text"),
    "encrypted": _("Password needed"),
    "unsupported": _("Not supported"),
    "broken": _("Damaged"),
    "too_large": _("Too large"),
    "unreachable": _("Unreachable"),
    "gone": _("Gone"),
}
MEANING: dict[str, Any] = {
    "no_text": _("It holds no text that can be read. Pictures and scans are not read."),
    "encrypted": _("It is protected by a password. Please add it without one."),
    "unsupported": _("Files of this kind cannot be read. Please save it as PDF, DOCX or text."),
    "broken": _("It could not be read. Please try again, or add it anew."),
    "too_large": _("It is larger than what can be read. Please split it."),
    "unreachable": _("The page did not answer. It is tried again when the website is read anew."),
    "gone": _("The page is not there any more."),
}
KNOWN = (
    # sentences of core that the catalogues hold
    _("The document holds no text. (add one with text; pictures are not read)"),
    _("Files of this kind cannot be read. (save it as PDF, DOCX or text)"),
    _("The stored file is missing. (add it again)"),
    _("The document could not be processed. (try again, or send it to support)"),
    _("The source could not be read. (check the address and try again)"),
)


def state_label(state: str) -> str:
    """The word for a state; the state itself when it is new."""
    return str(LABELS.get(state, state))


def explain_document(state: str, error: str) -> str:
    """What happened to a document: its own sentence, or what the state means where that has no translation."""
    own = gettext(error) if error else ""
    english = str(get_locale() or "en") == "en"
    return own if own and (own != error or english or state not in MEANING) else str(MEANING.get(state, ""))
