"""The sentences of appointments in en, de and hi, and how times are said."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from babel.dates import format_datetime, get_timezone_location

from webchatagent.core.api import Sentences

LANGUAGES = ("en", "de", "hi")
LOCALES = {"en": "en_GB", "de": "de", "hi": "hi"}


sentences = Sentences(__file__)
say = sentences.say


def table() -> dict[str, dict[str, str]]:
    """All sentences: `{key: {language: sentence}}`."""
    return sentences.table


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
