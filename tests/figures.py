"""Figures that tests measure: printed at the end of a run, also when the tests ran in several processes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Figures:
    """What one test adds to the figures. They travel with its report, so that a parallel run loses none."""

    record: Callable[[str, object], None]

    def line(self, table: str, text: str) -> None:
        """A line of a table."""
        self.record("figure", [table, text])

    def count(self, table: str, **numbers: int) -> None:
        """Add to the counters of a table; a counter that stays 0 is printed too."""
        for name, number in numbers.items():
            self.record("count", [table, name.replace("_", " "), number])


def printed(reports: Iterable[Any]) -> list[str]:
    """The tables of a run: their lines in order, then their counters."""
    lines: dict[str, set[str]] = defaultdict(set)
    counts: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for report in reports:
        for kind, values in getattr(report, "user_properties", ()):
            if kind == "figure":
                lines[values[0]].add(values[1])
            elif kind == "count":
                counts[values[0]][values[1]] += values[2]
    out = []
    for table in sorted({*lines, *counts}):
        out += [table, *(f"  {line}" for line in sorted(lines[table]))]
        out += ["  " + ", ".join(f"{name} {number}" for name, number in counts[table].items())] * bool(counts[table])
    return out
