"""Look-ups and actions at a service of the tenant's: what is sent, what is shown, and what is refused."""

from __future__ import annotations

import asyncio
import json

import pytest
from pydantic import ValidationError

from webchatagent.core import notice, plugins
from webchatagent.core.accept import accept_turn
from webchatagent.core.actions import decide
from webchatagent.core.api import ToolContext, ToolFailed, ToolUnsure
from webchatagent.core.bots import find_bot
from webchatagent.core.db.tenants import PluginSwitch
from webchatagent.core.models import ToolCall
from webchatagent.core.sessions import locate_session
from webchatagent.core.turns import TurnRunner
from webchatagent.plugins.http_action.check import problems
from webchatagent.plugins.http_action.client import call, request_of
from webchatagent.plugins.http_action.config import Config
from webchatagent.plugins.http_action.tools import tools
from webchatagent.testing.scripted_server import HANG, scripted_server
from webchatagent.testing.turns import collect, text_of

SECRET = "canary-key-77"
LOOK = {
    "name": "order_status",
    "description": "State of an order",
    "path": "/orders/{order}",
    "query": {"lang": "{language}", "v": "1"},
    "parameters": [{"name": "order", "label": "Order"}, {"name": "language", "required": False}],
    "show": "{state: status, arrives: delivery.date}",
    "example": {"order": "A-1"},
}
CHANGE = {
    "name": "change_address",
    "title": "Change the delivery address",
    "description": "Change where an order goes",
    "method": "PUT",
    "path": "/orders/{order}/address",
    "body": {"street": "{street}", "n": "{n}", "note": "chat: {street}", "list": ["{n}", "{gone}"]},
    "parameters": [
        {"name": "order"},
        {"name": "street", "personal": True},
        {"name": "n", "type": "integer"},
        {"name": "gone", "required": False},
    ],
    "done": "The address is changed.",
}
SENT = {"status": "sent", "delivery": {"date": "2026-11-25"}, "inner": f"token {SECRET}"}


def values(url="https://api.example.org", **changes):
    return {
        "base_url": url,
        "headers": {"Authorization": "Bearer {secret_1}"},
        "secret_1": SECRET,
        "actions": [LOOK, CHANGE],
        "timeout": 1,
        **changes,
    }


@pytest.fixture
def service(monkeypatch):
    with scripted_server() as server:
        monkeypatch.setenv("WEBCHATAGENT_PRIVATE_HOSTS", f"127.0.0.1:{server.port}")
        yield server


@pytest.fixture
def config(service):
    return Config(**values(service.url))


def test_a_look_up_sends_its_values_escaped_and_shows_what_was_chosen(config, service):
    service.answer(SENT)
    assert call(config, config.actions[0], {"order": "A/../1?x=ü"}) == {"state": "sent", "arrives": "2026-11-25"}
    (asked,) = service.asked
    assert (asked.method, asked.path) == ("GET", "/orders/A%2F..%2F1%3Fx%3D%C3%BC?v=1")
    assert asked.headers["authorization"] == f"Bearer {SECRET}" and "idempotency-key" not in asked.headers


def test_an_action_sends_a_body_with_types_and_a_key_for_each_try(config, service):
    service.answer(b"", 204)
    call(config, config.actions[1], {"order": "1", "street": 'Quote " 5', "n": 3}, "action-9")
    (asked,) = service.asked
    assert asked.method == "PUT" and asked.headers["idempotency-key"] == "action-9"
    assert asked.json == {"street": 'Quote " 5', "n": 3, "note": 'chat: Quote " 5', "list": [3]}


def test_a_secret_that_the_service_repeats_is_not_shown(service):
    service.answer(SENT)
    config = Config(**values(service.url, actions=[{**LOOK, "show": "inner"}]))
    assert call(config, config.actions[0], {"order": "1"}) == "token [•••]"
    assert SECRET not in repr(config)


@pytest.mark.parametrize("value", ["", ".", ".."])
def test_a_value_cannot_leave_its_place_in_the_path(config, value):
    with pytest.raises(ToolFailed):
        request_of(config, config.actions[0], {"order": value})


def test_a_value_cannot_begin_a_header():
    action = {**LOOK, "headers": {"X-Order": "{order}"}}
    config = Config(**values(actions=[action]))
    with pytest.raises(ToolFailed):
        request_of(config, config.actions[0], {"order": "1\r\nX-Evil: 1"})


@pytest.mark.parametrize(
    ("status", "body", "action", "error"),
    [
        (404, b"{}", 0, ToolFailed),
        (403, b"{}", 0, ToolFailed),
        (500, b"{}", 0, ToolFailed),
        (200, b"<html>", 0, ToolFailed),
        (200, b"[" * 100_000, 0, ToolFailed),
        (409, b"{}", 1, ToolFailed),
        (500, b"{}", 1, ToolUnsure),
    ],
)
def test_what_is_no_answer_is_an_error(config, service, status, body, action, error):
    service.answer(body, status)
    with pytest.raises(ToolFailed) as caught:
        call(config, config.actions[action], {"order": "1", "street": "x", "n": 1})
    assert type(caught.value) is error and SECRET not in str(caught.value)


