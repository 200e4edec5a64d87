"""Core keeps personal data too, so it answers the privacy hooks like any plugin."""

from __future__ import annotations

from datetime import datetime

from . import own_views, rights
from .actions import purge_actions
from .admin_views import AdminView
from .consents import purge_consents
from .discarded import purge_discarded
from .hookspecs import hookimpl
from .privacy import Disclosure, ErasureReport, ExportPart, Subject
from .replies import purge_replies
from .requests import purge_requests
from .retention import purge_conversations, purge_jobs, purge_mails
from .tenants import Tenant


@hookimpl
def admin_views() -> list[AdminView]:
    """Jobs, usage, consents, actions."""
    return own_views.views()


@hookimpl
def privacy_disclosures(tenant: Tenant) -> list[Disclosure]:
    """Conversations, contacts, access logs and rate limits."""
    return rights.disclosures(tenant)


@hookimpl
def subject_locate(tenant: Tenant, subject: Subject) -> list[ExportPart]:
    """Counts of a person's rows."""
    return rights.locate(tenant, subject)


@hookimpl
def subject_export(tenant: Tenant, subject: Subject) -> list[ExportPart]:
    """A person's rows."""
    return rights.export(tenant, subject)


@hookimpl
def subject_rectify(tenant: Tenant, subject: Subject, changes: dict[str, str]) -> ErasureReport:
    """Name, e-mail and phone stand in the contact only."""
    return rights.rectify(tenant, subject, changes)


@hookimpl
def subject_restrict(tenant: Tenant, subject: Subject, restricted: bool) -> ErasureReport:
    """Mark the person's sessions and contacts."""
    return rights.restrict(tenant, subject, restricted)


@hookimpl
def subject_erase(tenant: Tenant, subject: Subject) -> ErasureReport:
    """Delete the person's sessions and contacts."""
    return rights.erase(tenant, subject)


@hookimpl
def retention_purge(tenant: Tenant, now: datetime) -> ErasureReport:
    """What is old or was discarded: conversations, arguments of actions, jobs, mails, invitations, replies, requests."""
    done = {
        "discarded": purge_discarded,
        "conversations": purge_conversations,
        "actions": purge_actions,
        "jobs": purge_jobs,
        "mails": purge_mails,
        "replies": purge_replies,
        "consents": purge_consents,
        "requests": purge_requests,
    }
    return ErasureReport({name: purge(tenant, now) for name, purge in done.items()})


@hookimpl
def tenant_erase(tenant: Tenant) -> ErasureReport:
    """Chunks, bytes and every row of the tenant."""
    return rights.erase_tenant(tenant)
