"""Bots and sources that were deleted by a person, and can be brought back for a time.

What is discarded is hidden from every statement in the tenant's scope (see `tenancy.Discardable`). A discarded bot
answers nobody; the passages of a discarded source leave the index at once, its bytes stay until the time is over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from sqlalchemy import select, update

from . import audit, jobs
from .bots import delete_bot
from .clock import now
from .db.records import BackgroundJob
from .db.sources import Document, Source
from .db.tenants import Bot
from .errors import NotFound
from .sources import bring_back, delete_source
from .tenancy import TenantSession, see_discarded
from .tenants import Tenant

DAYS = 7
"""How long something discarded can be brought back."""
Row = TypeVar("Row", Bot, Source)


@dataclass(frozen=True)
class Discarded:
    """Something that can be brought back until a time; `bot` is the name of a source's bot."""

    kind: str
    id: int
    name: str
    bot: str
    at: datetime

    @property
    def until(self) -> datetime:
        """From when on it is deleted for good."""
        return self.at + timedelta(days=DAYS)


def discard_bot(tenant: Tenant, bot_id: int) -> None:
    """Hide a bot with its sources and documents; nothing of it is deleted yet. Raises NotFound."""
    with tenant.write() as db:
        row = db.get(Bot, bot_id)
        if row is None:
            raise NotFound("There is no such bot.", code="bot_not_found")
        at = row.discarded_at = now()
        for model in (Source, Document):
            db.execute(update(model).where(model.bot_id == bot_id).values(discarded_at=at))
        audit.record(db, audit.current_actor(), "bot.discarded", row.slug)


def restore_bot(tenant: Tenant, bot_id: int) -> None:
    """Bring a bot back with everything that was hidden with it. Raises NotFound when its time is over."""
    with tenant.write() as db:
        see_discarded(db)
        row = _find(db, Bot, bot_id, "bot_not_found")
        mine = (Document.bot_id == bot_id, Document.discarded_at == row.discarded_at)
        ring = bring_back(db, list(db.scalars(select(Document).where(*mine))), indexed=True)
        sources = (Source.bot_id == bot_id, Source.discarded_at == row.discarded_at)
        db.execute(update(Source).where(*sources).values(discarded_at=None))
        row.discarded_at = None
        audit.record(db, audit.current_actor(), "bot.restored", row.slug)
    tenant.platform.ring(ring)


def discard_source(tenant: Tenant, source_id: int) -> None:
    """Hide a source with its documents, and take its passages out of the index by a job. Raises NotFound."""
    with tenant.write() as db:
        row = db.get(Source, source_id)
        if row is None:
            raise NotFound("There is no such source.", code="source_not_found")
        at = now()
        ids = list(db.scalars(select(Document.id).where(Document.source_id == source_id)))
        db.execute(update(Document).where(Document.source_id == source_id).values(discarded_at=at))
        row.discarded_at = at
        waiting = (BackgroundJob.key == f"sync:{source_id}", BackgroundJob.state == "queued")
        db.execute(update(BackgroundJob).where(*waiting).values(state="cancelled", finished_at=at))
        ring = [jobs.add_job(db, jobs.DELETE, document_ids=ids, blobs=[])] if ids else []
        audit.record(
            db, audit.current_actor(), "source.discarded", f"source:{source_id}", bot=row.bot_id, documents=len(ids)
        )
    tenant.platform.ring(ring)


def restore_source(tenant: Tenant, source_id: int) -> int:
    """Bring a source back; its documents are indexed anew from what is kept. Returns the id of its bot.

    Raises NotFound when its time is over, or when its bot is deleted.
    """
    with tenant.write() as db:
        see_discarded(db)
        row = _find(db, Source, source_id, "source_not_found")
        bot = db.get(Bot, row.bot_id)
        if bot.discarded_at is not None:
            raise NotFound("The bot of this source is deleted.", "bring the bot back", code="bot_not_found")
        mine = (Document.source_id == source_id, Document.discarded_at == row.discarded_at)
        ring = bring_back(db, list(db.scalars(select(Document).where(*mine))))
        row.discarded_at = None
        audit.record(db, audit.current_actor(), "source.restored", f"source:{source_id}", bot=row.bot_id)
        bot_id = row.bot_id
    tenant.platform.ring(ring)
    return bot_id


def _find(db: TenantSession, model: type[Row], number: int, code: str) -> Row:
    row: Row | None = db.get(model, number)
    if row is None or row.discarded_at is None or row.discarded_at <= now() - timedelta(days=DAYS):
        raise NotFound("There is nothing to bring back.", code=code)
    return row


def list_discarded(tenant: Tenant) -> Sequence[Discarded]:
    """What can be brought back, the latest first. The sources of a discarded bot come with it."""
    limit = now() - timedelta(days=DAYS)
    with tenant.read() as db:
        see_discarded(db)
        bots = db.scalars(select(Bot).where(Bot.discarded_at > limit))
        found = [Discarded("bot", b.id, b.name, "", b.discarded_at) for b in bots if b.discarded_at]
        rows = db.execute(
            select(Source, Bot.name)
            .join(Bot, Bot.id == Source.bot_id)
            .where(Source.discarded_at > limit, Bot.discarded_at.is_(None))
        )
        found += [
            Discarded("source", s.id, s.title or s.target, bot, s.discarded_at) for s, bot in rows if s.discarded_at
        ]
    return sorted(found, key=lambda d: d.at, reverse=True)


def delete_discarded(tenant: Tenant, kind: str, number: int) -> None:
    """Delete something discarded for good, before its time. Raises NotFound."""
    if kind == "bot":
        delete_bot(tenant, number, discarded=True)
    elif kind == "source":
        delete_source(tenant, number, discarded=True)
    else:
        raise NotFound("There is nothing of this kind.")


def purge_discarded(tenant: Tenant, at: datetime) -> int:
    """Delete for good what was discarded longer ago than it can be brought back; returns how many bots and sources."""
    limit = at - timedelta(days=DAYS)
    with tenant.read() as db:
        see_discarded(db)
        bots = list(db.scalars(select(Bot.id).where(Bot.discarded_at <= limit)))
        sources = list(db.scalars(select(Source.id).where(Source.discarded_at <= limit, Source.bot_id.not_in(bots))))
    for kind, numbers in (("bot", bots), ("source", sources)):
        for number in numbers:
            delete_discarded(tenant, kind, number)
    return len(bots) + len(sources)
