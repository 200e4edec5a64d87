"""Leads: from the chat to the table, the mail and the tenant's own service, with and without consent."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from datetime import timedelta

import pytest
from sqlalchemy import select

from webchatagent.core import consents, plugins
from webchatagent.core.accept import accept_turn
from webchatagent.core.api import Subject, ToolContext
from webchatagent.core.clock import now
from webchatagent.core.db.accounts import OutboxMail
from webchatagent.core.db.chats import Contact
from webchatagent.core.db.records import ConsentRecord
from webchatagent.core.errors import InvalidRequest, Unavailable
from webchatagent.core.mail import read_mail
from webchatagent.core.models import CannotAnswer
from webchatagent.core.tenants import load_tenant
from webchatagent.core.turns import TurnRunner
from webchatagent.plugins.lead_capture import admin, leads, status, subject, tools, webhook
from webchatagent.plugins.lead_capture.forms import form_part, read_form
from webchatagent.plugins.lead_capture.models import Delivery, Lead
from webchatagent.plugins.lead_capture.words import boxes
from webchatagent.plugins.newsletter.models import Subscriber
from webchatagent.testing.scripted_server import scripted_server
from webchatagent.testing.turns import collect
from webchatagent.web.app import create_public

ADA = {"name": "Ada Example", "email": "Ada@Example.org", "phone": "+49 30 1234567", "message": "A new\nroof"}
SECRET = "a secret of sixteen"
PERSON = Subject(email="ada@example.org")


@pytest.fixture
def switch(platform):
    """A function that switches the plugin on for a tenant, and gives the tenant as it is then."""

    def on(tenant, **settings):
        plugins.configure(tenant, "lead_capture", {"marketing": True, **settings})
        plugins.enable(tenant, "lead_capture")
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


@pytest.fixture
def service(monkeypatch):
    """The tenant's own service."""
    with scripted_server() as server:
        monkeypatch.setenv("WEBCHATAGENT_PRIVATE_HOSTS", f"127.0.0.1:{server.port}")
        yield server


def rows(tenant, model=Lead):
    with tenant.read() as db:
        return list(db.scalars(select(model).order_by(model.id)))


def leave(tenant, **sent):
    form = read_form(tenant, {**ADA, **sent}, "en")
    return leads.take(tenant, form, language="en", channel="form")


def lines(table):
    """Head and lines as dicts."""
    head, *found = table
    return [dict(zip(head, line, strict=True)) for line in found]


# -- from the chat -------------------------------------------------------------------------------------------------


@pytest.mark.seed("SR-134")
def test_the_form_is_sent_from_the_chat_and_leads_to_the_conversation(platform, here, there, bot):
    client = create_public(platform).test_client()
    said = client.post("/api/chat", json={"message": "Call me", "chatbotId": bot.public_id})
    session = {"X-Chat-Session-Id": said.headers["X-Chat-Session-Id"], "Origin": "http://localhost"}
    part = form_part(here, "de")
    assert "Anfrage zu beantworten" in part["text"], "what the phone number is for stands above the form"
    assert [f["name"] for f in part["fields"]] == ["name", "email", "phone", "message", "marketing"]
    body = {**ADA, "chatbotId": bot.public_id}
    answer = client.post(part["action"], json=body, headers=session)
    assert (answer.status_code, answer.json["message"]) == (201, "Danke. Wir melden uns bei Ihnen.")
    assert client.post("/api/leads", json=body, headers=session).status_code == 201
    first, second = rows(here)
    assert (first.email, first.phone, first.message) == ("ada@example.org", ADA["phone"], "A new\nroof")
    assert first.session_id == second.session_id > 0 and first.contact_id == second.contact_id
    assert (first.marketing, first.state, first.channel) == (False, "new", "form") and rows(there) == []
    with here.read() as db:
        assert list(db.scalars(select(ConsentRecord))) == [], "nothing was agreed to"


def test_a_typed_address_does_not_open_what_is_kept_on_its_owner(here):
    leave(here), leave(here)
    with here.read() as db:
        assert len(list(db.scalars(select(Contact.id).where(Contact.email == "ada@example.org")))) == 2


