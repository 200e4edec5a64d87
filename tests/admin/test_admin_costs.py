"""What a page costs: SQL statements and time, for every page and for the list of every declaration."""

from __future__ import annotations

from statistics import median
from time import perf_counter
from typing import Any

import pytest

from webchatagent.admin.fab.views import GuardedView
from webchatagent.core import plugins
from webchatagent.core.db.tenants import PluginSwitch
from webchatagent.core.tenants import operator_tenant

from .routes import ALL, TABLE, Route

PAGES = [route for route in TABLE if route.method == "GET" and not route.destroys]
COSTS = "admin: SQL statements and milliseconds (median of 5) of a page"


@pytest.fixture(scope="module")
def people(house: Any) -> dict[str, Any]:
    """Who looks; the plugins with screens of their own are on."""
    plugins.configure(house.acme, "everything", {"api_key": "right-key"})
    plugins.enable(house.acme, "everything")
    return {
        **{role: house.browser(f"{role}@example.org") for role in ALL},
        "operator": house.browser("root@example.org"),
    }


def cost(browser: Any, path: str, statements: list[str], figures: Any, name: str) -> int:
    """Open a page until it is warm, measure it, and give its number of statements."""
    browser.get(path)
    times = []
    for _ in range(5):
        statements.clear()
        begun = perf_counter()
        answer = browser.get(path)
        times.append((perf_counter() - begun) * 1000)
    assert answer.status_code == 200, path
    figures.line(COSTS, f"{name:48} {len(statements):3} SQL {median(times):7.1f} ms")
    return len(statements)


@pytest.mark.parametrize("route", PAGES, ids=lambda r: r.rule)
def test_a_page_needs_few_statements(
    house: Any, people: dict[str, Any], statements: list[str], figures: Any, route: Route
) -> None:
    browser = people["owner" if route.may else "operator"]
    path = route.path(house.ids["acme"])
    number = cost(browser, path, statements, figures, route.rule)
    most = 12 if route.ids else 10
    if route.rule.startswith("/requests/<"):  # asks everything that keeps something of persons: core and some plugins
        most += 4 * (1 + sum(m.stores for m in house.platform.registry.manifests.values()))
    assert number <= most, statements


def test_the_list_of_every_declaration_costs_ten_statements_however_long_it_is(
    house: Any, people: dict[str, Any], statements: list[str], figures: Any
) -> None:
    for plugin in ("calendar", "newsletter", "lead_capture"):
        plugins.enable(house.acme, plugin)
    with house.acme.write() as db:  # its check would call Meta
        db.add(PluginSwitch(plugin="whatsapp", enabled=True, config={}))
    with operator_tenant(house.platform).write() as db:
        plugins._switch(db, "stripe_billing", True)  # without a key, which this test has none for
    lists = [v for v in house.app.extensions["appbuilder"].baseviews if isinstance(v, GuardedView)]
    assert {v.spec.id for v in lists} >= {
        "bots",
        "contacts",
        "papers",
        "jobs",
        "everything-sheets",
        "calendar-appointments",
        "newsletter-subscribers",
        "newsletter-campaigns",
        "lead_capture-leads",
        "lead_capture-deliveries",
        "whatsapp-messages",
    }
    for view in lists:
        path = f"{view.route_base}/list/"
        may = [browser for browser in people.values() if browser.get(path).status_code == 200]
        assert may, f"nobody may open {path}"
        number = cost(may[0], path, statements, figures, path)
        assert number <= 10, statements
        assert cost(may[0], f"{path}?psize_{type(view).__name__}=1", statements, figures, f"{path} one row") <= number
