"""Closing a tenant: at once for its visitors, erased after thirty days, with an undo until then."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select

from . import audit, jobs
from .clock import now
from .db.records import AuditEntry, BackgroundJob
from .db.tenants import TenantRow
from .errors import Conflict, Forbidden, NotFound, WebChatAgentError
from .privacy import ErasureReport
from .rights import erase_stored
from .tenancy import TenantSession, system_scope
from .tenants import OPERATOR, Platform, Tenant, load_tenant, operator_tenant
from .texts import LANGUAGES, say

DAYS = 30
"""How long a closed tenant is kept, so that closing it can be undone."""


class TenantClosed(WebChatAgentError):
    """The tenant is closed: its bots answer nobody, and its keys open nothing."""

    status, code = 410, "tenant_closed"


def refuse_closed(tenant: Tenant, language: str) -> None:
    """Raise TenantClosed with a sentence for a visitor, in a language, when the tenant is closed."""
    if tenant.erase_at is not None:
        raise TenantClosed(closed_sentence(language), "the tenant's owner or the operator can undo it")


def closed_sentence(language: str) -> str:
    """What visitors of a closed tenant read."""
    return say("tenant_closed", language if language in LANGUAGES else "en")


def close_tenant(tenant: Tenant) -> datetime:
    """Close a tenant; returns from when on it is erased. One that is closed keeps its date.

    Raises Forbidden for the operator's own.
    """
    if tenant.slug == OPERATOR:
        raise Forbidden("The operator's own tenant cannot be closed.", code="operator_tenant")
    with system_scope("close a tenant"), tenant.platform.database.write() as db:
        row = _row(db, tenant)
        if row.erase_at is None:
            at = now()
            row.closed_at, row.erase_at, row.erased = at, at + timedelta(days=DAYS), {}
            _note(db, tenant, "tenant.closed", erase_at=row.erase_at.date().isoformat())
        return row.erase_at


def reopen_tenant(tenant: Tenant) -> None:
    """Undo the closing. Raises Conflict when its time is over: it may be half erased. An open tenant stays as it is."""
    with system_scope("reopen a tenant"), tenant.platform.database.write() as db:
        row = _row(db, tenant)
        if row.erase_at is None:
            return
        if row.erase_at <= now():
            raise Conflict("The tenant is being erased.", "make a new one", code="tenant_erasing")
        row.closed_at = row.erase_at = None
        _note(db, tenant, "tenant.reopened")


def _row(db: TenantSession, tenant: Tenant) -> TenantRow:
    row: TenantRow | None = db.get(TenantRow, tenant.id, with_for_update=True)
    if row is None:
        raise NotFound(f"There is no tenant {tenant.slug}.", code="tenant_not_found")
    return row


def _note(db: TenantSession, tenant: Tenant, action: str, **detail: str) -> None:
    """Write an entry to the tenant's trail and, since that one goes, to the operator's."""
    operator_id = db.scalar(select(TenantRow.id).where(TenantRow.slug == OPERATOR))
    for owner in (tenant.id, operator_id):
        db.add(
            AuditEntry(tenant_id=owner, actor=audit.current_actor(), action=action, target=tenant.slug, detail=detail)
        )


def queue_erasures(platform: Platform) -> list[str]:
    """Queue the erasure of each tenant whose time has come, once a day until it is gone; returns the jobs."""
    with system_scope("find tenants to erase"), platform.database.read() as db:
        due = list(db.scalars(select(TenantRow.id).where(TenantRow.erase_at <= now())))
    ring = []
    if due:
        with operator_tenant(platform).write() as db:
            for tenant_id in due:
                key = f"erase_tenant:{tenant_id}:{now().date().isoformat()}"
                if db.scalar(select(BackgroundJob.id).where(BackgroundJob.key == key)) is None:
                    ring.append(jobs.add_job(db, jobs.ERASE_TENANT, key, tenant_id=tenant_id))
        platform.ring(ring)
    return ring


def erase_when_due(operator: Tenant, tenant_id: int) -> None:
    """The job of the operator's tenant that erases another. Safe to repeat, and to be killed at any moment.

    A tenant that was reopened meanwhile is left alone; of one whose rows are gone already the files are deleted.
    """
    try:
        doomed = load_tenant(operator.platform, tenant_id=tenant_id)
    except NotFound:
        erase_stored(operator.platform, tenant_id)
        return
    if doomed.erase_at is not None and doomed.erase_at <= now():
        _erase(doomed)


def erase_now(tenant: Tenant) -> dict[str, ErasureReport]:
    """Erase a tenant without a window; returns the receipts by plugin. Raises Forbidden, and what a plugin raises."""
    close_tenant(tenant)
    with system_scope("end the window of a tenant"), tenant.platform.database.write() as db:
        _row(db, tenant).erase_at = now()
    return _erase(tenant)


def _erase(tenant: Tenant) -> dict[str, ErasureReport]:
    """Every installed plugin first, on or off, then core: while a provider does not answer, its keys are still here."""
    registry = tenant.platform.registry
    receipts: dict[str, ErasureReport] = {}
    for plugin in registry.manifests:
        for name, report in registry.alone(plugin).call("tenant_erase", tenant=tenant):
            receipts[name] = report
            _remember(tenant, name, report)
    receipts.update(registry.alone("core").call("tenant_erase", tenant=tenant))
    return receipts


def _remember(tenant: Tenant, plugin: str, report: ErasureReport) -> None:
    """Add what a plugin deleted to the tenant's row, so that the receipt is whole after a kill."""
    with system_scope("note what a plugin erased"), tenant.platform.database.write() as db:
        row = _row(db, tenant)
        before = dict((row.erased or {}).get(plugin, {}))
        total = {kind: before.get(kind, 0) + report.done.get(kind, 0) for kind in (*before, *report.done)}
        row.erased = {**(row.erased or {}), plugin: total}
