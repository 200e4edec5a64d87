"""Sentences of the platform for visitors and tenants, in English, German and Hindi: the table `texts.toml`."""

from __future__ import annotations

import tomllib
from functools import cached_property, lru_cache
from importlib.resources import files
from pathlib import Path

LANGUAGES = ("en", "de", "hi")


@lru_cache(maxsize=1)
def table() -> dict[str, dict[str, str]]:
    """All sentences: `{key: {language: sentence}}`."""
    return tomllib.loads(files("webchatagent.core").joinpath("texts.toml").read_text(encoding="utf-8"))


class Sentences:
    """The sentences of a plugin: its `texts.toml`, beside a file of it (`Sentences(__file__)`)."""

    def __init__(self, beside: str) -> None:
        self._file = Path(beside).with_name("texts.toml")

    @cached_property
    def table(self) -> dict[str, dict[str, str]]:
        """All sentences: `{key: {language: sentence}}`."""
        return tomllib.loads(self._file.read_text(encoding="utf-8"))

    def say(self, key: str, language: str, **values: object) -> str:
        """As the platform's own `say`."""
        row = self.table[key]
        return row.get(language, row["en"]).format(**values)


def say(key: str, language: str, **values: object) -> str:
    """A sentence in a language, with its `{values}` filled in; English for a language that is not spoken here."""
    row = table()[key]
    return row.get(language, row["en"]).format(**values)
