"""The outbox, and sending over a real SMTP server."""

from __future__ import annotations

import socket
from datetime import timedelta

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message
from aiosmtpd.smtp import AuthResult

from webchatagent.core import mail, smtp
from webchatagent.core.clock import now
from webchatagent.core.db.accounts import OutboxMail
from webchatagent.core.db.records import BackgroundJob
from webchatagent.core.errors import NotFound, Unavailable
from webchatagent.core.privacy import Subject
from webchatagent.core.settings import SettingError, load_settings
from webchatagent.core.tenants import create_tenant

LINK = "https://chat.example.org/admin/x/secret-token"


class Box(Message):
    """Keeps what arrives."""

    def __init__(self) -> None:
        super().__init__()
        self.mails = []

    def handle_message(self, message) -> None:
        """One mail."""
        self.mails.append(message)


@pytest.fixture
def box():
    """Mails that arrived at the server."""
    return Box()


@pytest.fixture
def server(box):
    """A mail server on loopback that wants a password."""

    def check(server, session, envelope, mechanism, data):
        return AuthResult(handled=False, success=data.login == b"bot" and data.password == b"p@ss")

    with socket.socket() as probe:  # the controller calls the port it was given, so it must be a real one
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    made = Controller(
        box,
        hostname="127.0.0.1",
        port=port,
        authenticator=check,
        auth_required=True,
        auth_require_tls=False,
        auth_exclude_mechanism=["LOGIN"],
    )
    made.start()
    yield port
    made.stop()


def write(tenant, recipient="person@example.org", kind="reset"):
    """Put a mail into the outbox."""
    with tenant.write() as db:
        mail.post_mail(db, tenant, kind, recipient, "de", hours=1, link=LINK)
    with tenant.read() as db:
        return db.query(OutboxMail).order_by(OutboxMail.id.desc()).first().id


def state(tenant, number):
    """A mail's row."""
    with tenant.read() as db:
        return db.get(OutboxMail, number)


def test_without_a_server_a_mail_is_kept_and_can_be_read(acme, globex):
    number = write(acme)
    row, text = mail.read_mail(acme, number)
    assert (row.state, row.subject) == ("kept", "Wählen Sie ein neues Passwort")
    assert LINK in text and LINK not in row.body
    with pytest.raises(NotFound):
        mail.read_mail(globex, number)
    with pytest.raises(NotFound):
        mail.send_again(acme, number)


def test_a_mail_is_sent_by_a_job_and_its_text_is_deleted(make_platform, server, box):
    from webchatagent.jobs.worker import Worker

    platform = make_platform(smtp_url=f"smtp://bot:p%40ss@127.0.0.1:{server}?from=bot@example.org")
    tenant = create_tenant(platform, "acme", "Acme")
    number = write(tenant)
    assert state(tenant, number).state == "queued"
    worker = Worker(platform)
    while worker.run_due():
        pass
    row = state(tenant, number)
    assert (row.state, row.body) == ("sent", "") and row.sent_at
    (arrived,) = box.mails
    assert arrived["To"] == "person@example.org" and arrived["From"] == "WebChatAgent <bot@example.org>"
    assert arrived["Subject"].endswith("Passwort") or "=?utf-8?" in arrived["Subject"]
    assert LINK in arrived.get_payload(decode=True).decode()
    mail.send_mail(tenant, number)
    assert len(box.mails) == 1, "a job that runs twice sends once"


EVENT = "BEGIN:VCALENDAR\r\nMETHOD:PUBLISH\r\nSUMMARY:Größe\r\nEND:VCALENDAR\r\n"


def test_a_calendar_file_and_a_way_to_unsubscribe_come_along(make_platform, server, box):
    from webchatagent.jobs.worker import Worker

    platform = make_platform(smtp_url=f"smtp://bot:p%40ss@127.0.0.1:{server}?from=bot@example.org")
    tenant = create_tenant(platform, "acme", "Acme")
    with tenant.write() as db:
        mail.put_mail(db, tenant, "k", "a@example.org", "S", "Text", calendar=EVENT)
        mail.put_mail(db, tenant, "k", "b@example.org", "S", "Text", unsubscribe=LINK, calendar=EVENT)
    worker = Worker(platform)
    while worker.run_due():
        pass
    for arrived in box.mails:
        text, file = arrived.get_payload()
        assert text.get_payload(decode=True).decode().strip() == "Text"
        assert (file.get_content_type(), file.get_param("method"), file.get_filename()) == (
            "text/calendar",
            "PUBLISH",
            "event.ics",
        )
        assert "SUMMARY:Größe" in file.get_payload(decode=True).decode()
    assert [m["List-Unsubscribe"] for m in sorted(box.mails, key=lambda m: m["To"])] == [None, f"<{LINK}>"]


def test_a_refusal_names_neither_password_nor_person(server, tmp_path):
    settings = load_settings({}, data=str(tmp_path), smtp_url=f"smtp://bot:wrong@127.0.0.1:{server}")
    with pytest.raises(Unavailable) as caught:
        smtp.deliver(settings, "person@example.org", "S", "T", "1.1")
    assert "refused" in str(caught.value) and "wrong" not in str(caught.value) and "person" not in str(caught.value)
    settings = load_settings({}, data=str(tmp_path), smtp_url="smtp://bot:wrong@127.0.0.1:1")
    with pytest.raises(Unavailable, match="does not answer"):
        smtp.deliver(settings, "person@example.org", "S", "T", "1.1")
    assert "wrong" not in repr(smtp.parse_smtp_url(settings))


def test_a_mail_that_cannot_be_sent_says_so(make_platform):
    from webchatagent.jobs import handlers

    tenant = create_tenant(make_platform(smtp_url="smtp://127.0.0.1:1"), "acme", "Acme")
    number = write(tenant)
    handlers.gave_up(tenant, "send_mail", {"mail_id": number})
    assert state(tenant, number).state == "failed"
    mail.send_again(tenant, number)
    assert state(tenant, number).state == "queued"
    with tenant.read() as db:
        assert db.query(BackgroundJob).filter_by(kind="send_mail").count() == 1, "the job that waits is the one"


@pytest.mark.parametrize("url", ["http://host", "smtp://", "nonsense", "smtp://host:port"])
def test_a_wrong_address_of_the_server_names_the_setting(url, tmp_path):
    with pytest.raises(SettingError, match="WEBCHATAGENT_SMTP_URL"):
        smtp.parse_smtp_url(load_settings({}, data=str(tmp_path), smtp_url=url))


def test_mails_of_a_person_are_exported_and_erased(acme, globex):
    own, foreign = write(acme), write(globex)
    write(acme, "other@example.org")
    subject = Subject(email="Person@example.org")
    parts = {p.name: p for _, p in acme.hooks.each("subject_export", tenant=acme, subject=subject)}
    assert parts["mails"].count == 1 and LINK not in str(parts["mails"].rows)
    acme.hooks.call("subject_erase", tenant=acme, subject=subject)
    assert state(acme, own) is None and state(globex, foreign) is not None
    with acme.read() as db:
        assert db.query(OutboxMail).count() == 1


def test_mails_are_deleted_in_time(acme):
    number = write(acme)
    acme.hooks.call("retention_purge", tenant=acme, now=now() + timedelta(days=13))
    assert state(acme, number) is not None
    acme.hooks.call("retention_purge", tenant=acme, now=now() + timedelta(days=15))
    assert state(acme, number) is None
