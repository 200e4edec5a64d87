"""The session of a visitor on the server: its number, its life, its language, its end."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from webchatagent.core import clock
from webchatagent.core.bots import change_settings
from webchatagent.core.db.chats import ChatSession
from webchatagent.core.sessions import hash_key

HEADER = "X-Chat-Session-Id"
TEXTS = {
    "en": "The shop opens at nine in the morning.",
    "de": "Das Geschäft öffnet um neun Uhr morgens.",
    "hi": "दुकान सुबह नौ बजे खुलती है।",
}
QUESTIONS = {"en": "Who composed Figaro?", "de": "Was ist die Hauptstadt von Peru?", "hi": "पेरू की राजधानी क्या है?"}
UNKNOWN = {"en": "could not find", "de": "nicht gefunden", "hi": "नहीं मिला"}


@pytest.fixture
def chat(client, bot, add_texts):
    """A function that sends a message to a bot with texts in three languages."""
    add_texts(bot, TEXTS)

    def send(message="When does the shop open in the morning?", session=None):
        return client.post(
            "/api/chat",
            json={"message": message, "chatbotId": bot.public_id},
            headers={HEADER: session} if session else {},
        )

    return send


@pytest.mark.seed("SR-151")
def test_session_ids_are_256_random_bits_and_never_repeat():
    made = {clock.new_session_key() for _ in range(200_000)}
    assert len(made) == 200_000
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{43}", key) for key in made)
    first = [key[0] for key in made]
    assert len(set(first)) == 64, "every character occurs at the front: nothing is derived from the time"


@pytest.mark.seed("SR-151")
def test_only_the_digest_of_a_session_id_is_stored(chat, platform, bot):
    session = chat().headers[HEADER]
    with bot.tenant.read() as db:
        assert db.scalar(select(ChatSession.key_hash)) == hash_key(session)
    for path in platform.settings.folder.rglob("*"):
        if path.is_file():
            assert session.encode() not in path.read_bytes(), path.name


@pytest.mark.seed("SR-153")
def test_a_session_id_in_the_address_is_not_one(chat, client, bot):
    session = chat().headers[HEADER]
    found = client.get(f"/api/chat/history?{HEADER}={session}&session={session}").get_json()
    assert found == {"messages": []}


@pytest.mark.seed("SR-157")
def test_a_visitor_who_cleared_the_storage_gets_a_new_session(chat, client):
    before = chat().headers[HEADER]
    after = chat().headers[HEADER]
    assert before != after
    messages = client.get("/api/chat/history", headers={HEADER: after}).get_json()["messages"]
    assert len(messages) == 2


@pytest.mark.seed("SR-155")
@pytest.mark.parametrize(("days", "goes_on"), [(0, True), (30, False)])
def test_a_session_goes_on_for_ever_unless_the_tenant_says_otherwise(chat, bot, days, goes_on):
    change_settings(bot.tenant, bot.id, session_days=days)
    session = chat().headers[HEADER]
    with bot.tenant.write() as db:
        db.execute(update(ChatSession).values(last_at=clock.now() - timedelta(days=400)))
    assert (chat(session=session).headers[HEADER] == session) == goes_on


@pytest.mark.seed("SR-155")
def test_a_session_whose_records_are_gone_starts_clean_with_the_same_id(chat, client, bot):
    session = chat().headers[HEADER]
    bot.tenant.hooks.call("retention_purge", tenant=bot.tenant, now=clock.now() + timedelta(days=400))
    assert chat(session=session).headers[HEADER] == session
    assert len(client.get("/api/chat/history", headers={HEADER: session}).get_json()["messages"]) == 2


@pytest.mark.seed("SR-164")
@pytest.mark.parametrize("language", QUESTIONS)
def test_a_refusal_is_in_the_visitors_language_and_the_language_is_stored(chat, bot, language):
    body = chat(QUESTIONS[language]).get_json()
    assert body["refused"] and UNKNOWN[language] in body["reply"]
    with bot.tenant.read() as db:
        assert db.scalar(select(ChatSession.language)) == language


@pytest.mark.seed("SR-164")
@pytest.mark.parametrize(
    ("question", "word"),
    [
        ("When does the shop open in the morning?", "nine"),
        ("Wann öffnet das Geschäft morgens?", "neun"),
        ("दुकान सुबह कितने बजे खुलती है?", "नौ"),
    ],
)
def test_an_answer_comes_from_the_source_of_the_visitors_language(chat, question, word):
    assert word in chat(question).get_json()["reply"]


@pytest.mark.seed("SR-120")
@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("note.txt", b"The lighthouse of Acme is green."),
        ("note.md", b"# Light\n\nThe lighthouse of Acme is green."),
        ("note.html", b"<html><body><main><h1>Light</h1><p>The lighthouse of Acme is green.</p></main></body></html>"),
        ("note.csv", b"thing,colour\nThe lighthouse of Acme,green\n"),
    ],
)
def test_an_uploaded_file_is_answered_from_with_a_citation(client, bot, run_jobs, name, data):
    from webchatagent.core.sources import upload_file

    upload_file(bot.tenant, bot.id, name, data)
    run_jobs()
    body = client.post(
        "/api/chat", json={"message": "Which colour has the lighthouse of Acme?", "chatbotId": bot.public_id}
    ).get_json()
    assert not body["refused"] and "green" in body["reply"] and "[1]" in body["reply"]
    assert body["sources"][0]["type"] == "file"
