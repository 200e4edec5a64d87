"""What all tests share: the data to measure with, where it is present, and the table of promises."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def pytest_configure(config: pytest.Config) -> None:
    """Write `reports/promises.md` at the end of the run."""
    from webchatagent.testing.promises import Promises

    config.pluginmanager.register(Promises(ROOT / "reports" / "promises.md"))


@pytest.fixture(scope="session")
def evaldata() -> Path:
    """The folder of real files, pages and questions beside the repository; skips where it is absent."""
    folder = ROOT.parent / "shared" / "evaldata"
    if not folder.is_dir():
        pytest.skip("the evaluation data is not beside this repository")
    return folder


@pytest.fixture(scope="session")
def specs() -> Path:
    """The folder of vendors' specifications beside the repository; skips where it is absent."""
    folder = ROOT.parent / "shared" / "specs"
    if not folder.is_dir():
        pytest.skip("the vendors' specifications are not beside this repository")
    return folder
