"""Deleting in time: conversations beyond the tenant's retention, finished jobs, access logs, and what plugins keep."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import delete, select

from .clock import now
from .db.accounts import AccountLink, Invitation, OutboxMail
from .db.chats import Attachment, ChatSession, Contact, ContactLink
from .db.records import BackgroundJob
from .db.sources import Document
from .db.tenants import TenantRow
from .mail import DAYS as MAIL_DAYS
from .sessions import erase_session
from .tenancy import see_discarded
from .tenants import Platform, Tenant

JOB_DAYS = 14
BLOB_SECONDS = 3600


def purge_tenant(tenant: Tenant) -> None:
    """The daily job: every plugin's and core's `retention_purge`, and old access logs. Safe to repeat."""
    tenant.hooks.call("retention_purge", tenant=tenant, now=now())
    delete_old_logs(tenant.platform.settings.folder / "logs", int(tenant.platform.settings.log_days))


def purge_conversations(tenant: Tenant, at: datetime) -> int:
    """Delete conversations whose last message is older than the tenant's retention; returns how many.

    Contacts that no conversation needs any more, and are as old, go with them. What is restricted stays: the person
    may have asked for that in order to keep it, and lifting the restriction has to bring it back.
    """
    with tenant.read() as db:
        days = db.scalar(select(TenantRow.retention_days).where(TenantRow.id == tenant.id)) or 0
        if not days:
            return 0
        limit = at - timedelta(days=days)
        old = list(db.scalars(select(ChatSession.id).where(ChatSession.last_at < limit, ~ChatSession.restricted)))
    for session_id in old:
        erase_session(tenant, session_id)
    with tenant.write() as db:
        linked = select(ContactLink.contact_id)
        db.execute(
            delete(Contact)
            .where(Contact.created_at < limit, Contact.id.not_in(linked), ~Contact.restricted)
            .execution_options(synchronize_session=False)
        )
    tenant.platform.database.forget_deleted()
    return len(old)


def sweep_blobs(tenant: Tenant) -> int:
    """Delete bytes that no document and no message names: a process was killed between storing them and writing the row.

    Only those older than an hour, which is longer than any upload takes to be written. Returns how many.
    """
    with tenant.read() as db:
        see_discarded(db)
        named = {b for m in (Document, Attachment) for b in db.scalars(select(m.blob).where(m.blob != ""))}
    return tenant.platform.blobs.sweep(tenant.id, named, BLOB_SECONDS)


def purge_jobs(tenant: Tenant, at: datetime) -> int:
    """Delete finished jobs after fourteen days; returns how many."""
    with tenant.write() as db:
        done = db.execute(
            delete(BackgroundJob)
            .where(
                BackgroundJob.state.in_(("done", "failed", "cancelled")),
                BackgroundJob.finished_at < at - timedelta(days=JOB_DAYS),
            )
            .execution_options(synchronize_session=False)
        )
    return int(getattr(done, "rowcount", 0))


def purge_mails(tenant: Tenant, at: datetime) -> int:
    """Delete mails after fourteen days and invitations that ended as long ago; returns how many."""
    limit = at - timedelta(days=MAIL_DAYS)
    with tenant.write() as db:
        done = [
            db.execute(delete(model).where(when < limit).execution_options(synchronize_session=False))
            for model, when in ((OutboxMail, OutboxMail.created_at), (Invitation, Invitation.expires_at))
        ]
    return sum(int(getattr(d, "rowcount", 0)) for d in done)


def purge_links(platform: Platform) -> int:
    """Delete links of accounts that ended; returns how many."""
    with platform.database.write() as db:
        done = db.execute(
            delete(AccountLink).where(AccountLink.expires_at < now()).execution_options(synchronize_session=False)
        )
    return int(getattr(done, "rowcount", 0))


def delete_old_logs(folder: Path, days: int) -> int:
    """Delete access logs older than `days`; returns how many files."""
    oldest = (now() - timedelta(days=days)).date().isoformat()
    old = [p for p in folder.glob("access-*.jsonl") if p.stem.removeprefix("access-") < oldest]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)
