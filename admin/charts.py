"""Charts as numbers: where bars and lines stand, for the small SVG pictures of the statistics."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from .formats import short_date

STEP, BAR, HIGH, ROOM = 20, 14, 100.0, 92.0
Parts = Sequence[tuple[str, Any, Callable[[Any], int | None]]]
"""What is drawn: (class, words, value of a day)."""


@dataclass(frozen=True)
class Column:
    """One day: its place, what it says, and its bars from below, as (class, y, height)."""

    x: int
    title: str
    bars: Sequence[tuple[str, float, float]]


@dataclass(frozen=True)
class Chart:
    """A picture of days. `top` is what its highest place stands for; `lines` are (class, points of its pieces)."""

    label: str
    width: int
    top: str
    columns: Sequence[Column]
    first: str
    last: str
    lines: Sequence[tuple[str, Sequence[str]]] = ()


def _columns(days: Mapping[date, Any], parts: Parts, write: Callable[[int], str], most: int) -> list[Column]:
    out = []
    for number, (day, one) in enumerate(days.items()):
        y, bars, said = HIGH, [], []
        for name, words, value in parts:
            amount = value(one)
            if amount is None:
                continue
            said.append(f"{words} {write(amount)}")
            if amount and most:
                height = max(amount / most * ROOM, 1.2)
                y -= height
                bars.append((name, round(y, 1), round(height, 1)))
        out.append(Column(number * STEP + 3, f"{short_date(day)}: {', '.join(said) or '–'}", bars))
    return out


def stacked(label: str, days: Mapping[date, Any], parts: Parts, write: Callable[[int], str]) -> Chart:
    """A bar a day, its parts on each other."""
    most = max((sum(value(one) or 0 for *_, value in parts) for one in days.values()), default=0)
    return _chart(label, days, write(most) if most else "", _columns(days, parts, write, most))


def curves(label: str, days: Mapping[date, Any], parts: Parts, write: Callable[[int], str]) -> Chart:
    """A line for each part; it has a gap where a day has no value."""
    most = max((value(one) or 0 for one in days.values() for *_, value in parts), default=0)
    columns = [Column(c.x, c.title, ()) for c in _columns(days, parts, write, 0)]
    lines = [(name, _pieces([value(one) for one in days.values()], most)) for name, _, value in parts]
    return _chart(label, days, write(most) if most else "", columns, lines)


def _pieces(values: Sequence[int | None], most: int) -> list[str]:
    """Runs of days with a value, each as the points of a polyline; a day alone is a short stroke."""
    pieces: list[list[str]] = [[]]
    for number, value in enumerate(values):
        if value is None:
            pieces.append([])
        else:
            pieces[-1].append(f"{number * STEP + STEP // 2},{HIGH - value / max(most, 1) * ROOM:.1f}")
    out = []
    for run in pieces:
        if len(run) == 1:
            x, _, y = run[0].partition(",")
            run = [f"{int(x) - 5},{y}", f"{int(x) + 5},{y}"]
        if run:
            out.append(" ".join(run))
    return out


def _chart(
    label: str,
    days: Mapping[date, Any],
    top: str,
    columns: Sequence[Column],
    lines: Sequence[tuple[str, Sequence[str]]] = (),
) -> Chart:
    named = list(days)
    return Chart(label, len(named) * STEP, top, columns, short_date(named[0]), short_date(named[-1]), lines)
