"""Confirming a proposal over HTTP: by the session's own header, without a cookie, once."""

from __future__ import annotations

import json

import pytest

from webchatagent.core.models import ToolCall
from webchatagent.core.tools import Tool

HEADER = "X-Chat-Session-Id"
QUESTION = "When does the shop open in the morning?"


@pytest.fixture
def done():
    return []


@pytest.fixture
def proposed(bot, scripted_model, tools, client, add_texts, done):
    """The answer to a question for which the model proposed something, and the key of its session."""
    schema = {"type": "object", "properties": {"day": {"type": "string"}}}
    run = lambda arguments, context: done.append(arguments) or "Booked."  # noqa: E731
    tools["acme"] = [Tool("book", "", schema, run, writes=True, title="Book")]
    add_texts(bot, {"opening": "The shop opens at nine in the morning."})
    scripted_model.enqueue(ToolCall("1", "tester__book", json.dumps({"day": "Monday"})))
    scripted_model.enqueue("Please confirm [1].")
    response = client.post("/api/chat", json={"message": QUESTION, "chatbotId": bot.public_id})
    assert response.status_code == 200
    return response.get_json(), response.headers[HEADER]


def press(client, path, key=None, **headers):
    return client.post(path, json={}, headers={**({HEADER: key} if key else {}), **headers})


def test_a_card_comes_with_the_answer_and_in_the_history_and_is_confirmed_once(proposed, client, done):
    body, key = proposed
    (card,) = body["parts"]
    assert card["type"] == "action" and not done
    confirm = card["buttons"][0]["action"]
    for _ in range(3):
        response = press(client, confirm, key)
        assert (response.status_code, response.get_json()) == (200, {"state": "done", "message": "Booked."})
        assert response.headers["Cache-Control"] == "no-store" and "Set-Cookie" not in response.headers
    assert done == [{"day": "Monday"}]
    history = client.get("/api/chat/history", headers={HEADER: key}).get_json()["messages"]
    assert history[-1]["parts"] == [
        {"type": "action", "id": card["id"], "title": "Book", "state": "done", "done": "Booked."}
    ]


def test_the_history_has_the_open_card(proposed, client):
    body, key = proposed
    history = client.get("/api/chat/history", headers={HEADER: key}).get_json()["messages"]
    assert history[-1]["parts"] == body["parts"]


@pytest.mark.parametrize("verb", ["confirm", "decline"])
def test_without_the_session_it_is_nobodys(proposed, client, bot, done, verb):
    body, key = proposed
    path = body["parts"][0]["buttons"][0]["action"].replace("confirm", verb)
    other = client.post("/api/chat", json={"message": QUESTION, "chatbotId": bot.public_id}).headers[HEADER]
    for stranger in (None, "x", "A" * 43, other):
        response = press(client, path, stranger)
        assert response.status_code == 404 and response.get_json()["error"]["code"] == "action_not_found"
    for wrong in (path.replace("/confirm", "0/confirm").replace("/decline", "0/decline"), "/api/actions/x/confirm"):
        assert press(client, wrong, key).status_code == 404
    assert client.get(path).status_code == 405 and not done


def test_a_page_that_may_not_use_the_bot_cannot_confirm(proposed, client, done):
    body, key = proposed
    response = press(client, body["parts"][0]["buttons"][0]["action"], key, Origin="https://evil.example")
    assert response.status_code == 403 and not done


def test_declining_is_kept(proposed, client, done):
    body, key = proposed
    confirm, decline = (b["action"] for b in body["parts"][0]["buttons"])
    assert press(client, decline, key).get_json()["state"] == "declined"
    assert press(client, confirm, key).get_json()["state"] == "declined" and not done


def test_the_access_log_holds_no_id_of_an_action(proposed, client, platform):
    body, key = proposed
    path = body["parts"][0]["buttons"][0]["action"]
    press(client, path, key)
    for log in (platform.settings.folder / "logs").glob("*"):
        assert path.split("/")[3] not in log.read_text(encoding="utf-8")