@pytest.mark.seed("SR-163")
def test_the_table_for_marketing_holds_only_those_who_agreed_and_did_not_withdraw(here, there):
    assert all(f.get("type") != "checkbox" or "value" not in f for f in form_part(here, "en")["fields"])
    leave(here, email="no@example.org")
    leave(here, email="yes@example.org", marketing=True)
    leave(here, email="gone@example.org", marketing=True)
    for odd in ("true", 1, "on", None):
        leave(here, email="odd@example.org", marketing=odd)
    leave(there, email="foreign@example.org", marketing=True)
    with here.read() as db:
        kept = list(db.scalars(select(ConsentRecord).order_by(ConsentRecord.id)))
    text = boxes(here, "en")["marketing"][1]
    assert [(c.purpose, c.granted, c.wording) for c in kept] == [
        ("lead_marketing", True, consents.wording_hash(text))
    ] * 2
    gone = Subject(email="gone@example.org")
    consents.withdraw_consent(here, gone, "lead_marketing", channel="email", proof="mailbox office")
    assert [line["E-mail"] for line in lines(admin.for_marketing(here))] == ["yes@example.org"]
    subject.restrict(here, Subject(email="yes@example.org"), True)
    assert lines(admin.for_marketing(here)) == [] and len(lines(admin.all_leads(here))) == 6


def test_hook_lead_saved_asks_for_the_newsletter_only_when_the_box_was_ticked(here, switch, acme):
    plugins.enable(acme, "newsletter")
    tenant = switch(acme, newsletter=True)
    leave(tenant, email="no@example.org")
    leave(tenant, email="yes@example.org", newsletter=True)
    (row,) = rows(tenant, Subscriber)
    assert (row.email, row.state, row.channel) == ("yes@example.org", "pending", "lead")
    assert row.wording == consents.wording_hash(boxes(tenant, "en")["newsletter"][1])


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"email": "ada@"}, "email"),
        ({"email": "ada@example.org\nBcc: eve@example.org"}, "email"),
        ({"email": "", "phone": ""}, "email"),
        ({"phone": "call me"}, "phone"),
        ({"name": " "}, "name"),
        ({"name": 5}, "name"),
        ({"message": "x" * 4001}, "message"),
        ({"q1": ""}, "q1"),
    ],
)
def test_what_is_wrong_is_named(here, switch, acme, sent, field):
    tenant = switch(acme, questions=["Since when?", "Which roof?*"])
    with pytest.raises(InvalidRequest) as caught:
        read_form(tenant, {**ADA, "q1": "flat", **sent}, "de")
    assert caught.value.field == field
    assert read_form(tenant, {**ADA, "q0": "May", "q1": "flat"}, "de").answers == (
        ("Since when?", "May"),
        ("Which roof?", "flat"),
    )


def test_hook_answer_parts_shows_the_form_when_there_is_no_answer(here, there, bot, scripted_model, switch, acme):
    def ask(key=None):
        accepted = accept_turn(bot_now, key, "Do you sell moons?", None)
        events = asyncio.run(collect(TurnRunner(), accepted))
        return accepted.session.key, [e["part"]["type"] for e in events if e["type"] == "part"]

    from webchatagent.core.bots import find_bot

    bot_now = find_bot(here.platform, bot.public_id)
    scripted_model.enqueue(CannotAnswer())
    key, parts = ask()
    assert parts == ["form"]
    scripted_model.enqueue("Nine o'clock.")
    assert ask(key)[1] == []
    session = accept_turn(bot_now, key, "x", None).session.id
    leads.take(here, read_form(here, ADA, "en"), language="en", channel="form", session_id=session)
    context = ToolContext(bot.id, session, "en")
    assert tools.parts_beside(here, context, True, 3) == [], "who left details is not asked again"
    other = ToolContext(bot.id, session + 1, "en")
    set_up = switch(acme, on_refusal=False, after_answers=2)
    assert [
        len(tools.parts_beside(set_up, other, refused, n)) for refused, n in ((True, 1), (False, 2), (False, 3))
    ] == [0, 1, 0]


def test_the_assistant_hands_on_what_was_confirmed_once(here, bot):
    session = accept_turn(bot, None, "Call me", None).session.id
    context = ToolContext(bot.id, session, "de")
    form, card = tools.tools(here, context)
    assert form.run({}, context).parts[0]["type"] == "form"
    assert (
        card.writes and "Acme" in card.title and set(card.schema["properties"]) == {"name", "email", "phone", "message"}
    )
    at = ToolContext(bot.id, session, "de", action_id="5e1b0000-0000-4000-8000-000000000001")
    for _ in range(2):
        assert card.run({"name": "Ada", "phone": "030 1234567"}, at).startswith("Danke")
    (row,) = rows(here)
    assert (row.channel, row.session_id, row.marketing) == ("assistant", session, False)
    with pytest.raises(Exception, match="not complete") as caught:
        card.run({"name": "Ada"}, at)
    assert "Telefonnummer" in caught.value.said


# -- who is told ---------------------------------------------------------------------------------------------------


