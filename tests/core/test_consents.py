"""The last word of a person counts, by whichever channel it came, and every word stays."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from webchatagent.core import audit, consents
from webchatagent.core.clock import now
from webchatagent.core.db.chats import ChatSession, Contact, ContactLink
from webchatagent.core.db.records import AuditEntry, ConsentRecord
from webchatagent.core.errors import InvalidRequest, NotFound
from webchatagent.core.privacy import Subject

EMAIL = "visitor@example.org"
MAIL = {"channel": "email", "proof": "mailbox privacy, ticket 4711"}


def consenting(bot):
    """A visitor who said yes to two things, one before and one after telling an address; returns (session, contact)."""
    with bot.tenant.write() as db:
        talk, contact = ChatSession(bot_id=bot.id, key_hash=str(bot.id).rjust(64, "0")), Contact(email=EMAIL)
        db.add_all([talk, contact])
        db.flush()
        db.add(ContactLink(session_id=talk.id, contact_id=contact.id))
        db.add(ConsentRecord(session_id=talk.id, purpose="pixel", granted=True, wording="a" * 64))
        db.add(ConsentRecord(contact_id=contact.id, purpose="newsletter", granted=True, wording="b" * 64))
        return talk.id, contact.id


def ledger(tenant, purpose):
    """The records of a purpose, oldest first."""
    with tenant.read() as db:
        return list(
            db.scalars(select(ConsentRecord).where(ConsentRecord.purpose == purpose).order_by(ConsentRecord.id))
        )


@pytest.mark.seed("SR-033")
@pytest.mark.parametrize("how", [{}, MAIL], ids=["self-made", "by mail"])
def test_a_withdrawal_has_the_same_effect_by_either_way(bot, foreign_bot, how):
    tenant = bot.tenant
    consenting(bot), consenting(foreign_bot)
    person = Subject(email=EMAIL.upper())
    assert consents.is_granted(tenant, person, "newsletter") and consents.is_granted(tenant, person, "pixel")
    assert consents.withdraw_consent(tenant, person, "newsletter", **how) == 1
    assert not consents.is_granted(tenant, person, "newsletter") and consents.is_granted(tenant, person, "pixel")
    assert consents.is_granted(foreign_bot.tenant, person, "newsletter"), "another tenant's consent is another one"
    yes, no = ledger(tenant, "newsletter")
    assert yes.granted and not no.granted and no.wording == yes.wording and no.contact_id == yes.contact_id
    with pytest.raises(NotFound):
        consents.withdraw_consent(tenant, person, "newsletter", **how)
    assert len(ledger(tenant, "newsletter")) == 2


@pytest.mark.seed("SR-033")
def test_the_proof_stands_in_the_ledger(bot):
    consenting(bot)
    came = now() - timedelta(days=2)
    with audit.acting("user:7"):
        done = consents.withdraw_consent(bot.tenant, Subject(email=EMAIL), consents.EVERY, received_at=came, **MAIL)
    assert done == 2
    for purpose in ("newsletter", "pixel"):
        row = ledger(bot.tenant, purpose)[-1]
        assert (row.channel, row.proof, row.recorded_by) == ("email", MAIL["proof"], "user:7")
        assert row.received_at == came
    with bot.tenant.read() as db:
        entry = db.scalar(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1))
    assert (entry.action, entry.detail) == ("consent.withdrawn", {"count": 2}) and EMAIL not in entry.target


@pytest.mark.parametrize(
    "wrong",
    [{"proof": ""}, {"proof": "  x "}, {"received_at": now() + timedelta(days=2)}],
    ids=["empty", "short", "to come"],
)
def test_without_a_proof_nothing_is_recorded(bot, wrong):
    consenting(bot)
    with pytest.raises(InvalidRequest):
        consents.withdraw_consent(bot.tenant, Subject(email=EMAIL), consents.EVERY, **{**MAIL, **wrong})
    assert consents.is_granted(bot.tenant, Subject(email=EMAIL), "newsletter")


def test_who_says_yes_again_is_asked_no_more(bot):
    _, contact = consenting(bot)
    consents.withdraw_consent(bot.tenant, Subject(email=EMAIL), consents.EVERY, **MAIL)
    with bot.tenant.write() as db:
        db.add(ConsentRecord(contact_id=contact, purpose="newsletter", granted=True))
    assert consents.is_granted(bot.tenant, Subject(contact_id=contact), "newsletter")


def test_a_stranger_has_nothing_to_withdraw(bot, foreign_bot):
    consenting(foreign_bot)
    for person in (Subject(email=EMAIL), Subject(email="nobody@example.org"), Subject()):
        with pytest.raises(NotFound):
            consents.withdraw_consent(bot.tenant, person, consents.EVERY, **MAIL)
    assert consents.is_granted(foreign_bot.tenant, Subject(email=EMAIL), "newsletter")