def test_a_redirect_to_another_host_and_one_of_an_action_are_not_followed(config, service):
    elsewhere = {"Location": "http://localhost:1/x"}
    service.answer(b"", 302, **elsewhere)
    with pytest.raises(ToolFailed):
        call(config, config.actions[0], {"order": "1"})
    service.answer(b"", 307, Location=f"{service.url}/other")
    with pytest.raises(ToolFailed):
        call(config, config.actions[1], {"order": "1", "street": "x", "n": 1})
    assert len(service.asked) == 2


def test_a_service_that_is_silent_or_too_large_ends_in_time(config, service):
    service.script(HANG)
    with pytest.raises(ToolUnsure):
        call(config, config.actions[1], {"order": "1", "street": "x", "n": 1})
    service.answer(b"x" * 1_100_000)
    with pytest.raises(ToolFailed):
        call(config, config.actions[0], {"order": "1"})


def test_an_address_inside_the_house_is_refused(service, monkeypatch):
    monkeypatch.setenv("WEBCHATAGENT_PRIVATE_HOSTS", "")
    config = Config(**values(service.url))
    with pytest.raises(ToolFailed):
        call(config, config.actions[0], {"order": "1"})
    assert not service.asked


@pytest.mark.parametrize(
    "wrong",
    [
        {"path": "/orders/{nothing}"},
        {"path": "orders"},
        {"path": "/x?y"},
        {"path": "/{secret_1}"},
        {"path": "/{language}"},
        {"headers": {"Host": "x"}},
        {"headers": {"A b": "x"}},
        {"body": {"a": 1}},
        {"show": "[[["},
        {"name": "Bad Name"},
        {"parameters": [{"name": "order"}, {"name": "order"}]},
        {"parameters": [{"name": "secret_1"}]},
        {"unknown": 1},
    ],
    ids=str,
)
def test_a_definition_that_cannot_work_is_refused(wrong):
    with pytest.raises(ValidationError):
        Config(**values(actions=[{**LOOK, **wrong}]))


def test_a_get_reads_and_everything_else_is_proposed_unless_it_says_so():
    actions = [LOOK, CHANGE, {**CHANGE, "name": "search", "writes": False}, {**LOOK, "name": "x", "writes": True}]
    found = tools(Config(**values(actions=actions)))
    assert [t.writes for t in found] == [False, True, False, True]
    assert found[1].schema["properties"]["street"]["x-personal-data"] is True


def test_hook_plugin_check_tries_look_ups_and_never_an_action(config, service):
    service.answer(SENT)
    assert problems(config) == [] and [a.method for a in service.asked] == ["GET"]
    service.answer(b"{}", 401)
    (found,) = problems(config)
    assert found.field == "actions" and "401" in found.message
    (missing,) = problems(Config(**values(secret_1="")))
    assert missing.field == "secret_1"
    (nowhere,) = problems(Config(**values("")))
    assert nowhere.field == "base_url"


# -- in a turn ----------------------------------------------------------------------------------------------------


@pytest.fixture
def shop(bot, scripted_model, add_texts, service):
    """A bot of a tenant with the plugin set and on."""
    add_texts(bot, {"opening": "The shop opens at nine in the morning."})
    service.answer(SENT)
    plugins.configure(bot.tenant, "http_action", values(service.url))
    service.answer(SENT)
    plugins.enable(bot.tenant, "http_action")
    service.asked.clear()
    return find_bot(bot.tenant.platform, bot.public_id)


@pytest.mark.seed("SR-113")
def test_a_visitor_is_told_and_confirms(shop, scripted_model, service):
    scripted_model.enqueue(
        ToolCall("1", "http_action__order_status", '{"order": "A-1"}'),
        ToolCall(
            "2", "http_action__change_address", json.dumps({"order": "A-1", "street": "Example Street 5", "n": 1})
        ),
    )
    scripted_model.enqueue("It was sent. Please confirm.")
    service.answer(SENT)
    turn = accept_turn(shop, None, "Where is order A-1? Send it to Example Street 5.")
    events = asyncio.run(collect(TurnRunner(), turn))
    assert text_of(events) == "It was sent. Please confirm." and [a.method for a in service.asked] == ["GET"]
    (card,) = [e["part"] for e in events if e["type"] == "part"]
    assert card["title"] == "Change the delivery address"
    service.answer(b"", 204)
    located = locate_session(shop.tenant.platform, turn.session.key)
    outcome = decide(located, card["buttons"][0]["action"].split("/")[3], confirm=True)
    assert outcome.message == "The address is changed." and service.asked[-1].method == "PUT"
    with shop.tenant.read() as db:
        stored = db.query(PluginSwitch).filter_by(plugin="http_action").one().config
    assert SECRET not in json.dumps(stored)


def test_another_address_wants_the_secret_again(shop, service):
    with pytest.raises(plugins.PluginProblems) as caught:
        plugins.configure(shop.tenant, "http_action", {"base_url": "https://evil.example"})
    assert caught.value.problems[0].field == "secret_1" and not service.asked


def test_the_notice_names_who_is_asked(shop, globex):
    told = [d for plugin, d in notice.disclosures(shop.tenant) if plugin == "http_action"]
    assert told[0].hosts == ("127.0.0.1",) and told[0].data == ("messages", "contact")
    assert not [d for plugin, d in notice.disclosures(globex) if plugin == "http_action"]
    assert ToolContext(1, 1, "en").action_id == ""
