"""How values are shown: times, numbers, words for codes; and declarations with their texts in the reader's language."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any

from babel import dates
from flask_babel import format_date, format_datetime, format_decimal, format_timedelta, get_locale, gettext
from flask_babel.speaklater import LazyString
from markupsafe import Markup

from webchatagent.core.admin_views import AdminView

from .languages import language_name, localised

TONES = {"done": "good", "sent": "good", "failed": "bad", "running": "busy", "queued": "busy"}
"""Codes of states and the colour of their badge; all others are grey."""


def ago(when: datetime | None) -> Markup:
    """A time as `3 minutes ago`, with the exact one in UTC as a tooltip."""
    if when is None:
        return Markup("–")
    words = format_timedelta(when - datetime.now(UTC), granularity="second", add_direction=True, threshold=1.2)
    return Markup('<time datetime="{}" title="{} UTC">{}</time>').format(
        when.isoformat(), format_datetime(when.replace(tzinfo=None), "medium", rebase=False), words
    )


def clock_time(when: datetime | None, locale: str = "") -> str:
    """A time as people write it, in UTC, in the language of the reader or a given one."""
    if when is None:
        return "–"
    shown: str = dates.format_datetime(when.astimezone(UTC), "short", locale=locale or str(get_locale() or "en"))
    return f"{shown} UTC"


def short_date(day: date) -> str:
    """A day without its year."""
    return format_date(day, "d. MMM" if str(get_locale()) == "de" else "d MMM")


def size(amount: int | None) -> str:
    """Bytes as `1.5 MB`."""
    value = float(amount or 0)
    for unit in ("B", "kB", "MB"):
        if value < 1000:
            return f"{format_decimal(round(value, 1))} {unit}"
        value /= 1000
    return f"{format_decimal(round(value, 1))} GB"


FORMATS: dict[str, Callable[[Any], Any]] = {
    "time": ago,
    "clock": clock_time,
    "number": lambda value: format_decimal(value) if value is not None else "–",
    "bytes": size,
    "language": lambda code: language_name(code or ""),
    "code": lambda text: Markup("<code>{}</code>").format(text),
    "yes_no": lambda flag: gettext("Yes") if flag else gettext("No"),
    "sentence": lambda text: gettext(text) if text else "",
    "json": lambda value: Markup("<code>{}</code>").format(json.dumps(value, ensure_ascii=False, default=str)),
}
"""By the names of `core.admin_views.Format`."""


def word(values: Mapping[str, Any], column: str) -> Callable[[Any], Any]:
    """A formatter that says the word for a code, as a badge where the column is a state."""

    def show(code: Any) -> Any:
        said = localised(values.get(code, code))
        return (
            Markup('<span class="badge {}">{}</span>').format(TONES.get(code, ""), said) if column == "state" else said
        )

    return show


def formatters_of(spec: AdminView) -> dict[str, Callable[[Any], Any]]:
    """The formatters of a declaration, by column."""
    made = {column: FORMATS[name] for column, name in spec.formats.items()}
    made |= {column: word(values, column) for column, values in spec.values.items()}
    return made | dict(spec.formatters)


def lazy(text: Any) -> Any:
    """A text per language as one that is chosen when it is shown; any other as it is."""
    return LazyString(localised, text) if isinstance(text, Mapping) else text


def speaking(spec: AdminView) -> AdminView:
    """A declaration whose texts are chosen when they are shown."""
    names = ("title", "intro", "add_title", "edit_title", "empty_title", "empty_text", "confirm_delete", "said_deleted")
    return dataclasses.replace(
        spec,
        **{name: lazy(getattr(spec, name)) for name in names},
        labels={column: lazy(text) for column, text in spec.labels.items()},
        actions=[dataclasses.replace(a, label=lazy(a.label), confirm=lazy(a.confirm)) for a in spec.actions],
    )
