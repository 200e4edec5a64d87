"""A person's rights on WhatsApp, deleting in time, and what the notice says."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from webchatagent.core import rights
from webchatagent.core.clock import now
from webchatagent.core.db.chats import ChatSession, Contact, ContactLink
from webchatagent.core.db.tenants import TenantRow
from webchatagent.core.privacy import Subject
from webchatagent.core.retention import purge_conversations
from webchatagent.core.texts import say
from webchatagent.plugins.whatsapp import subject
from webchatagent.plugins.whatsapp.models import Outgoing

from .conftest import ANN, BEN


@pytest.fixture
def talked(here, there, meta, run_jobs, scripted_model):
    """The first tenant, after Ann and Ben wrote."""
    meta.say("Canary of Ann")
    meta.say("Canary of Ben", who=BEN, name="Ben")
    run_jobs()
    return here


def of(tenant, seen, which=0):
    """The person by their conversation."""
    return Subject(session_id=seen(tenant, "person")[which].session_id)


def test_a_person_is_shown_corrected_and_found_by_their_contact(talked, seen):
    who = of(talked, seen)
    parts = {p.name: p for p in subject.export(talked, who)}
    assert parts["whatsapp people"].rows[0]["number"] == ANN and parts["whatsapp receipts"].count == 2
    assert parts["whatsapp people"].recipients == ("Meta Platforms Ireland Ltd.",)
    assert all(p.rows == () for p in subject.locate(talked, who))
    subject.rectify(talked, who, {"name": "Ann B."})
    assert [p.name for p in seen(talked, "person")] == ["Ann B.", "Ben"]
    with talked.write() as db:
        contact = Contact(email="ann@example.org")
        db.add(contact)
        db.flush()
        db.add(ContactLink(session_id=who.session_id, contact_id=contact.id))
    (found,) = [p for p in subject.locate(talked, Subject(email="ann@example.org")) if p.name == "whatsapp people"]
    assert found.count == 1


def test_a_restricted_person_is_neither_answered_nor_kept_further(talked, meta, graph, seen, run_jobs, scripted_model):
    talked.hooks.call("subject_restrict", tenant=talked, subject=of(talked, seen), restricted=True)
    before = (len(graph.sent), len(seen(talked, "message")))
    meta.say("Is anybody there?")
    run_jobs()
    assert (len(graph.sent), len(seen(talked, "message"))) == before
    assert seen(talked, "incoming")[-1].error == "restricted" and seen(talked, "incoming")[-1].payload == {}
    subject.purge(talked, now() + timedelta(days=90))
    assert len(seen(talked)) == 2, "what is restricted stays"
    talked.hooks.call("subject_restrict", tenant=talked, subject=of(talked, seen), restricted=False)
    meta.say("And now?")
    run_jobs()
    assert len(graph.sent) == before[0] + 1


def test_erasing_leaves_nothing_of_a_person_and_everything_of_the_others(talked, there, meta, seen):
    meta.say("Not yet answered")
    who = of(talked, seen)
    talked.hooks.call("subject_erase", tenant=talked, subject=who)
    assert [p.wa_id for p in seen(talked, "person")] == [BEN]
    assert "Canary of Ann" not in str([m.text for m in seen(talked, "message")])
    left = [r for r in seen(talked, "incoming") if r.person_id == 0]
    assert len(left) == 2 and all(r.payload == {} and r.state != "waiting" for r in left)
    assert "Canary of Ben" in str([m.text for m in seen(talked, "message")])
    talked.hooks.call("subject_erase", tenant=talked, subject=who)


@pytest.mark.seed("SR-137")
def test_what_is_old_is_deleted_and_who_they_were_goes_with_the_conversation(talked, there, seen):
    assert subject.purge(talked, now() + timedelta(days=29)).done == {"whatsapp sent": 0, "whatsapp received": 0}
    later = now() + timedelta(days=31)
    assert subject.purge(talked, later).done == {"whatsapp sent": 4, "whatsapp received": 2}
    assert subject.purge(talked, later).done == {"whatsapp sent": 0, "whatsapp received": 0}
    assert len(seen(talked, "person")) == 2
    with talked.write() as db:
        db.execute(update(TenantRow).where(TenantRow.id == talked.id).values(retention_days=30))
        db.execute(update(ChatSession).values(last_at=now() - timedelta(days=31)))
    assert purge_conversations(talked, now()) == 2
    assert seen(talked, "person") == seen(talked, "message") == []


def test_a_conversation_that_is_deleted_takes_the_person_along(talked, seen):
    from webchatagent.core.conversations import delete_conversation

    delete_conversation(talked, seen(talked, "person")[0].session_id)
    assert [p.wa_id for p in seen(talked, "person")] == [BEN]
    with talked.read() as db:
        assert db.query(Outgoing).count() == 2


def test_erasing_a_tenant_leaves_the_other(talked, there, seen):
    talked.hooks.call("tenant_erase", tenant=talked)
    rights.erase_tenant(talked)
    assert len(there.hooks.each("channels", tenant=there)) == 1


@pytest.mark.seed("SR-134")
def test_a_number_becomes_no_contact_and_the_notice_says_what_it_is_for(talked, seen):
    with talked.read() as db:
        assert db.query(Contact).count() == 0, "who writes is a person of the channel, and no lead"
    found = [d for p, d in talked.hooks.each("privacy_disclosures", tenant=talked) if p == "whatsapp"]
    meta = next(d for d in found if d.recipient)
    assert (meta.recipient, meta.transfer) == ("Meta Platforms Ireland Ltd.", "US") and "phone" in meta.data
    for language in ("en", "de", "hi"):
        assert "Meta" in say("purpose_whatsapp", language)
    assert "telecom" in say("purpose_whatsapp", "en") and "encrypted" in say("purpose_whatsapp", "en")


def test_no_content_and_no_secret_stand_in_reprs_and_logs(talked, meta, caplog, run_jobs):
    meta.say("A secret of a visitor")
    run_jobs()
    from webchatagent.plugins.whatsapp.payload import read_payload

    found = read_payload(meta.message("text", "A secret of a visitor"), meta.number)
    for text in (repr(found.said), caplog.text):
        assert "secret of a visitor" not in text and ANN not in text and "token-of-acme" not in text
