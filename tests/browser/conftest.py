"""Chromium and a stand-in platform for the browser tests."""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # test modules have no package in importlib mode

from fake_platform import FakePlatform

ROOT = Path(__file__).resolve().parents[2]
DIST = ROOT / "widget" / "dist"
ARGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


def missing(reason: str) -> None:
    """Skip on a developer's machine, fail where everything is promised to be there."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """One browser for all tests; every test gets its own context."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing("playwright is not installed")
    path = os.environ.get("CHROMIUM", "/usr/bin/chromium")
    if not Path(path).exists():
        missing(f"no Chromium at {path} (set CHROMIUM)")
    with sync_playwright() as player:
        browser = player.chromium.launch(executable_path=path, args=ARGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def server() -> Iterator[FakePlatform]:
    fake = FakePlatform(DIST)
    yield fake
    fake.stop()


@pytest.fixture
def fake(server: FakePlatform) -> FakePlatform:
    server.reset()
    return server


@pytest.fixture
def visit(chromium: Any, fake: FakePlatform) -> Iterator[Callable[..., Any]]:
    """Opens a page with the widget in a fresh browser context; keyword arguments are the context's."""
    contexts = []

    def open_page(path: str = "/", before: str = "", **options: Any) -> Any:
        context = chromium.new_context(**options)
        context.set_default_timeout(8000)
        contexts.append(context)
        page = context.new_page()
        page.problems = []
        page.on("pageerror", lambda error: page.problems.append(str(error)))
        page.on("dialog", lambda dialog: (page.problems.append("dialog"), dialog.dismiss()))
        if before:
            page.add_init_script(before)
        page.goto(fake.base + path)
        return page

    yield open_page
    for context in contexts:
        context.close()
