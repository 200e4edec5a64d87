"""The table of promises: which tests prove which, and how they ended."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

ORDER = ("failed", "passed", "skipped")


class Promises:
    """A pytest plugin that writes a Markdown table of `seed` markers, tests and outcomes at the end of a run."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._found: dict[str, dict[str, str]] = {}

    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Note a test's promises where they travel with its report, also from a worker process."""
        for marker in item.iter_markers("seed"):
            item.user_properties.extend(("seed", str(number)) for number in marker.args)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take one outcome: that of the call, or a failure or skip around it."""
        if report.when != "call" and report.outcome == "passed":
            return
        name = report.nodeid.split("[")[0]
        for key, number in report.user_properties:
            if key == "seed":
                tests = self._found.setdefault(str(number), {})
                tests[name] = worst(tests.get(name, report.outcome), report.outcome)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the table, with what other runs beside this one found; a worker process leaves it to its collector."""
        if self._found and not hasattr(session.config, "workerinput"):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            part = self._path.with_name(f"{self._path.stem}-{os.getpid()}.json")
            part.write_text(json.dumps(self._found), encoding="utf-8")
            for other in self._path.parent.glob(f"{self._path.stem}-*.json"):
                for number, tests in json.loads(other.read_text(encoding="utf-8")).items():
                    for name, outcome in tests.items():
                        mine = self._found.setdefault(number, {})
                        mine[name] = worst(mine.get(name, outcome), outcome)
            self._path.write_text(self.table(), encoding="utf-8")

    def table(self) -> str:
        """The table as Markdown, by number."""
        lines = ["# Promises and their tests", "", "| Number | Outcome | Tests |", "|---|---|---|"]
        for number, tests in sorted(self._found.items()):
            outcome = min(tests.values(), key=ORDER.index)
            lines.append(f"| {number} | {outcome} | {'<br>'.join(f'`{t}` {o}' for t, o in sorted(tests.items()))} |")
        return "\n".join(lines) + "\n"


def worst(one: str, other: str) -> str:
    """The outcome that counts for a test with several cases: failed, then passed, then skipped."""
    return min(one, other, key=ORDER.index)
