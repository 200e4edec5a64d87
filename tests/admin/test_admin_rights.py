"""Buttons follow roles, and what nobody may do."""

from __future__ import annotations

import ast
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from webchatagent.admin.fab.views import build_view, check_spec
from webchatagent.admin.roles import rights
from webchatagent.core.admin_views import AdminView
from webchatagent.core.db.sources import Document
from webchatagent.core.db.tenants import Bot, Membership

from .routes import ALL


@pytest.fixture(scope="module")
def people(house: Any) -> dict[str, Any]:
    """A browser for each role."""
    return {role: house.browser(f"{role}@example.org") for role in ALL}


def test_buttons_follow_the_role(house: Any, people: dict[str, Any]) -> None:
    bot = house.bot.id
    assert "New bot" in people["owner"].get("/").text and "New bot" not in people["viewer"].get("/").text
    assert "Choose files" in people["editor"].get(f"/sources/{bot}/").text
    assert "Choose files" not in people["viewer"].get(f"/sources/{bot}/").text
    assert f"/bots/edit/{bot}" not in people["agent"].get(f"/bots/show/{bot}").text


def spec(**changes: Any) -> AdminView:
    """A good declaration with something wrong in it."""
    values: dict[str, Any] = {
        "id": "x",
        "model": Document,
        "title": "X",
        "list_columns": ("title",),
        "labels": {"title": "T"},
    }
    return AdminView(**{**values, **changes})


@pytest.mark.parametrize(
    "wrong",
    [
        {"model": Membership},
        {"list_columns": ()},
        {"list_columns": ("tenant_id",)},
        {"list_columns": ("nothing",)},
        {"list_columns": ("source.config",)},
        {"labels": {}},
        {"add_columns": ("bot_id",), "labels": {"title": "T", "bot_id": "B"}},
        {"edit_columns": ("id",), "labels": {"title": "T", "id": "I"}},
        {"search_column": "blob", "labels": {"title": "T", "blob": "B"}},
        {"model": Bot, "list_columns": ("tenant",)},
    ],
)
def test_declarations_that_would_leak_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        check_spec(spec(**wrong))


def test_a_good_declaration_is_built() -> None:
    view = build_view(spec())
    assert view.exclude_route_methods >= {"download", "add", "edit", "delete", "show", "action", "action_post"}
    with pytest.raises(ValueError):
        rights(write=("admin",))


def test_only_the_fab_room_imports_flask_appbuilder() -> None:
    import webchatagent.admin as admin

    root = Path(str(admin.__file__)).parent
    for file in root.rglob("*.py"):
        if file.parent.name == "fab":
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = (
                [a.name for a in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else []
            )
            assert not [n for n in names if n.split(".")[0] == "flask_appbuilder"], file


def test_two_people_on_two_threads_never_see_each_others_search(house: Any, figures: Any) -> None:
    mixed: list[str] = []
    seen: list[str] = []

    def search(email: str, own: str, other: str) -> None:
        browser = house.browser(email)
        for _ in range(250):
            page = browser.get(f"/papers/list/?_flt_2_title={own}").text
            (mixed if other in page or own not in page else seen).append(own)

    threads = [
        threading.Thread(target=search, args=a)
        for a in (("owner@example.org", "ACME", "GLOBEX"), ("owner@example.net", "GLOBEX", "ACME"))
    ]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-4)  # the threads change places within a page, not between pages
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    figures.count("admin: two people of two tenants on two threads", pages=len(seen) + len(mixed), mixed=len(mixed))
    assert not mixed and len(seen) == 500
