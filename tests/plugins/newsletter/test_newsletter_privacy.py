"""The rights of a reader, withdrawal by any way, and deleting in time."""

from __future__ import annotations

import socket
from datetime import timedelta

import pytest
from sqlalchemy import select

from webchatagent.core import consents
from webchatagent.core.api import Subject, typed_contact
from webchatagent.core.db.chats import ChatSession, Contact
from webchatagent.core.mail import put_mail
from webchatagent.core.smtp import deliver
from webchatagent.plugins.newsletter import signup, subject

from .conftest import ADA, mails, subscribers, tokens

PERSON = Subject(email="ADA@example.org ")


def subscribe(tenant, email=ADA):
    signup.ask(tenant, email, True, language="en", channel="page", session_id=7)
    assert signup.confirm(tenant, tokens(tenant, email=email)[-1]) == "confirmed"


@pytest.mark.seed("SR-101", "SR-033")
def test_hook_consent_withdrawn_ends_the_subscription(here, there):
    subscribe(here), subscribe(there)
    assert consents.is_granted(here, PERSON, "newsletter")
    consents.withdraw_consent(here, PERSON, "newsletter", channel="email", proof="mailbox office, 30 November")
    assert [(r.state, r.ended_by) for r in subscribers(here)] == [("unsubscribed", "withdrawal")]
    assert not consents.is_granted(here, PERSON, "newsletter") and consents.is_granted(there, PERSON, "newsletter")
    assert subscribers(there)[0].state == "confirmed"
    consents.withdraw_consent(there, PERSON, consents.EVERY, channel="email", proof="mailbox office, 30 November")
    assert subscribers(there)[0].state == "unsubscribed"


def test_a_person_sees_and_restricts_what_is_kept(here, there, clock):
    subscribe(here), subscribe(there)
    (part,) = subject.export(here, PERSON)
    assert part.rows[0]["asked_by"] == "page" and part.rows[0]["confirmed_at"] == clock.at.isoformat()
    assert subject.locate(here, Subject(session_id=7))[0].count == 0, "who typed an address does not own it"
    subject.restrict(here, PERSON, True)
    assert subscribers(here)[0].restricted and not subscribers(there)[0].restricted
    sent = len(mails(here))
    signup.ask(here, ADA, True, language="en", channel="page")
    assert len(mails(here)) == sent


def test_while_it_is_pending_the_one_who_asked_can_take_it_back(here):
    signup.ask(here, ADA, True, language="en", channel="widget", session_id=7)
    assert subject.locate(here, Subject(session_id=7))[0].count == 1
    assert subject.erase(here, Subject(session_id=7)).done == {"newsletter": 1} and subscribers(here) == []


def test_another_address_has_to_be_confirmed_anew(here):
    subscribe(here)
    assert subject.rectify(here, PERSON, {"email": "Ada@New.example"}).done == {"newsletter": 1}
    (row,) = subscribers(here)
    assert (row.email, row.state) == ("ada@new.example", "pending")
    assert subject.rectify(here, PERSON, {"name": "Ada"}).done == {"newsletter": 0}


@pytest.mark.seed("SR-100")
def test_what_nobody_confirms_goes_after_seven_days_and_proof_after_three_years(here, there, clock):
    signup.ask(here, "bob@example.org", True, language="en", channel="page")
    subscribe(here), subscribe(there)
    signup.end_all(here, signup.Subscriber.email == ADA, "link")
    clock.pass_by(minutes=20)
    signup.ask(here, ADA, True, language="en", channel="page")
    begun = clock.at
    assert subject.purge(here, begun + timedelta(days=6)).done == {"newsletter": 0}
    assert subject.purge(here, begun + timedelta(days=8)).done == {"newsletter": 1}
    (row,) = subscribers(here)
    assert (row.email, row.state, row.nonce) == (ADA, "unsubscribed", "")
    assert subject.purge(here, begun + timedelta(days=1090)).done == {"newsletter": 0}
    assert subject.purge(here, begun + timedelta(days=1096)).done == {"newsletter": 1}
    assert subject.purge(there, begun + timedelta(days=2000)).done == {"newsletter": 0} and subscribers(there)


def test_erasing_a_tenant_leaves_the_other_alone(here, there):
    subscribe(here), subscribe(there)
    assert subject.erase_all(here).done["subscriber"] == 1
    assert subscribers(here) == [] and len(subscribers(there)) == 1


def test_the_contact_is_the_proven_address(here):
    subscribe(here)
    with here.read() as db:
        assert list(db.scalars(select(Contact.email))) == [ADA]
    assert subject.locate(here, Subject(contact_id=subscribers(here)[0].contact_id))[0].count == 1


def test_who_typed_the_address_elsewhere_sees_nothing_of_its_owner(here, bot):
    with here.write() as db:
        talk = ChatSession(bot_id=bot.id, key_hash="0" * 64)
        db.add(talk)
        db.flush()
        session = talk.id
        typed = typed_contact(db, session, "Eve", ADA, "")
    subscribe(here)
    assert subscribers(here)[0].contact_id != typed
    assert not consents.is_granted(here, Subject(session_id=session), "newsletter")
    assert consents.is_granted(here, PERSON, "newsletter")
    subject.erase(here, Subject(session_id=session))
    assert subscribers(here)[0].state == "confirmed"


def test_mail_programs_can_unsubscribe_by_one_click(make_platform):
    """The headers of RFC 8058 arrive as one whole line each."""
    from aiosmtpd.controller import Controller

    from webchatagent.core.tenants import create_tenant

    got = []

    class Handler:
        async def handle_DATA(self, server, session, envelope):
            got.append(envelope.content.decode())
            return "250 OK"

    with socket.socket() as probe:  # the controller calls the port it was given, so it must be a real one
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    controller = Controller(Handler(), hostname="127.0.0.1", port=port)
    controller.start()
    try:
        platform = make_platform("mails", smtp_url=f"smtp://127.0.0.1:{port}")
        address = "https://chat.example.org/x/newsletter/acme/unsubscribe/" + "a" * 120
        deliver(platform.settings, ADA, "Über uns", "Text", "1.1", address)
        tenant = create_tenant(platform, "acme", "Acme")
        with tenant.write() as db:
            put_mail(db, tenant, "newsletter_welcome", ADA, "S", "Text", unsubscribe=address)
        from webchatagent.jobs.worker import Worker

        while Worker(platform).run_due():
            pass
    finally:
        controller.stop()
    for mail in got:
        assert f"List-Unsubscribe: <{address}>\r\n" in mail
        assert "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in mail and "Text" in mail
    assert len(got) == 2 and "\x1e" not in got[1]
