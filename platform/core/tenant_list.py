"""Tenants as the operator sees them: figures, and nothing of what is in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from .db.chats import ChatSession
from .db.sources import Document
from .db.tenants import Bot, Membership, TenantRow
from .tenancy import Discardable, system_scope
from .tenants import Platform


@dataclass(frozen=True)
class TenantLine:
    """A tenant with its counts."""

    slug: str
    name: str
    created: datetime
    members: int
    bots: int
    documents: int
    conversations: int
    erase_at: datetime | None
    owners: int


def page_tenants(platform: Platform, *, page: int = 0, size: int = 50) -> tuple[Sequence[TenantLine], int]:
    """A page of tenants by name, and how many there are."""

    def count(model: Any) -> Any:
        rows = select(func.count(model.id)).where(model.tenant_id == TenantRow.id)
        if issubclass(model, Discardable):
            rows = rows.where(model.discarded_at.is_(None))
        return rows.correlate(TenantRow).scalar_subquery()

    columns = (TenantRow.slug, TenantRow.name, TenantRow.created_at)
    counts = [count(model) for model in (Membership, Bot, Document, ChatSession)]
    owners = select(func.count(Membership.id)).where(Membership.tenant_id == TenantRow.id, Membership.role == "owner")
    counts += [TenantRow.erase_at, owners.correlate(TenantRow).scalar_subquery()]
    with system_scope("count what tenants have, for the operator"), platform.database.read() as db:
        total = db.scalar(select(func.count(TenantRow.id))) or 0
        rows = db.execute(
            select(*columns, *counts).order_by(TenantRow.name, TenantRow.id).limit(size).offset(page * size)
        ).all()
    return [TenantLine(*row) for row in rows], total
