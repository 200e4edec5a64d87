"""`plugin.toml`: what a plugin says of itself, readable without importing it."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

Category = Literal[
    "source", "model", "embedding", "channel", "calendar", "billing", "marketing", "privacy", "login", "tools"
]


class ManifestError(Exception):
    """The manifest is missing or wrong; the message names the field."""


class Recipient(BaseModel):
    """Who receives data from the plugin; the same as in its disclosures. `optional`: only with some of its settings."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: str
    country: str = Field(pattern="^[A-Z]{2}$")
    role: Literal["processor", "controller", "joint"] = "processor"
    privacy: str = Field(pattern="^https://")
    optional: bool = False


class FieldText(BaseModel):
    """How one setting is called in a language, what it is for, and what its choices are called, by their values."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    label: str = ""
    help: str = ""
    choices: dict[str, str] = Field(default_factory=dict)


class Translation(BaseModel):
    """A plugin's texts in one language. `fields` are by the name of the setting, nested ones as `limits.daily`."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: str = ""
    summary: str = ""
    fields: dict[str, FieldText] = Field(default_factory=dict)


class Manifest(BaseModel):
    """One plugin's manifest. `egress` names every host it may call, `*` the hosts that a tenant enters as a source.

    One that is `everywhere` is on for all tenants as soon as the operator switches it on.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    id: str = Field(pattern="^[a-z][a-z0-9_]{1,39}$")
    name: str
    summary: str
    category: Category
    platform: str = ">=0.1,<1"
    publisher: str = "WebChatAgent"
    switched_by: Literal["tenant", "operator"] = "tenant"
    everywhere: bool = False
    default: bool = False
    egress: tuple[str, ...] = ()
    data: tuple[str, ...] = ()
    stores: bool = False
    recipient: Recipient | None = None
    translations: dict[Literal["en", "de", "hi"], Translation] = Field(default_factory=dict)

    def words(self, language: str) -> Translation:
        """Name and summary in a language, the English ones where there is no translation."""
        found = self.translations.get(language, Translation())  # type: ignore[call-overload]
        english = self.translations.get("en", Translation())
        return Translation(
            name=found.name or self.name,
            summary=found.summary or self.summary,
            fields={**english.fields, **found.fields},
        )


def read_manifest(path: Path) -> Manifest:
    """Read and check one `plugin.toml`. Raises ManifestError with the field that is wrong."""
    try:
        return Manifest.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise ManifestError(f"{path.name} is missing in {path.parent.name}/") from error
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise ManifestError(f"{path.parent.name}/{path.name}: {error}") from error
