"""The sentences of a plugin: the table `texts.toml` beside its modules, in English, German and Hindi."""

from __future__ import annotations

import tomllib
from functools import cached_property
from pathlib import Path


class PluginTexts:
    """The sentences of one plugin: `texts = PluginTexts(__file__)`."""

    def __init__(self, file: str) -> None:
        self._path = Path(file).with_name("texts.toml")

    @cached_property
    def table(self) -> dict[str, dict[str, str]]:
        """All of them: `{key: {language: sentence}}`."""
        return tomllib.loads(self._path.read_text(encoding="utf-8"))

    def say(self, key: str, language: str, **values: object) -> str:
        """A sentence with its `{values}`; English for a language that is not spoken here."""
        row = self.table[key]
        return row.get(language, row["en"]).format(**values)
