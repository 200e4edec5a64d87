"""What each kind of job does: a function of core."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..core import closing, embedding_switch, ingest, mail, requests, retention, servicenotices, sessions, sources
from ..core.jobs import DELETE, DROP, EMBED, ERASE, ERASE_TENANT, FILL, INDEX, MAIL, NOTICE, PURGE, SETTLE, SYNC
from ..core.plugin_jobs import plugin_job_gave_up, run_plugin_job
from ..core.tenants import Tenant

HANDLERS: dict[str, Callable[..., Any]] = {
    INDEX.name: ingest.index_document,
    EMBED.name: ingest.embed_document,
    FILL.name: embedding_switch.fill_space,
    DROP.name: embedding_switch.drop_space,
    DELETE.name: ingest.delete_stored,
    ERASE.name: sessions.erase_session,
    SYNC.name: sources.sync_source,
    MAIL.name: mail.send_mail,
    PURGE.name: retention.purge_tenant,
    SETTLE.name: requests.settle_request,
    NOTICE.name: servicenotices.send_notice,
    ERASE_TENANT.name: closing.erase_when_due,
}


def run(tenant: Tenant, kind: str, arguments: dict[str, Any]) -> None:
    """Run one job. Raises what its function raises."""
    if kind in HANDLERS:
        HANDLERS[kind](tenant, **arguments)
    else:
        run_plugin_job(tenant, kind, arguments)


def gave_up(tenant: Tenant | None, kind: str, arguments: dict[str, Any]) -> None:
    """Say so where a person looks, when a job failed for the last time."""
    if tenant is None:
        return
    if kind == INDEX.name:
        ingest.mark_broken(tenant, int(arguments["document_id"]))
    elif kind == SYNC.name:
        sources.mark_failed(tenant, int(arguments["source_id"]))
    elif kind == FILL.name:
        embedding_switch.stop_filling(tenant, str(arguments["space_id"]), "model_failed")
    elif kind == MAIL.name:
        mail.mark_mail_failed(tenant, int(arguments["mail_id"]))
    elif kind not in HANDLERS:
        plugin_job_gave_up(tenant, kind, arguments)
