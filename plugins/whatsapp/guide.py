"""The public page that explains how a number is set up at Meta, in the sentences of texts.toml."""

from __future__ import annotations

from webchatagent.core.api import Guide

from .words import LANGUAGES, row

STEPS = {"before": 3, "app": 3, "token": 3, "settings": 3, "webhook": 4, "rules": 4, "privacy": 3}
"""The steps with how many sentences each has."""


def guides() -> list[Guide]:
    """The one page."""
    steps = [
        (
            row(f"guide_{name}"),
            {lang: [row(f"guide_{name}_{n}")[lang] for n in range(1, count + 1)] for lang in LANGUAGES},
        )
        for name, count in STEPS.items()
    ]
    return [Guide("whatsapp", row("guide_title"), row("guide_intro"), steps)]
