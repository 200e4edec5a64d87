"""Every promise of docs/promises.md has a test, and every test's promise is there."""

from __future__ import annotations

import re
from pathlib import Path

pytest_plugins = ["pytester"]
ROOT = Path(__file__).resolve().parents[2]
MARK = re.compile(r"@pytest\.mark\.seed\(([^)]*)\)")


def test_promises_and_tests_name_each_other():
    promised = set(re.findall(r"^- (SR-\d{3}): ", (ROOT / "docs" / "promises.md").read_text(encoding="utf-8"), re.M))
    proven = set()
    for path in [*(ROOT / "tests").rglob("test_*.py"), *(ROOT / "platform" / "testing").glob("*_contract.py")]:
        for arguments in MARK.findall(path.read_text(encoding="utf-8")):
            proven |= set(re.findall(r"SR-\d{3}", arguments))
    proven -= {"SR-998", "SR-999"}  # those of the test below
    assert promised == proven


def test_the_table_has_a_row_for_each_promise(pytester):
    pytester.makeconftest("""
        from pathlib import Path
        from webchatagent.testing.promises import Promises

        def pytest_configure(config):
            config.addinivalue_line("markers", "seed(id): a promise")
            config.pluginmanager.register(Promises(Path("reports") / "promises.md"))
    """)
    pytester.makepyfile("""
        import pytest

        @pytest.mark.seed("SR-998")
        @pytest.mark.parametrize("n", [1, 2])
        def test_holds(n): pass

        @pytest.mark.seed("SR-998", "SR-999")
        @pytest.mark.parametrize("n", [1, 2])
        def test_breaks(n): assert n == 1

        @pytest.mark.seed("SR-999")
        def test_cannot(): pytest.skip("no browser")
    """)
    pytester.runpytest("-q")
    table = (pytester.path / "reports" / "promises.md").read_text(encoding="utf-8")
    first, second = [line for line in table.splitlines() if line.startswith("| SR-")]
    assert (
        first.startswith("| SR-998 | failed |") and "::test_holds` passed" in first and "::test_breaks` failed" in first
    )
    assert second.startswith("| SR-999 | failed |") and "::test_cannot` skipped" in second
