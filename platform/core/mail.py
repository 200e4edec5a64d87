"""Mails: written to the outbox in the transaction that needs them, sent by a job when there is a mail server."""

from __future__ import annotations

from sqlalchemy import delete, select

from . import jobs, smtp
from .clock import now
from .db.accounts import OutboxMail
from .errors import NotFound
from .tenancy import TenantSession
from .tenants import Tenant
from .texts import say

DAYS = 14
"""How long a mail stays in the outbox."""
BEHIND = "\x1e"
"""What parts the text of a mail from the address to unsubscribe at, and from a file; all are secrets of the reader."""


def post_mail(
    db: TenantSession, tenant: Tenant, kind: str, recipient: str, language: str, **values: object
) -> list[str]:
    """Write a mail of `kind` to the outbox, in the caller's transaction; returns the jobs to ring after the commit.

    The sentences are `mail_<kind>_subject` and `mail_<kind>_body` of `texts.toml`.
    """
    shown = {name: " ".join(str(value).split()) for name, value in values.items()}  # a header is one line
    subject, body = say(f"mail_{kind}_subject", language, **shown), say(f"mail_{kind}_body", language, **shown)
    return put_mail(db, tenant, kind, recipient, subject, body)


def put_mail(
    db: TenantSession,
    tenant: Tenant,
    kind: str,
    recipient: str,
    subject: str,
    body: str,
    *,
    unsubscribe: str = "",
    calendar: str = "",
) -> list[str]:
    """As `post_mail`, with a subject (one line) and a text of its own.

    `unsubscribe` is an address that takes a POST of mail programs to unsubscribe at once (RFC 8058). `calendar` is an
    iCalendar file (RFC 5545) that comes along.
    """
    smtp_url = tenant.platform.settings.smtp_url
    row = OutboxMail(
        kind=kind,
        recipient=recipient,
        subject=subject[:300],
        body="",
        state="queued" if smtp_url else "kept",
    )
    db.add(row)
    db.flush()
    sealed = BEHIND.join((body, unsubscribe, calendar)).rstrip(BEHIND)
    row.body = tenant.platform.secret_box.seal(sealed, _place(row))
    return [jobs.add_job(db, jobs.MAIL, f"mail:{row.id}", mail_id=row.id)] if smtp_url else []


def read_mail(tenant: Tenant, mail_id: int) -> tuple[OutboxMail, str]:
    """A mail of the outbox and its text, which is empty once it has been sent. Raises NotFound."""
    with tenant.read() as db:
        row = db.get(OutboxMail, mail_id)
    if row is None:
        raise NotFound("There is no such mail.", code="mail_not_found")
    return row, _opened(tenant, row)[0] if row.body else ""


def _opened(tenant: Tenant, row: OutboxMail) -> tuple[str, str, str]:
    """The text of a mail, the address to unsubscribe at, and its calendar file; empty where there is none."""
    text, unsubscribe, calendar = [*tenant.platform.secret_box.open(row.body, _place(row)).split(BEHIND, 2), "", ""][:3]
    return text, unsubscribe, calendar


def send_mail(tenant: Tenant, mail_id: int) -> None:
    """The job that sends a mail. Raises Unavailable when the mail server does not take it; it is tried again."""
    with tenant.read() as db:
        row = db.get(OutboxMail, mail_id)
    if row is None or row.state == "sent":
        return
    text, unsubscribe, calendar = _opened(tenant, row)
    number = f"{tenant.id}.{row.id}"
    smtp.deliver(tenant.platform.settings, row.recipient, row.subject, text, number, unsubscribe, calendar)
    _mark(tenant, mail_id, "sent")


def mark_mail_failed(tenant: Tenant, mail_id: int) -> None:
    """Say on a mail that it could not be sent, after the last attempt."""
    _mark(tenant, mail_id, "failed")


def _mark(tenant: Tenant, mail_id: int, state: str) -> None:
    with tenant.write() as db:
        row = db.get(OutboxMail, mail_id)
        if row is not None:
            row.state = state
            row.sent_at = now() if state == "sent" else None
            row.body = "" if state == "sent" else row.body


def send_again(tenant: Tenant, mail_id: int) -> None:
    """Put a mail that failed, or was kept before there was a mail server, on its way. Raises NotFound."""
    with tenant.write() as db:
        row = db.get(OutboxMail, mail_id)
        if row is None or row.state not in ("failed", "kept") or not tenant.platform.settings.smtp_url:
            raise NotFound("There is no such mail to send.", code="mail_not_found")
        row.state = "queued"
        ring = [jobs.add_job(db, jobs.MAIL, f"mail:{row.id}", mail_id=row.id)]
    tenant.platform.ring(ring)


def erase_mails(db: TenantSession, recipient: str) -> int:
    """Delete the mails to an address; returns how many."""
    done = db.execute(delete(OutboxMail).where(OutboxMail.recipient == recipient.strip().lower()))
    return int(getattr(done, "rowcount", 0))


def mails_to(db: TenantSession, recipient: str) -> list[OutboxMail]:
    """The mails to an address."""
    return list(db.scalars(select(OutboxMail).where(OutboxMail.recipient == recipient.strip().lower())))


def _place(row: OutboxMail) -> str:
    return f"{row.tenant_id}|outbox|{row.id}"
