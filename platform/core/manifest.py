"""`plugin.toml`: what a plugin says of itself, readable without importing it."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

Category = Literal["source", "model", "embedding", "channel", "calendar", "billing", "marketing", "privacy", "login"]


class ManifestError(Exception):
    """The manifest is missing or wrong; the message names the field."""


class Recipient(BaseModel):
    """Who receives data from the plugin; the same as in its disclosures."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: str
    country: str = Field(pattern="^[A-Z]{2}$")
    role: Literal["processor", "controller", "joint"] = "processor"
    privacy: str = Field(pattern="^https://")


class Manifest(BaseModel):
    """One plugin's manifest. `egress` names every host it may call, `*` the hosts that a tenant enters as a source."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    id: str = Field(pattern="^[a-z][a-z0-9_]{1,39}$")
    name: str
    summary: str
    category: Category
    platform: str = ">=0.1,<1"
    publisher: str = "WebChatAgent"
    switched_by: Literal["tenant", "operator"] = "tenant"
    default: bool = False
    egress: tuple[str, ...] = ()
    data: tuple[str, ...] = ()
    stores: bool = False
    recipient: Recipient | None = None


def read_manifest(path: Path) -> Manifest:
    """Read and check one `plugin.toml`. Raises ManifestError with the field that is wrong."""
    try:
        return Manifest.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise ManifestError(f"{path.name} is missing in {path.parent.name}/") from error
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise ManifestError(f"{path.parent.name}/{path.name}: {error}") from error
