"""Distributions of other people: one plugin with every kind of setting, two that cannot be loaded."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

MANIFEST = """
id = "everything"
name = "Every setting"
summary = "Has every kind of setting."
category = "marketing"
publisher = "Example Makers"
egress = ["api.example.com"]
data = ["contact"]
[recipient]
name = "Example Inc."
country = "IE"
privacy = "https://example.com/privacy"
[translations.de]
name = "Jede Einstellung"
summary = "Hat jede Art von Einstellung."
[translations.de.fields]
amount = { label = "Menge", help = "Wie viel." }
"limits.daily" = { label = "Am Tag" }
"""
CONFIG = """
from datetime import date
from enum import Enum
from typing import Annotated, Literal

from pydantic import BaseModel, Field, HttpUrl, SecretStr, field_validator, model_validator


class Colour(str, Enum):
    red = "red"
    green = "green"


class Limits(BaseModel):
    daily: int = Field(10, ge=1, le=100)
    token: SecretStr = SecretStr("")


class Config(BaseModel):
    api_key: SecretStr = Field(SecretStr(""), description="From your account.")
    second_key: SecretStr | None = None
    base_url: HttpUrl = HttpUrl("https://api.example.com/v1")
    title: str = Field("Hello", min_length=2, max_length=20)
    about: str = Field("", max_length=2000, json_schema_extra={"widget": "textarea"})
    hook_url: str = Field("", max_length=300)
    amount: int = Field(5, ge=1, le=9)
    share: float = Field(0.5, gt=0, lt=1)
    wanted: bool = True
    mode: Literal["fast", "slow"] = "fast"
    level: Literal[1, 2, 3] = 2
    colour: Colour = Colour.green
    maybe: int | None = None
    starts: date | None = None
    lists: list[str] = Field(default_factory=list, max_length=3)
    numbers: list[int] = Field(default_factory=lambda: [1, 2])
    mapping: dict[str, int] = Field(default_factory=dict)
    limits: Limits = Field(default_factory=Limits)
    data: str = "a name that forms use themselves"

    @field_validator("title")
    @classmethod
    def no_shouting(cls, value: str) -> str:
        if value.isupper():
            raise ValueError("Please do not shout")
        return value

    @model_validator(mode="after")
    def together(self):
        if self.amount == 9 and self.mode == "slow":
            raise ValueError("Nine is too much for slow")
        return self
"""
CODE = """
from threading import Event

from webchatagent.core.api import AdminView, Disclosure, Problem, Tenant, hookimpl
from webchatagent.core.db.sources import Document

SEEN = []
HANG = Event()


@hookimpl
def plugin_check(tenant: Tenant, config) -> list[Problem]:
    key = config.api_key.get_secret_value()
    SEEN.append((tenant.slug, key, str(config.base_url)))
    if key == "hang":
        HANG.wait(20)
    if key == "crash":
        raise RuntimeError("boom " + key)
    return [] if key == "right-key" else [Problem("The key is refused.", "api_key", "copy it from your account")]


@hookimpl
def admin_views() -> list[AdminView]:
    title = {"en": "Sheets", "de": "Blätter", "hi": "पन्ने"}
    good = AdminView(id="sheets", model=Document, title=title, list_columns=("title", "size"),
                     show_columns=("title",), labels={"title": title, "size": "Size"}, formats={"size": "bytes"})
    return [good, AdminView(id="leak", model=Document, title="Leak", list_columns=("tenant_id",))]


@hookimpl
def privacy_disclosures(tenant: Tenant) -> list[Disclosure]:
    return [Disclosure("crm", ("contact",), "leads", "consent", 30, "Example Inc.", "IE", "processor",
                       "https://example.com/privacy", ("api.example.com",))]
"""


def write(folder: Path, name: str, files: dict[str, str]) -> None:
    """A distribution with one plugin, as pip leaves it."""
    package, info = folder / name, folder / f"{name}-1.0.dist-info"
    package.mkdir(parents=True)
    info.mkdir()
    for path, text in files.items():
        (package / path).write_text(text, encoding="utf-8")
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(f"[webchatagent.plugins]\n{name} = {name}\n", encoding="utf-8")


@contextlib.contextmanager
def installed(folder: Path) -> Iterator[None]:
    """Have the distributions where Python finds them, until the block ends."""
    write(folder, "everything", {"plugin.toml": MANIFEST, "config.py": CONFIG, "__init__.py": CODE})
    write(folder, "lacking", {"plugin.toml": "", "__init__.py": "import a_package_that_nobody_has"})
    write(folder, "nameless", {"plugin.toml": 'id = "nameless"', "__init__.py": '"""A plugin."""'})
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        for name in ("everything", "everything.config", "lacking", "nameless"):
            sys.modules.pop(name, None)
