"""What all tests share: the data to measure with, where it is present."""
from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def evaldata() -> Path:
    """The folder of real files, pages and questions beside the repository; skips where it is absent."""
    folder = ROOT.parent / "shared" / "evaldata"
    if not folder.is_dir():
        pytest.skip("the evaluation data is not beside this repository")
    return folder
