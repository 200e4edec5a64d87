"""The chat API as programs see it: contract section 3. (What it refuses: `service/test_bad_input`.)"""

from __future__ import annotations

import json
import uuid

import pytest

TEXTS = {
    "opening": "The shop opens at nine in the morning and closes at six in the evening.",
    "returns": "Goods can be returned within thirty days with the receipt.",
}


@pytest.fixture
def ask(client, bot, add_texts):
    """A function that asks the bot, which knows two texts."""
    add_texts(bot, TEXTS)

    def ask(message="When does the shop open in the morning?", *, session=None, stream=False, **fields):
        headers = {"Accept": "text/event-stream" if stream else "application/json"}
        if session:
            headers["X-Chat-Session-Id"] = session
        body = {"message": message, "chatbotId": bot.public_id, **fields}
        return client.post("/api/chat", json=body, headers=headers)

    return ask


def events(response):
    """The events of a stream."""
    return [json.loads(line[5:]) for line in response.get_data(as_text=True).split("\n") if line.startswith("data:")]


@pytest.mark.seed("SR-120")
def test_an_answer_is_cited_and_has_the_contracts_shape(ask):
    response = ask()
    body = response.get_json()
    assert response.status_code == 200
    assert set(body) == {"reply", "sources", "mode", "status", "messageId", "refused", "parts"}
    assert "nine" in body["reply"] and "[1]" in body["reply"]
    assert body["sources"][0]["n"] == 1 and body["sources"][0]["title"] == "opening"
    assert body["mode"] == "bot" and body["status"] is None and body["refused"] is False


def test_a_stream_starts_grows_and_ends(ask):
    response = ask(stream=True)
    found = events(response)
    kinds = [e["type"] for e in found]
    assert response.content_type.startswith("text/event-stream")
    assert kinds[0] == "start" and kinds[-1] == "done" and kinds[-2] == "sources"
    assert kinds.count("delta") > 3
    assert "nine" in "".join(e.get("delta", "") for e in found)


def test_an_off_topic_question_is_refused_in_the_visitors_language(ask):
    body = ask("Wer hat die Weltmeisterschaft im Fußball gewonnen?").get_json()
    assert body["refused"] is True and body["sources"] == [] and "nicht gefunden" in body["reply"]


@pytest.mark.seed("SR-153")
def test_the_session_travels_in_a_header_and_no_cookie_is_set(ask):
    first = ask()
    session = first.headers["X-Chat-Session-Id"]
    again = ask("And when does it close?", session=session)
    assert again.headers["X-Chat-Session-Id"] == session
    assert "Set-Cookie" not in first.headers and "Set-Cookie" not in again.headers
    assert session not in first.get_data(as_text=True)


@pytest.mark.seed("SR-154")
@pytest.mark.parametrize("key", ["x", "../etc", "A" * 44, "ü" * 43])
def test_a_malformed_session_gets_a_new_one(ask, key):
    response = ask(session=key.encode().decode("latin-1"))
    assert response.status_code == 200 and response.headers["X-Chat-Session-Id"] != key


def test_history_has_both_sides(ask, client):
    session = ask().headers["X-Chat-Session-Id"]
    found = client.get("/api/chat/history", headers={"X-Chat-Session-Id": session}).get_json()["messages"]
    assert [m["role"] for m in found] == ["visitor", "bot"]
    assert found[1]["sources"][0]["n"] == 1 and found[1]["rating"] is None
    assert set(found[0]) == {"id", "role", "text", "sources", "parts", "createdAt", "rating"}


def test_history_of_an_unknown_session_is_empty(client):
    assert client.get("/api/chat/history").get_json() == {"messages": []}
    assert client.get("/api/chat/history", headers={"X-Chat-Session-Id": "A" * 43}).get_json() == {"messages": []}


@pytest.mark.seed("SR-156")
def test_an_ended_session_is_refused(ask, client):
    session = ask().headers["X-Chat-Session-Id"]
    assert (
        client.post("/api/chat/end", json={"erase": False}, headers={"X-Chat-Session-Id": session}).status_code == 200
    )
    assert ask(session=session).headers["X-Chat-Session-Id"] != session
    assert client.get("/api/chat/history", headers={"X-Chat-Session-Id": session}).get_json() == {"messages": []}


@pytest.mark.seed("SR-156", "SR-161")
def test_ending_with_erase_leaves_nothing(ask, client, platform, run_jobs):
    canary = "zebra-canary-4711"
    session = ask(f"Where is {canary}?").headers["X-Chat-Session-Id"]
    client.post("/api/chat/end", json={"erase": True}, headers={"X-Chat-Session-Id": session})
    run_jobs()
    for path in platform.settings.folder.rglob("*"):
        if path.is_file():
            assert canary.encode() not in path.read_bytes(), path.name


def test_feedback_is_kept_for_the_own_answer_only(ask, client):
    response = ask()
    session, message = response.headers["X-Chat-Session-Id"], response.get_json()["messageId"]
    rate = {"messageId": message, "rating": "up", "comment": "good"}
    assert client.post("/api/chat/feedback", json=rate, headers={"X-Chat-Session-Id": session}).status_code == 200
    found = client.get("/api/chat/history", headers={"X-Chat-Session-Id": session}).get_json()["messages"]
    assert found[1]["rating"] == "up"
    other = ask("What about returns of goods?").headers["X-Chat-Session-Id"]
    assert client.post("/api/chat/feedback", json=rate, headers={"X-Chat-Session-Id": other}).status_code == 404


