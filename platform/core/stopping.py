"""What stops when a plugin is switched off: the first part of a receipt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, select, update

from .db.records import BackgroundJob
from .db.sources import Document, Source
from .db.tenants import Bot
from .jobs import SYNC
from .tenancy import TenantSession
from .tenants import Tenant

WHAT = ("sources", "jobs", "bots", "documents")
"""What a receipt counts: sources that are not read any more, jobs that were cancelled, bots that lose their model;
and, among what is kept, documents that stay searchable."""


@dataclass(frozen=True)
class Receipt:
    """What was stopped, and what is kept, as counts of `WHAT`."""

    stopped: Mapping[str, int] = field(default_factory=dict)
    kept: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Kinds:
    """What a plugin brings: kinds of source, and ids of chat models."""

    sources: tuple[str, ...] = ()
    models: tuple[str, ...] = ()


def _of(tenant: Tenant, plugin: str, hook: str) -> list[Any]:
    hooks = tenant.platform.registry.enabled({plugin})
    return [item for name, item in hooks.each(hook, tenant=tenant) if name == plugin]


def kinds_of(tenant: Tenant, plugin: str) -> Kinds:
    """What a plugin brings to a tenant, whether it is on or not."""
    return Kinds(
        tuple(c.kind for c in _of(tenant, plugin, "connectors")),
        tuple(m.info.id for m in _of(tenant, plugin, "chat_models")),
    )


def preview(tenant: Tenant, plugin: str) -> Receipt:
    """What switching off would stop, without doing it."""
    kinds = kinds_of(tenant, plugin)
    with tenant.read() as db:
        return _count(db, kinds)


def stop(db: TenantSession, tenant: Tenant, plugin: str, kinds: Kinds) -> Receipt:
    """Cancel the waiting jobs of a plugin's sources, in the caller's transaction; returns the receipt."""
    receipt = _count(db, kinds)
    sources = list(db.scalars(select(Source.id).where(Source.kind.in_(kinds.sources))))
    waiting = (BackgroundJob.kind == SYNC.name, BackgroundJob.key.in_([f"sync:{i}" for i in sources]))
    done = db.execute(
        update(BackgroundJob)
        .where(*waiting, BackgroundJob.state == "queued")
        .values(state="cancelled", error=f"{plugin} was switched off")
        .execution_options(synchronize_session=False)
    )
    db.execute(
        update(Source)
        .where(Source.id.in_(sources), Source.state == "syncing")
        .values(state="ready")
        .execution_options(synchronize_session=False)
    )
    return Receipt({**receipt.stopped, "jobs": int(getattr(done, "rowcount", 0))}, receipt.kept)


def _count(db: TenantSession, kinds: Kinds) -> Receipt:
    sources = db.scalar(select(func.count(Source.id)).where(Source.kind.in_(kinds.sources))) or 0
    documents = (
        db.scalar(
            select(func.count(Document.id))
            .join(Source, Source.id == Document.source_id)
            .where(Source.kind.in_(kinds.sources), Document.state == "searchable")
        )
        or 0
    )
    chosen = [(settings or {}).get("chat_model", "") for settings in db.scalars(select(Bot.settings))]
    bots = sum(model in kinds.models for model in chosen)
    return Receipt({"sources": sources, "bots": bots}, {"documents": documents})
