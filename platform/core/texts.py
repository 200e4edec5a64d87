"""Sentences of the platform for visitors and tenants, in English, German and Hindi: the table `texts.toml`."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from importlib.resources import files

LANGUAGES = ("en", "de", "hi")


@lru_cache(maxsize=1)
def table() -> dict[str, dict[str, str]]:
    """All sentences: `{key: {language: sentence}}`."""
    return tomllib.loads(files("webchatagent.core").joinpath("texts.toml").read_text(encoding="utf-8"))


def say(key: str, language: str, **values: object) -> str:
    """A sentence in a language, with its `{values}` filled in; English for a language that is not spoken here."""
    row = table()[key]
    return row.get(language, row["en"]).format(**values)
