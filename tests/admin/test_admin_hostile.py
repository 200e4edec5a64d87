"""Whatever is sent: a page that says so, never a crash, never SQL, never markup of the sender."""

from __future__ import annotations

import io
import re
from typing import Any
from urllib.parse import quote

import pytest

from .routes import TABLE, Route

MARK = '"><script>alert(1)</script>'
VALUES = (
    "",
    MARK,
    "\0",
    "9" * 40,
    "-1",
    "x" * 5000,
    "%(n)s {0} ${7*7}",
    "../../etc/passwd",
    "\ud83d",
    "'; drop table bot --",
)
NAMES = (
    "name", "slug", "email", "role", "locale", "greeting", "suggestions", "allowed_origins", "accent", "url", "do", "id",
    "rowid", "action", "tenant", "present", "new", "code", "scopes", "days", "retention_days", "address", "add", "remove",
    "c_max_pages", "title", "external_id", "source", "bot", "phone", "active", "company", "language", "back",
)  # fmt: skip
QUERY = (
    "page",
    "q",
    "bot",
    "source",
    "show",
    "action",
    "next",
    "psize_BotsView",
    "_oc_JobsView",
    "_flt_0_state",
    "_flt_2_name",
)
BAD = re.compile(r"(?i:Traceback|sqlalchemy|sqlite3|psycopg)|SELECT .* FROM|INSERT INTO|DELETE FROM|UPDATE \w+ SET")
"""SQL in capitals, as SQLAlchemy writes it: a page has a `<select>` of its own."""


@pytest.fixture(scope="module")
def people(house: Any) -> dict[str, Any]:
    """An owner, and the operator for what is the operator's."""
    made = {"owner": house.browser("owner@example.org"), "operator": house.browser("root@example.org")}
    for browser in made.values():
        browser.get("/")
    return made


def fine(answer: Any, what: object) -> None:
    """Check an answer."""
    assert answer.status_code < 500, what
    assert not BAD.search(answer.text), what
    assert MARK not in answer.text, what


def sound(value: str) -> str:
    """A value as a browser could send it: a lone surrogate cannot be."""
    return value.encode("utf-8", "replace").decode()


@pytest.mark.parametrize("route", [r for r in TABLE if "GET" in r.method], ids=lambda r: r.rule)
def test_odd_addresses(house: Any, people: dict[str, Any], route: Route) -> None:
    browser = people["owner" if route.may else "operator"]
    for value in VALUES:
        odd = quote(sound(value)[:300], safe="")
        if route.ids and odd:
            fine(browser.get(route.path(dict.fromkeys(route.ids, odd))), (route.rule, value))
        query = "&".join(f"{name}={odd}" for name in QUERY)
        fine(browser.get(f"{route.path(house.ids['acme'])}?{query}"), (route.rule, value))


@pytest.mark.parametrize(
    "route", [*TABLE, *(Route(p, ("owner",)) for p in ("/login/", "/reset/", "/register/"))], ids=lambda r: r.rule
)
def test_odd_forms(house: Any, people: dict[str, Any], route: Route) -> None:
    browser = people["owner" if route.may else "operator"]
    ids = {**house.ids["acme"], **dict.fromkeys(route.ids, 999_999)} if route.destroys else house.ids["acme"]
    for value in VALUES:
        answer = browser.post(route.path(ids), dict.fromkeys(NAMES, sound(value)))
        fine(answer, (route.rule, value))
    files = {"file": (io.BytesIO(b"x"), MARK)}
    fine(browser.post(route.path(ids), files, content_type="multipart/form-data"), route.rule)
    fine(
        browser.client.post(route.path(ids), data=b"\xff" * 100, content_type="application/x-www-form-urlencoded"),
        route.rule,
    )
    fine(browser.client.post(route.path(ids), json={"csrf_token": browser.token, "name": [1]}), route.rule)
