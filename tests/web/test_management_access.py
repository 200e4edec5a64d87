"""Every route of the management API x scope x own and foreign id: generated from the URL map, so that none is forgotten."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest

from webchatagent.core.apikeys import SCOPES
from webchatagent.web.management.openapi import document
from webchatagent.web.management.routes import ROUTES

OPEN = {("GET", "/openapi.json")}
MARK = "GLOBEX-ONLY"
MATRIX = "management API: every route x scope x own and foreign thing"


def upload() -> dict[str, Any]:
    return {"data": {"file": (io.BytesIO(b"# Returns\n\nGoods can be returned."), "returns.md")}}


# (method, path): scope, what is sent, status when all is right. A route without a row fails below.
ROWS: dict[tuple[str, str], tuple[str, Any, int]] = {
    ("GET", "/bots"): ("bots:read", {}, 200),
    ("POST", "/bots"): ("bots:write", {"json": {"slug": "new", "name": "New"}}, 201),
    ("GET", "/bots/<bot>"): ("bots:read", {}, 200),
    ("PATCH", "/bots/<bot>"): ("bots:write", {"json": {"name": "MINE"}}, 200),
    ("DELETE", "/bots/<bot>"): ("bots:write", {}, 204),
    ("POST", "/bots/<bot>/search"): ("search", {"json": {"query": "When does the shop open?"}}, 200),
    ("GET", "/bots/<bot>/sources"): ("sources:read", {}, 200),
    ("POST", "/bots/<bot>/sources"): ("sources:write", {"json": {"target": "https://www.example.org/"}}, 202),
    ("GET", "/bots/<bot>/documents"): ("sources:read", {}, 200),
    ("POST", "/bots/<bot>/documents"): ("sources:write", {"json": {"id": "mine", "text": "MINE"}}, 202),
    ("POST", "/bots/<bot>/files"): ("sources:write", upload, 202),
    ("GET", "/sources/<int:source>"): ("sources:read", {}, 200),
    ("POST", "/sources/<int:source>/sync"): ("sources:write", {}, 422),  # its files are sent again instead
    ("DELETE", "/sources/<int:source>"): ("sources:write", {}, 204),
    ("GET", "/documents/<int:document>"): ("sources:read", {}, 200),
    ("POST", "/documents/<int:document>/retry"): ("sources:write", {}, 202),
    ("DELETE", "/documents/<int:document>"): ("sources:write", {}, 204),
    ("GET", "/conversations"): ("conversations:read", {}, 200),
    ("GET", "/conversations/<int:conversation>"): ("conversations:read", {}, 200),
    ("DELETE", "/conversations/<int:conversation>"): ("conversations:write", {}, 204),
}
WITH_ID = [row for row in ROWS if "<" in row[1]]


def fill(path: str, ids: dict[str, Any]) -> str:
    return re.sub(r"<(?:int:)?(\w+)>", lambda m: str(ids[m[1]]), path)


def send(who: Any, row: tuple[str, str], ids: dict[str, Any]) -> Any:
    sent = ROWS[row][1]
    return who.send(row[0], fill(row[1], ids), **(sent() if callable(sent) else sent))


def snapshot(tenant: Any) -> list[Any]:
    """Everything that a foreign request could have changed."""
    from sqlalchemy import select

    from webchatagent.core.db.base import Base
    from webchatagent.core.tenancy import TenantOwned

    with tenant.read() as db:
        return [
            {c.key: getattr(row, c.key) for c in mapper.columns}
            for mapper in sorted(Base.registry.mappers, key=lambda m: m.class_.__name__)
            if issubclass(mapper.class_, TenantOwned)
            for row in db.scalars(select(mapper.class_))
        ]


def test_every_route_of_the_url_map_has_a_row(client, figures):
    routes = {
        (method, rule.rule.removeprefix("/api/v1"))
        for rule in client.application.url_map.iter_rules()
        if rule.rule.startswith("/api/v1")
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    known = set(ROWS) | OPEN
    figures.count(MATRIX, routes=len(routes), scopes=len(SCOPES), uncovered=len(routes - known))
    assert routes == known
    assert {(r.method, r.path): r.scope for r in ROUTES} == {row: wanted for row, (wanted, _, _) in ROWS.items()}
    assert {scope for scope, _, _ in ROWS.values()} == set(SCOPES) - {"chat"}


@pytest.mark.seed("SR-121")
@pytest.mark.parametrize("row", ROWS, ids=" ".join)
def test_an_own_thing_is_served_and_nothing_foreign_is_in_it(program, acme, things, figures, row):
    answer = send(program(acme, ROWS[row][0]), row, things["acme"])
    figures.count(MATRIX, own=1, leaks=int(MARK in answer.text))
    assert answer.status_code == ROWS[row][2], answer.text
    assert MARK not in answer.text and things["globex"]["bot"] not in answer.text


@pytest.mark.seed("SR-121")
@pytest.mark.parametrize("row", WITH_ID, ids=" ".join)
def test_a_foreign_thing_does_not_exist_and_stays_as_it_was(program, acme, globex, things, figures, row):
    before = snapshot(globex)
    answer = send(program(acme), row, things["globex"])
    figures.count(MATRIX, foreign=1, leaks=int(MARK in answer.text or snapshot(globex) != before))
    nobody = {"bot": "x", **dict.fromkeys(("source", "document", "conversation"), 10**9)}
    unknown = send(program(acme), row, nobody)
    assert answer.status_code == unknown.status_code == 404 and MARK not in answer.text
    assert answer.get_json()["error"]["code"] == unknown.get_json()["error"]["code"]
    assert snapshot(globex) == before


@pytest.mark.parametrize("row", ROWS, ids=" ".join)
def test_only_its_scope_opens_a_route(program, acme, things, figures, row):
    before = snapshot(acme)
    figures.count(MATRIX, without_the_scope=len(SCOPES) - 1)
    for scope in set(SCOPES) - {ROWS[row][0]}:
        answer = send(program(acme, scope), row, things["acme"])
        assert answer.status_code == 403 and answer.get_json()["error"]["code"] == "scope_missing", scope
    after = [r for r in snapshot(acme) if "prefix" not in r and "actor" not in r]
    assert after == [r for r in before if "prefix" not in r and "actor" not in r]


@pytest.mark.parametrize("row", ROWS, ids=" ".join)
def test_nothing_is_served_without_a_key(client, acme, row):
    for header in (None, "Bearer", "Bearer wca_x", "Basic dXNlcjpwYXNz", f"Bearer wca_{'0' * 12}_{'A' * 43}", "wca_"):
        ids = dict.fromkeys(("bot", "source", "document", "conversation"), 1)
        sent = ROWS[row][1]
        answer = client.open(
            "/api/v1" + fill(row[1], ids),
            method=row[0],
            headers={"Authorization": header} if header else {},
            **(sent() if callable(sent) else sent),
        )
        assert answer.status_code == 401 and answer.get_json()["error"]["code"] == "key_invalid"
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_the_openapi_document_is_open_and_names_no_tenant(client, things):
    answer = client.get("/api/v1/openapi.json")
    assert answer.status_code == 200 and answer.get_json() == document()
    assert "acme" not in answer.text.lower()


def test_a_list_that_names_a_foreign_bot_or_source_is_empty_or_refused(program, acme, things):
    mine, theirs = things["acme"], things["globex"]
    assert program(acme).get(f"/conversations?bot={theirs['bot']}").status_code == 404
    assert program(acme).get(f"/bots/{mine['bot']}/documents?source={theirs['source']}").get_json()["data"] == []


def test_an_operator_command_makes_no_key_for_another_tenant(program, acme, globex, things):
    from webchatagent.core.apikeys import list_keys, revoke_key
    from webchatagent.core.errors import NotFound

    key = program(globex)
    with pytest.raises(NotFound):
        revoke_key(acme, key.key.split("_")[1], actor="test")
    assert list_keys(acme) == [] and key.get("/bots").status_code == 200
