"""Two tenants with the plugin on, and a clock that stands on a Monday."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from webchatagent.core import plugins
from webchatagent.core.accept import accept_turn
from webchatagent.core.models import ToolCall
from webchatagent.core.tenants import load_tenant
from webchatagent.core.turns import TurnRunner
from webchatagent.testing.turns import collect

MONDAY = datetime(2026, 11, 30, 8, 0, tzinfo=UTC)
"""09:00 in Berlin."""


@pytest.fixture
def switch(platform):
    """A function that switches the plugin on for a tenant, and gives the tenant as it is then."""

    def on(tenant, **settings):
        plugins.configure(tenant, "calendar", {"notice": 0, **settings})
        plugins.enable(tenant, "calendar")
        return load_tenant(platform, slug=tenant.slug)

    return on


@pytest.fixture
def here(acme, bot, switch):
    """The first tenant."""
    return switch(acme)


@pytest.fixture
def there(globex, foreign_bot, switch):
    """The second one."""
    return switch(globex)


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    """What time the plugin has."""
    state = {"now": MONDAY}
    for name in ("booking", "tools", "section", "subject", "work", "pages"):
        monkeypatch.setattr(f"webchatagent.plugins.calendar.{name}.now", lambda: state["now"])
    return state


@pytest.fixture
def ask(scripted_model):
    """A function `(bot, message, session key, *calls)`: one turn whose model makes calls, and then says Good."""

    def turn(bot, message, key, *calls):
        made = [ToolCall(str(n), f"calendar__{name}", arguments) for n, (name, arguments) in enumerate(calls)]
        scripted_model.enqueue(*made)
        if made:
            scripted_model.enqueue("Good.")
        accepted = accept_turn(bot, key, message, None)
        events = asyncio.run(collect(TurnRunner(), accepted))
        return accepted.session.key, [e["part"] for e in events if e["type"] == "part"], events

    return turn
