"""The sentences of WhatsApp in en, de and hi."""

from __future__ import annotations

from webchatagent.core.api import Sentences

LANGUAGES = ("en", "de", "hi")
sentences = Sentences(__file__)
say = sentences.say


def row(key: str) -> dict[str, str]:
    """A sentence in all languages, for the admin."""
    return sentences.table[key]
