"""The sentences of appointments in en, de and hi, and how times are said."""

from __future__ import annotations

import tomllib
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

from babel.dates import format_datetime, get_timezone_location

LANGUAGES = ("en", "de", "hi")
LOCALES = {"en": "en_GB", "de": "de", "hi": "hi"}


@lru_cache(maxsize=1)
def table() -> dict[str, dict[str, str]]:
    """All sentences: `{key: {language: sentence}}`."""
    return tomllib.loads(Path(__file__).with_name("texts.toml").read_text(encoding="utf-8"))


def say(key: str, language: str, **values: object) -> str:
    """A sentence with its `{values}`; English for a language that is not spoken here."""
    row = table()[key]
    return row.get(language, row["en"]).format(**values)


def said(moment: datetime, zone: str, language: str) -> str:
    """`Tuesday, 1 December 2026, 09:00 (Berlin)`."""
    pattern = say("pattern_moment", language)
    return f"{_format(moment, zone, language, pattern)} ({place(zone, language)})"


def day_said(moment: datetime, zone: str, language: str) -> str:
    """`Tuesday, 1 December`."""
    return _format(moment, zone, language, say("pattern_day", language))


def time_said(moment: datetime, zone: str) -> str:
    """`09:00`."""
    return moment.astimezone(ZoneInfo(zone)).strftime("%H:%M")


def place(zone: str, language: str) -> str:
    """What a zone is called: the name of its city."""
    return str(get_timezone_location(zone, locale=LOCALES.get(language, "en_GB"), return_city=True))


def _format(moment: datetime, zone: str, language: str, pattern: str) -> str:
    local = moment.astimezone(ZoneInfo(zone))
    return str(format_datetime(local, pattern, locale=LOCALES.get(language, "en_GB")))
