"""Every route, every role, own and foreign rows. A route without a row in the table fails."""

from __future__ import annotations

from typing import Any

import pytest

from .routes import ALL, ALONE, OPEN, SPARE, TABLE, Route

BY_RULE = {route.rule: route for route in TABLE}
FOREIGN = "GLOBEX-ONLY"
MATRIX = "admin: every route x role x own and foreign row"


@pytest.fixture(scope="module")
def people(house: Any) -> dict[str, Any]:
    """A browser for each role of the first tenant, and for the operator."""
    made = {role: house.browser(f"{role}@example.org") for role in ALL}
    return {**made, "operator": house.browser("root@example.org")}


def send(browser: Any, route: Route, path: str) -> Any:
    """Call a route."""
    return browser.get(path) if route.method == "GET" else browser.post(path, route.form)


def own_path(house: Any, route: Route) -> str:
    """The path on an own row, or on nothing where the route would destroy it."""
    ids = house.ids["acme"]
    return route.path({**ids, **dict.fromkeys(route.ids, SPARE)} if route.destroys else ids)


def note_calls(figures: Any, answer: Any, **calls: int) -> None:
    """Count a call of the matrix, and whether it showed a foreign row."""
    figures.count(MATRIX, **calls, leaks=int(FOREIGN in answer.text))


def off_routes(house: Any) -> set[str]:
    """The routes of declared screens whose plugin the first tenant has not switched on."""
    off = tuple(f"/{plugin}-" for plugin in house.platform.registry.manifests if plugin not in house.acme.enabled)
    return {str(rule) for rule in house.app.url_map.iter_rules() if str(rule).startswith(off)}


def test_every_route_is_in_the_table(house: Any, figures: Any) -> None:
    known = set(BY_RULE) | OPEN | off_routes(house) | ALONE
    routes = {str(rule) for rule in house.app.url_map.iter_rules()}
    figures.count(MATRIX, routes=len(routes), roles=len(ALL) + 1, uncovered=len(routes - known))
    assert routes == known
    assert len(BY_RULE) == len(TABLE)


@pytest.mark.seed("SR-166")
@pytest.mark.parametrize("role", ALL)
@pytest.mark.parametrize("route", TABLE, ids=lambda r: r.rule)
def test_own_rows(house: Any, people: dict[str, Any], figures: Any, route: Route, role: str) -> None:
    answer = send(people[role], route, own_path(house, route))
    note_calls(figures, answer, own=1)
    assert answer.status_code < 500
    if role not in route.may:
        assert answer.status_code == 403
    elif route.destroys:
        assert answer.status_code == 404
    else:
        assert answer.status_code != 403
        assert route.method == "POST" or answer.status_code == 200
    assert FOREIGN not in answer.text


@pytest.mark.parametrize("role", [*ALL, "operator"])
def test_nobody_opens_the_screens_of_a_plugin_that_is_off(
    house: Any, people: dict[str, Any], figures: Any, role: str
) -> None:
    off = off_routes(house)
    assert off
    for rule in sorted(off):
        path = rule.replace("<pk>", "1").replace("<string:name>", "cancel")
        answer = people[role].post(path) if "/action" in rule or "/delete/" in rule else people[role].get(path)
        figures.count(MATRIX, off=1, leaks=int(FOREIGN in answer.text))
        assert answer.status_code in (403, 404), rule


@pytest.mark.parametrize("role", [*ALL, "operator"])
@pytest.mark.parametrize("route", [r for r in TABLE if r.ids and r.may and r.ids != ("plugin",)], ids=lambda r: r.rule)
def test_foreign_rows(house: Any, people: dict[str, Any], figures: Any, route: Route, role: str) -> None:
    answer = send(people[role], route, route.path(house.ids["globex"]))
    note_calls(figures, answer, foreign=1)
    assert answer.status_code == (404 if role in (*route.may, "operator") else 403)
    assert FOREIGN not in answer.text


@pytest.mark.parametrize("route", [r for r in TABLE if not r.may], ids=lambda r: r.rule)
def test_the_operator_alone(house: Any, people: dict[str, Any], figures: Any, route: Route) -> None:
    answer = send(people["operator"], route, own_path(house, route))
    figures.count(MATRIX, operator=1)
    assert answer.status_code == (404 if route.destroys else 200)


def test_foreign_rows_are_as_they_were(house: Any) -> None:
    """Runs after the calls above: every row of the other tenant is still there."""
    from webchatagent.admin import members
    from webchatagent.core.db.base import Base
    from webchatagent.core.tenancy import TenantOwned

    with house.globex.read() as db:
        counts = {
            m.class_.__name__: db.query(m.class_).count()
            for m in Base.registry.mappers
            if issubclass(m.class_, TenantOwned)
        }
    assert counts == {**counts, **house.counts}
    assert {m.email: m.role for m in members.list_members(house.globex)} == house.members


def test_without_a_log_in_everything_leads_there(house: Any) -> None:
    browser = house.browser()
    browser.get("/login/")
    for route in TABLE:
        answer = send(browser, route, own_path(house, route))
        assert answer.status_code == 302 and answer.headers["Location"].startswith("/admin/login/"), route
    answer = browser.get(f"/sources/{house.bot.id}/state", headers={"X-Requested-With": "XMLHttpRequest"})
    assert answer.status_code == 401


def test_posts_without_a_token_are_refused(house: Any, people: dict[str, Any]) -> None:
    client = people["owner"].client
    rules = [str(r) for r in house.app.url_map.iter_rules() if "POST" in (r.methods or ())]
    for rule in rules:
        path = own_path(house, BY_RULE[rule]) if rule in BY_RULE else rule.replace("<token>", "x")
        assert client.post(path, data={"language": "de"}).status_code == 400, rule


def test_reading_never_writes(house: Any, people: dict[str, Any], statements: list[str]) -> None:
    for route in TABLE:
        if route.method == "POST":
            only_post = not any(
                str(r) == route.rule and "GET" in (r.methods or ()) for r in house.app.url_map.iter_rules()
            )
            assert only_post, route.rule
    assert people["owner"].get("/logout/").status_code == 405
    statements.clear()
    for route in TABLE:
        if route.method == "GET":
            people["owner"].get(own_path(house, route))
    assert not [s for s in statements if s.split()[0] in ("INSERT", "UPDATE", "DELETE")]
