"""A service notice reaches each account once, in its language, whatever happens to the job."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from webchatagent.core import mail, servicenotices
from webchatagent.core.db.accounts import OutboxMail
from webchatagent.core.db.operating import NoticeRecipient, ServiceNotice
from webchatagent.core.errors import Conflict, InvalidRequest, NotFound
from webchatagent.core.tenants import operator_tenant

TEXTS = {
    "en": {"subject": "New limits", "body": "Line one.\n\nLine two."},
    "de": {"subject": "Neue Grenzen", "body": "Text."},
}
MANY = servicenotices.BATCH * 2 + 7


@pytest.fixture
def operator(platform):
    """The operator's own tenant."""
    return operator_tenant(platform)


def people(many=MANY):
    """Accounts, in turn English, German and Hindi."""
    return [(n, f"person{n}@example.org", ("en", "de", "hi")[n % 3]) for n in range(1, many + 1)]


def outbox(operator):
    """The mails, by address."""
    with operator.read() as db:
        return list(db.scalars(select(OutboxMail).where(OutboxMail.kind == "service_notice").order_by(OutboxMail.id)))


@pytest.mark.seed("SR-032")
def test_each_account_gets_one_mail_in_its_language(operator, acme, run_jobs):
    number = servicenotices.write_notice(operator, TEXTS)
    assert outbox(operator) == []
    assert servicenotices.begin_notice(operator, number, people()) == MANY
    run_jobs()
    mails = outbox(operator)
    assert sorted(m.recipient for m in mails) == sorted(email for _, email, _ in people())
    by_address = {m.recipient: m for m in mails}
    assert by_address["person1@example.org"].subject == "Neue Grenzen"
    assert by_address["person3@example.org"].subject == "New limits"
    assert by_address["person2@example.org"].subject == "New limits", (
        "where Hindi is missing, the first that was written"
    )
    _, text = mail.read_mail(operator, by_address["person3@example.org"].id)
    assert text.startswith("Line one.\n\nLine two.\n") and "no advertising" in text
    (line,) = servicenotices.list_notices(operator)
    assert (line.row.state, line.total, line.mailed) == ("sent", MANY, MANY)
    with acme.read() as db:
        assert db.scalar(select(func.count(OutboxMail.id))) == 0
        assert db.scalar(select(func.count(NoticeRecipient.id))) == 0
    with operator.read() as db:
        assert set(db.scalars(select(NoticeRecipient.email))) == {""}, "no second list of addresses is kept"


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.seed("SR-032")
@pytest.mark.parametrize("after", [1, servicenotices.BATCH, servicenotices.BATCH + 20, MANY])
def test_a_kill_in_the_middle_neither_loses_nor_repeats_a_mail(operator, monkeypatch, after):
    number = servicenotices.write_notice(operator, TEXTS)
    servicenotices.begin_notice(operator, number, people())
    real, count = mail.put_mail, []

    def dying(*args):
        count.append(1)
        if len(count) == after:
            raise Killed
        return real(*args)

    monkeypatch.setattr(mail, "put_mail", dying)
    with pytest.raises(Killed):
        servicenotices.send_notice(operator, number)
    line = servicenotices.list_notices(operator)[0]
    assert line.row.state == "sending" and line.mailed == len(outbox(operator)) < MANY
    servicenotices.send_notice(operator, number)
    servicenotices.send_notice(operator, number)
    assert sorted(m.recipient for m in outbox(operator)) == sorted(email for _, email, _ in people())
    assert servicenotices.list_notices(operator)[0].row.state == "sent"


def test_a_notice_is_sent_once(operator):
    number = servicenotices.write_notice(operator, TEXTS)
    servicenotices.begin_notice(operator, number, people(3))
    with pytest.raises(Conflict):
        servicenotices.begin_notice(operator, number, people(3))
    with pytest.raises(NotFound):
        servicenotices.drop_notice(operator, number)
    with pytest.raises(NotFound):
        servicenotices.begin_notice(operator, number + 1, people(3))


@pytest.mark.parametrize(
    "texts",
    [
        {},
        {"en": {"subject": "Only a subject", "body": " "}},
        {"en": {"subject": "", "body": "Only a text"}},
        {"de": {"subject": "x" * 201, "body": "y"}},
        {"fr": {"subject": "Une langue", "body": "que personne ne parle ici"}},
    ],
)
def test_a_notice_is_whole(operator, texts):
    with pytest.raises(InvalidRequest):
        servicenotices.write_notice(operator, texts)


def test_a_subject_is_one_line(operator, run_jobs):
    number = servicenotices.write_notice(operator, {"en": {"subject": "A\r\nBcc: all@example.org", "body": "B"}})
    servicenotices.begin_notice(operator, number, people(1))
    run_jobs()
    assert outbox(operator)[0].subject == "A Bcc: all@example.org"


def test_a_draft_is_dropped(operator):
    number = servicenotices.write_notice(operator, TEXTS)
    servicenotices.drop_notice(operator, number)
    with operator.read() as db:
        assert db.get(ServiceNotice, number) is None
