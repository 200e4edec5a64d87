"""Who may do what: every route, every role. And what nobody may do."""

from __future__ import annotations

import ast
import threading
from pathlib import Path
from typing import Any

import pytest

from webchatagent.admin.fab.views import build_view, check_spec
from webchatagent.admin.roles import rights
from webchatagent.admin.specs import AdminView
from webchatagent.core.db.sources import Document
from webchatagent.core.db.tenants import Bot, Membership

READERS = ("owner", "editor", "agent", "viewer", "privacy")
WRITERS = ("owner", "editor")
OWNERS = ("owner",)
# route -> (method, form, who may). 403 is the answer for everybody else; anonymous people are sent to the log-in.
TABLE: dict[str, tuple[str, dict[str, str], tuple[str, ...]]] = {
    "/": ("GET", {}, READERS),
    "/account/": ("GET", {}, READERS),
    "/account/tenant": ("POST", {"tenant": "0"}, READERS),
    "/bots/list/": ("GET", {}, READERS),
    "/bots/show/<pk>": ("GET", {}, READERS),
    "/bots/add": ("GET", {}, WRITERS),
    "/bots/edit/<pk>": ("GET", {}, WRITERS),
    "/conversations/": ("GET", {}, READERS),
    "/conversations/<int:session_id>": ("GET", {}, READERS),
    "/sources/<int:bot_id>/": ("GET", {}, READERS),
    "/sources/<int:bot_id>/state": ("GET", {}, READERS),
    "/sources/<int:bot_id>/upload": ("POST", {}, WRITERS),
    "/sources/<int:bot_id>/website": ("POST", {"url": "none"}, WRITERS),
    "/sources/<int:bot_id>/documents": ("POST", {"do": "retry"}, WRITERS),
    "/sources/<int:bot_id>/source/<int:source_id>": ("POST", {"do": "nothing"}, WRITERS),
    "/papers/list/": ("GET", {}, READERS),
    "/papers/show/<pk>": ("GET", {}, READERS),
    "/papers/add": ("GET", {}, OWNERS),
    "/papers/edit/<pk>": ("GET", {}, OWNERS),
    "/papers/delete/<pk>": ("POST", {}, OWNERS),
    "/papers/action/<string:name>/<pk>": ("POST", {}, OWNERS),
    "/papers/action_post": ("POST", {"action": "touch"}, OWNERS),
}
OPEN = {"/login/", "/logout/", "/account/language", "/static/<path:filename>", "/static/appbuilder/<path:filename>"}


@pytest.fixture(scope="module")
def people(house: Any) -> dict[str, Any]:
    """A browser for each role."""
    return {role: house.browser(f"{role}@example.org") for role in READERS}


def path_of(house: Any, rule: str) -> str:
    """A rule with the ids of the first tenant."""
    ids = house.ids["acme"]
    pk = ids["bot"] if rule.startswith("/bots") else ids["document"] + 1
    for name, value in (
        ("<pk>", pk),
        ("<int:session_id>", ids["talk"]),
        ("<int:bot_id>", ids["bot"]),
        ("<int:source_id>", ids["source"]),
        ("<string:name>", "touch"),
    ):
        rule = rule.replace(name, str(value))
    return rule


def test_every_route_is_in_the_table(house: Any) -> None:
    rules = {str(rule) for rule in house.app.url_map.iter_rules()}
    assert rules == set(TABLE) | OPEN


@pytest.mark.parametrize("role", READERS)
def test_roles(house: Any, people: dict[str, Any], role: str) -> None:
    browser = people[role]
    browser.get("/")
    for rule, (method, form, allowed) in TABLE.items():
        if rule == "/papers/delete/<pk>" and role in allowed:
            continue
        path = path_of(house, rule)
        answer = browser.get(path) if method == "GET" else browser.post(path, form)
        assert (answer.status_code == 403) == (role not in allowed), (role, rule, answer.status_code)
        assert answer.status_code < 500, (role, rule)


def test_without_a_log_in_everything_leads_there(house: Any) -> None:
    browser = house.browser()
    browser.get("/login/")
    for rule, (method, form, _) in TABLE.items():
        path = path_of(house, rule)
        answer = browser.get(path) if method == "GET" else browser.post(path, form)
        assert answer.status_code == 302 and answer.headers["Location"].startswith("/admin/login/"), rule
    answer = browser.get(path_of(house, "/sources/<int:bot_id>/state"), headers={"X-Requested-With": "XMLHttpRequest"})
    assert answer.status_code == 401


def test_posts_without_a_token_are_refused(house: Any, people: dict[str, Any], tables: Any) -> None:
    client = people["owner"].client
    rules = [
        *[r for r, (m, _, _) in TABLE.items() if m == "POST"],
        "/bots/add",
        "/bots/edit/<pk>",
        "/account/",
        "/logout/",
        "/account/language",
        "/papers/add",
        "/papers/edit/<pk>",
    ]
    for rule in rules:
        assert client.post(path_of(house, rule), data={"language": "de"}).status_code == 400, rule


def test_reading_never_writes(house: Any, people: dict[str, Any], tables: Any) -> None:
    browser = people["owner"]
    for rule, (method, _, _) in TABLE.items():
        if method == "POST":
            assert browser.get(path_of(house, rule)).status_code in (404, 405), rule
    assert browser.get("/logout/").status_code == 405
    with house.acme.read() as db:
        assert db.get(tables["document"], house.ids["acme"]["document"] + 1) is not None


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


def test_two_people_on_two_threads_never_see_each_others_search(house: Any) -> None:
    errors: list[str] = []

    def search(email: str, own: str, other: str) -> None:
        browser = house.browser(email)
        for _ in range(40):
            page = browser.get(f"/papers/list/?_flt_2_title={own}").text
            if other in page or own not in page:
                errors.append(own)

    threads = [
        threading.Thread(target=search, args=a)
        for a in (("owner@example.org", "ACME", "GLOBEX"), ("owner@example.net", "GLOBEX", "ACME"))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
