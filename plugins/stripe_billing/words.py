"""The sentences of plans in en, de and hi."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from pathlib import Path


@lru_cache(maxsize=1)
def table() -> dict[str, dict[str, str]]:
    """All sentences: `{key: {language: sentence}}`."""
    return tomllib.loads(Path(__file__).with_name("texts.toml").read_text(encoding="utf-8"))