def test_a_mail_goes_to_the_tenant(switch, acme):
    tenant = switch(acme, notify="office@acme.example")
    leave(tenant, name="Ada\tExample", message="line\r\nBcc: eve@example.org")
    with tenant.read() as db:
        (mail,) = db.scalars(select(OutboxMail))
    assert (mail.recipient, mail.subject) == ("office@acme.example", "A lead: Ada Example")
    assert "ada@example.org" in read_mail(tenant, mail.id)[1]


def test_the_service_is_told_with_a_signature_and_again_until_it_takes_it(switch, acme, there, service, run_jobs):
    tenant = switch(acme, webhook_url=f"{service.url}/leads", webhook_secret=SECRET)
    service.answer(b"", 500)
    leave(tenant, marketing=True)
    (delivery,) = rows(tenant, Delivery)
    with pytest.raises(Unavailable):
        webhook.deliver(tenant, delivery.id)
    service.answer(b"", 204)
    webhook.deliver(tenant, delivery.id), webhook.deliver(tenant, delivery.id)
    first, second = service.asked
    parts = dict(p.split("=") for p in second.headers["x-webchatagent-signature"].split(","))
    signed = hmac.new(SECRET.encode(), f"{parts['t']}.".encode() + second.body, hashlib.sha256).hexdigest()
    assert (
        parts["v1"] == signed and first.headers["x-webchatagent-delivery"] == second.headers["x-webchatagent-delivery"]
    )
    told = json.loads(second.body)
    assert (
        told["event"] == "lead.created"
        and told["lead"]["email"] == "ada@example.org"
        and told["lead"]["marketing"] is True
    )
    (delivery,) = rows(tenant, Delivery)
    assert (delivery.state, delivery.answered, delivery.tries) == ("sent", 204, 2)
    webhook.send_again(tenant, [delivery])
    service.answer(b"", 200)
    run_jobs()
    assert len(service.asked) == 3 and rows(there, Delivery) == []


def test_the_signature_is_the_one_that_receivers_check():
    assert webhook.sign("s" * 16, 1700000000, b'{"a":1}') == (
        "t=1700000000,v1=" + hmac.new(b"s" * 16, b'1700000000.{"a":1}', hashlib.sha256).hexdigest()
    )


def test_what_was_never_taken_is_somebodys_to_repair(switch, acme, service):
    tenant = switch(acme, webhook_url=service.url, webhook_secret=SECRET)
    leave(tenant)
    webhook.gave_up(tenant, rows(tenant, Delivery)[0].id)
    (alert,) = status.alerts(tenant)
    assert "1" in alert.text["de"]
    with pytest.raises(plugins.PluginProblems, match="secret"):
        switch(acme, webhook_url="https://crm.example.org", webhook_secret="short")


def test_moving_a_lead_tells_the_service_and_the_trail(switch, acme, service):
    tenant = switch(acme, webhook_url=service.url, webhook_secret=SECRET)
    leave(tenant)
    (row,) = rows(tenant)
    form = admin.ChangedLead(state="won", owner="Grace", notes="Signed today")
    admin.change(tenant, row, form), admin.change(tenant, row, form)
    assert admin.fill(rows(tenant)[0]) == {"state": "won", "owner": "Grace", "notes": "Signed today"}
    assert [d.event for d in rows(tenant, Delivery)] == ["lead.created", "lead.changed"]
    admin.remove(tenant, row)
    assert rows(tenant) == [] == rows(tenant, Delivery)


# -- rights and time -----------------------------------------------------------------------------------------------


def test_a_person_sees_corrects_and_erases(here, there):
    leave(here), leave(there)
    (part,) = subject.export(here, PERSON)
    assert (
        part.rows[0]["message"] == "A new\nroof" and subject.locate(here, Subject(email="x@example.org"))[0].count == 0
    )
    subject.rectify(here, PERSON, {"name": "Ada B.", "email": "New@example.org"})
    assert (rows(here)[0].name, rows(here)[0].email) == ("Ada B.", "new@example.org")
    assert subject.erase(here, Subject(contact_id=rows(here)[0].contact_id)).done == {"leads": 1}
    assert rows(here) == [] and len(rows(there)) == 1
    assert subject.erase_all(there).done == {"delivery": 0, "lead": 1}


def test_leads_go_when_nobody_touched_them_for_long(here, there, switch, globex):
    leave(here)
    kept = switch(globex, keep_days=0)
    leave(kept)
    late = now() + timedelta(days=400)
    assert subject.purge(here, now() + timedelta(days=360)).done == {"leads": 0}
    subject.restrict(here, PERSON, True)
    assert subject.purge(here, late).done == {"leads": 0}
    subject.restrict(here, PERSON, False)
    assert subject.purge(here, late).done == {"leads": 1} and subject.purge(kept, late).done == {"leads": 0}
