"""The visitor's own data over HTTP: the session key opens one's own, and nothing else."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import select

from webchatagent.core.db.chats import ChatSession, Message
from webchatagent.core.db.records import ConsentRecord

HEADER = "X-Chat-Session-Id"
KINDS = ("export", "erase", "restrict", "release", "object", "withdraw")


@pytest.fixture
def visitor(client, bot, foreign_bot):
    """A function that begins a conversation; returns the headers of its visitor."""

    def begin(here=bot, question="My parcel is late"):
        answer = client.post("/api/chat", json={"message": question, "chatbotId": here.public_id})
        return {HEADER: answer.headers[HEADER]}

    return begin


def test_a_visitor_sees_everything_of_their_own_and_nothing_of_others(client, visitor, foreign_bot):
    mine, other = visitor(), visitor(foreign_bot, "What a foreign question")
    found = client.get("/api/me", headers=mine).json
    texts = json.dumps(found, ensure_ascii=False)
    assert "My parcel is late" in texts and "foreign question" not in texts
    assert {p["name"]: p["title"] for p in found["parts"] if p["plugin"] == "core"}["messages"] == "Messages"
    german = client.get("/api/me?lang=de", headers=mine).json["parts"]
    assert "Nachrichten" in [p["title"] for p in german]
    assert found["complete"] and found["missing"] == [] and "erase" in found["rights"]
    assert "foreign question" in client.get("/api/me", headers=other).get_data(as_text=True)


@pytest.mark.parametrize("key", [None, "", "x", "A" * 43])
def test_nobody_without_a_key_sees_anything(client, visitor, key):
    visitor()
    headers = {HEADER: key} if key is not None else {}
    for answer in (client.get("/api/me", headers=headers), client.post("/api/me/requests", headers=headers, json={})):
        assert answer.status_code == 422 and "parcel" not in answer.get_data(as_text=True)


def test_erasing_takes_the_conversation_and_the_key_with_it(client, visitor, acme, globex, foreign_bot):
    mine, other = visitor(), visitor(foreign_bot)
    answer = client.post("/api/me/requests", headers=mine, json={"kind": "erase"})
    assert answer.status_code == 201 and answer.json["state"] == "done"
    assert answer.json["receipt"]["core"]["done"]["messages"] == 2
    with acme.read() as db:
        assert db.scalars(select(Message)).all() == []
    assert client.get("/api/me", headers=mine).status_code == 422
    assert client.get("/api/me", headers=other).status_code == 200


def test_a_restriction_hides_the_conversation_and_is_lifted_by_its_visitor(client, visitor):
    mine = visitor()
    assert client.post("/api/me/requests", headers=mine, json={"kind": "restrict"}).json["state"] == "done"
    assert client.get("/api/chat/history", headers=mine).json["messages"] == []
    assert client.post("/api/me/requests", headers=mine, json={"kind": "release"}).json["state"] == "done"
    assert len(client.get("/api/chat/history", headers=mine).json["messages"]) == 2


def test_consents_are_withdrawn_by_the_visitor(client, visitor, acme):
    mine = visitor()
    with acme.write() as db:
        session = db.scalars(select(ChatSession.id)).one()
        db.add(ConsentRecord(session_id=session, purpose="newsletter", granted=True))
        db.add(ConsentRecord(session_id=session, purpose="leads", granted=True))
    sent = {"kind": "withdraw", "purpose": "newsletter"}
    first = client.post("/api/me/requests", headers=mine, json=sent).json
    assert first["receipt"]["core"]["done"] == {"consents": 1}
    with acme.read() as db:
        last = db.scalars(select(ConsentRecord).order_by(ConsentRecord.id.desc())).first()
        assert (last.purpose, last.granted, last.channel) == ("newsletter", False, "widget")
    assert client.post("/api/me/requests", headers=mine, json=sent).json["receipt"]["core"]["done"] == {"consents": 0}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"kind": "forget"},
        {"kind": ["erase"]},
        {"kind": "rectify"},
        {"kind": "rectify", "changes": []},
        {"kind": "rectify", "changes": {"name": 7}},
        {"kind": "rectify", "changes": {"tenant_id": "2"}},
    ],
)
def test_odd_requests_are_refused_and_change_nothing(client, visitor, body):
    mine = visitor()
    answer = client.post("/api/me/requests", headers=mine, json=body)
    assert answer.status_code == 422 and answer.json["error"]["code"] == "invalid_request"
    assert len(client.get("/api/chat/history", headers=mine).json["messages"]) == 2


def test_a_page_of_another_site_may_not_ask(client, visitor):
    mine = visitor()
    for answer in (
        client.get("/api/me", headers={**mine, "Origin": "https://evil.example"}),
        client.post("/api/me/requests", headers={**mine, "Origin": "https://evil.example"}, json={"kind": "erase"}),
    ):
        assert answer.status_code == 403
