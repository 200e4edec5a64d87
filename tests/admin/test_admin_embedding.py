"""The page that switches the embedding model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from webchatagent.core.registry import Registry
from webchatagent.core.spaces import read_choice
from webchatagent.testing.fakes import RemoteVectors, WordVectors, embedding_plugin

REMOTE = "remote@1"


@pytest.fixture
def page(house: Any) -> Iterator[Any]:
    """The owner on the page, with a second model offered to both tenants."""
    known = house.platform.registry
    plugins = {n: (m, known.module(n)) for n, m in known.manifests.items()}
    plugins["embeddings_local"] = (
        known.manifests["embeddings_local"],
        embedding_plugin(WordVectors(), RemoteVectors()),
    )
    house.platform.registry = Registry(plugins, known._always, known.broken)
    yield house.browser("owner@example.org")
    house.platform.registry = known


def press(browser: Any, do: str, **fields: str) -> str:
    browser.get("/embedding/")
    return str(browser.post("/embedding/change", {"do": do, **fields}, follow_redirects=True).text)


def test_switching_and_going_back(house: Any, page: Any) -> None:
    first = page.get("/embedding/").text
    assert "test-words@1" in first and REMOTE in first and "Switch to it" in first and "http-equiv" not in first
    during = press(page, "switch", space=REMOTE)
    assert "Being prepared" in during and "about" in during and 'http-equiv="refresh"' in during
    assert read_choice(house.globex).next == ""
    house.run_jobs()
    after = page.get("/embedding/").text
    assert "Go back to it" in after and read_choice(house.acme).space == REMOTE
    assert "Answers use the former model again." in press(page, "rollback")
    assert read_choice(house.acme).space == "test-words@1"
    assert "being deleted" in press(page, "discard")
    house.run_jobs()
    press(page, "switch", space=REMOTE)
    assert "The switch is cancelled." in press(page, "cancel")
    assert "Nothing is being prepared." in press(page, "cancel")
    assert "not offered any more" in press(page, "switch", space="nobody@1")
    house.run_jobs()


def test_an_editor_sees_and_does_not_switch(house: Any, page: Any) -> None:
    editor = house.browser("editor@example.org")
    text = editor.get("/embedding/").text
    assert REMOTE in text and "Switch to it" not in text
    assert editor.post("/embedding/change", {"do": "switch", "space": REMOTE}).status_code == 403