def test_the_same_message_id_gives_the_same_answer(ask, client):
    name = str(uuid.uuid4())
    first = ask(clientMessageId=name)
    session = first.headers["X-Chat-Session-Id"]
    again = ask(session=session, clientMessageId=name)
    assert again.get_json()["messageId"] == first.get_json()["messageId"]
    assert len(client.get("/api/chat/history", headers={"X-Chat-Session-Id": session}).get_json()["messages"]) == 2


def test_a_first_answer_lost_on_the_way_is_claimed_with_a_new_key(ask, client):
    name = str(uuid.uuid4())
    first = ask(clientMessageId=name)
    again = ask(clientMessageId=name)
    assert again.get_json()["messageId"] == first.get_json()["messageId"]
    old, new = first.headers["X-Chat-Session-Id"], again.headers["X-Chat-Session-Id"]
    assert old != new
    assert client.get("/api/chat/history", headers={"X-Chat-Session-Id": old}).get_json() == {"messages": []}


def test_a_message_id_is_for_one_message(ask):
    name = str(uuid.uuid4())
    session = ask(clientMessageId=name).headers["X-Chat-Session-Id"]
    other = ask("Can goods be returned with the receipt?", session=session, clientMessageId=name)
    assert_error(other, 422, "invalid_request")


def test_a_guessable_message_id_gives_nobody_elses_conversation(ask):
    assert ask(clientMessageId="1").status_code == 200
    assert_error(ask(clientMessageId="1"), 422, "invalid_request")


def assert_error(response, status, code):
    """The contract's error shape."""
    body = response.get_json()
    assert response.status_code == status
    assert body["error"]["code"] == code and body["error"]["message"]
    assert set(body["error"]) <= {"code", "message", "field"}


@pytest.mark.parametrize(
    "origin", ["http://localhost", "http://localhost:3000", "http://127.0.0.1:8080", "https://shop.example"]
)
def test_an_allowed_page_gets_cors_headers(client, bot, origin):
    from webchatagent.core.bots import change_settings

    change_settings(bot.tenant, bot.id, allowed_origins=["https://shop.example/"])
    response = client.post(
        "/api/chat", json={"message": "hello", "chatbotId": bot.public_id}, headers={"Origin": origin}
    )
    assert response.status_code == 200
    assert response.headers["Access-Control-Allow-Origin"] == origin
    assert "Access-Control-Allow-Credentials" not in response.headers
    assert "X-Chat-Session-Id" in response.headers["Access-Control-Expose-Headers"]


def test_too_much_at_once_is_said_with_the_time_to_wait(make_platform):
    from webchatagent.core.bots import create_bot
    from webchatagent.core.tenants import create_tenant
    from webchatagent.web.app import create_public

    platform = make_platform("limited", rate_limits="on")
    limited = create_bot(create_tenant(platform, "a", "A"), "bot", "Bot")
    visitor = create_public(platform).test_client()
    codes = [
        visitor.post("/api/chat", json={"message": "hi", "chatbotId": limited.public_id}).status_code for _ in range(40)
    ]
    assert codes.count(200) == 30
    response = visitor.post("/api/chat", json={"message": "hi", "chatbotId": limited.public_id})
    assert_error(response, 429, "rate_limited")
    assert 1 <= int(response.headers["Retry-After"]) <= 60


@pytest.mark.seed("SR-150")
def test_a_second_question_with_a_pronoun_uses_the_first(ask):
    session = ask("When can goods be returned with the receipt?").headers["X-Chat-Session-Id"]
    body = ask("Within how many days is that?", session=session).get_json()
    assert body["refused"] is False and "thirty" in body["reply"]


@pytest.mark.seed("SR-121")
def test_another_tenants_canary_is_never_an_answer(ask, client, foreign_bot, add_texts):
    add_texts(foreign_bot, {"secret": "The canary word of Globex is quetzalcoatl."})
    body = ask("What is the canary word of Globex?").get_json()
    assert "quetzalcoatl" not in json.dumps(body)


@pytest.mark.seed("SR-123")
def test_a_deleted_source_is_not_cited_any_more(client, bot, add_texts, run_jobs):
    from webchatagent.core.sources import delete_source

    source = add_texts(bot, {"parrot": "The parrot of the house is called Coco."})
    question = {"message": "What is the parrot of the house called?", "chatbotId": bot.public_id}
    assert client.post("/api/chat", json=question).get_json()["refused"] is False
    delete_source(bot.tenant, source)
    run_jobs()
    assert client.post("/api/chat", json=question).get_json()["refused"] is True
    assert bot.tenant.platform.chunks.stats(bot.tenant.id).chunks == 0


def test_the_config_is_public_cached_and_without_secrets(client, bot):
    response = client.get(f"/api/bots/{bot.public_id}/config")
    body = response.get_json()
    assert body["id"] == bot.public_id and body["name"] == "Acme Help" and body["panel"].startswith("/widget/v1/panel.")
    again = client.get(f"/api/bots/{bot.public_id}/config", headers={"If-None-Match": response.headers["ETag"]})
    assert again.status_code == 304
    assert "allowed_origins" not in json.dumps(body) and "instructions" not in json.dumps(body)


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/privacy", "/imprint", "/t/acme/privacy?lang=hi"])
def test_public_pages_answer_without_a_cookie(client, bot, path):
    response = client.get(path)
    assert response.status_code == 200 and "Set-Cookie" not in response.headers


def test_an_unexpected_failure_says_nothing_of_itself(client, bot, monkeypatch, caplog):
    def broken(*_, **__):
        raise RuntimeError("SELECT secret FROM /etc/passwd")

    monkeypatch.setattr("webchatagent.web.chat.accept_turn", broken)
    response = client.post("/api/chat", json={"message": "x", "chatbotId": bot.public_id})
    assert_error(response, 503, "try_again")
    assert "SELECT" not in response.get_data(as_text=True) and "Traceback" not in response.get_data(as_text=True)
