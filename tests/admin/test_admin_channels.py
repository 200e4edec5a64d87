"""Conversations of a channel in the admin: beside the others, with what became of messages, files and answers by hand."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from webchatagent.core import channels
from webchatagent.core.clock import now
from webchatagent.core.db.chats import ChatSession, Message
from webchatagent.core.db.records import AuditEntry, BackgroundJob
from webchatagent.core.db.tenants import PluginSwitch
from webchatagent.core.tenants import load_tenant
from webchatagent.plugins.whatsapp.models import Outgoing, Person
from webchatagent.plugins.whatsapp.webhook import verify_token


@pytest.fixture
def talk(house: Any) -> Any:
    """A conversation on WhatsApp in the first tenant, with a file and a message that failed; its id, and the tenant."""
    with house.acme.write() as db:
        if not db.query(PluginSwitch).filter_by(plugin="whatsapp").count():
            config = {"phone_number_id": "1", "business_id": "2", "api_url": "http://127.0.0.1:1/v23.0/"}
            db.add(PluginSwitch(plugin="whatsapp", enabled=True, config=config))
        key = f"w{db.query(ChatSession).count()}".rjust(64, "0")
        session = ChatSession(bot_id=house.bot.id, key_hash=key, language="en", channel="whatsapp")
        db.add(session)
        db.flush()
        person = Person(session_id=session.id, number_id="1", wa_id=f"49151{session.id:08}", last_in_at=now())
        db.add(person)
        said = Message(session_id=session.id, role="bot", text="An answer", language="en")
        asked = Message(session_id=session.id, role="visitor", text="[Picture] plan.png", language="en")
        db.add_all([asked, said])
        db.flush()
        failed = {"state": "failed", "error": "131026", "reason": "Message undeliverable"}
        db.add(Outgoing(person_id=person.id, message=said.public_id, **failed))
        number, message = session.id, asked.public_id
    tenant = load_tenant(house.platform, slug="acme")
    file = channels.keep_file(tenant, number, message, "plan.png", "image/png", b"<script>alert(1)</script>")
    return tenant, number, file


def test_it_stands_beside_the_others_with_states_and_files(house: Any, talk: Any) -> None:
    _, number, file = talk
    owner = house.browser("owner@example.org")
    assert "WhatsApp ·" in owner.get("/conversations/").text
    page = owner.get(f"/conversations/{number}").text
    assert "Message undeliverable (131026)" in page and "plan.png" in page and "can be written to until" in page
    answer = owner.get(f"/conversations/{number}/files/{file}")
    assert answer.data == b"<script>alert(1)</script>" and answer.content_type == "application/octet-stream"
    assert (
        answer.headers["Content-Disposition"].startswith("attachment")
        and "sandbox" in answer.headers["Content-Security-Policy"]
    )
    stranger = house.browser("owner@example.net")
    assert stranger.get(f"/conversations/{number}/files/{file}").status_code == 404
    assert stranger.get(f"/conversations/{number}").status_code == 404


def test_the_team_answers_by_hand_and_a_viewer_does_not(house: Any, talk: Any) -> None:
    tenant, number, _ = talk
    agent = house.browser("agent@example.org")
    agent.get(f"/conversations/{number}")
    answer = agent.post(f"/conversations/{number}/answer", {"text": "Here I am."}, follow_redirects=True)
    assert "The answer is on its way." in answer.text and "Here I am." in answer.text
    with tenant.read() as db:
        assert db.query(Message).filter_by(session_id=number, role="agent").one().text == "Here I am."
        assert db.query(BackgroundJob).filter_by(kind="whatsapp.answer").count() == 1
        assert db.query(AuditEntry).filter_by(action="conversation.answered").one().detail == {}
    for text in ("", " ", "x" * 4001):
        answer = agent.post(f"/conversations/{number}/answer", {"text": text}, follow_redirects=True)
        assert "on its way" not in answer.text
    viewer = house.browser("viewer@example.org")
    assert "Answer by hand" not in viewer.get(f"/conversations/{number}").text
    assert viewer.post(f"/conversations/{number}/answer", {"text": "x"}).status_code == 403
    with tenant.write() as db:
        db.query(Person).filter_by(session_id=number).update({"last_in_at": now() - timedelta(hours=25)})
    assert "24 hours" in agent.get(f"/conversations/{number}").text
    answer = agent.post(f"/conversations/{number}/answer", {"text": "Too late"}, follow_redirects=True)
    assert "Too late" not in answer.text


@pytest.mark.seed("SR-138")
def test_address_and_word_are_shown_to_an_owner_only(house: Any, talk: Any) -> None:
    tenant, _, _ = talk
    page = house.browser("owner@example.org").get("/marketplace/whatsapp/").text
    assert "http://localhost/x/whatsapp/acme/webhook" in page and verify_token(tenant) in page
    for email in ("viewer@example.org", "agent@example.org", "owner@example.net"):
        page = house.browser(email).get("/marketplace/whatsapp/").text
        assert verify_token(tenant) not in page and "/x/whatsapp/acme/webhook" not in page
    assert house.browser().get("/marketplace/whatsapp/").status_code == 302


def test_the_screens_of_the_plugin_open(house: Any, talk: Any) -> None:
    owner = house.browser("owner@example.org")
    for name in ("messages", "people", "blocked"):
        assert owner.get(f"/whatsapp-{name}/list/").status_code == 200, name
    assert "Name of the template" in owner.get("/whatsapp-messages/add").text
    answer = owner.post("/whatsapp-messages/add", {"c_phone": "12", "c_template": "", "c_language": "en"})
    assert answer.status_code == 200 and answer.text.count('class="error') >= 2
    answer = owner.post("/whatsapp-messages/add", {"c_phone": "+49 151 2345678", "c_template": "x", "c_language": "en"})
    assert answer.status_code == 200 and "its address cannot be called" in answer.text


def test_forms_that_a_plugin_declares_as_models_open_and_say_what_is_wrong(house: Any) -> None:
    with house.acme.write() as db:
        if not db.query(PluginSwitch).filter_by(plugin="calendar").count():
            db.add(PluginSwitch(plugin="calendar", enabled=True, config={}))
    owner = house.browser("owner@example.org")
    assert 'type="datetime-local"' in owner.get("/calendar-appointments/add").text
    answer = owner.post("/calendar-appointments/add", {"c_when": "2001-01-01T09:00", "c_name": "Ann"})
    assert "This time is not free." in answer.text
