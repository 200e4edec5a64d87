"""Which embedding model a tenant uses. Vectors of one model are a space; a question is ranked within one space only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import select

from .db.sources import EmbeddingChoice
from .db.tenants import Bot
from .egress import calling
from .models import EmbeddingModel, Region, Vectors, allows

if TYPE_CHECKING:
    from .tenants import Tenant


@dataclass(frozen=True)
class Choice:
    """What a tenant chose: the space that answers, the one being filled, the one kept to go back to. Empty: none."""

    space: str = ""
    next: str = ""
    kept: str = ""
    kept_until: datetime | None = None
    started_at: datetime | None = None
    tokens: int = 0
    error: str = ""
    changed_at: datetime | None = None

    @property
    def wanted(self) -> frozenset[str]:
        """The spaces whose vectors stay."""
        return frozenset({self.space, self.next, self.kept} - {""})


def read_choice(tenant: Tenant) -> Choice:
    """The tenant's choice as it is now."""
    with tenant.read() as db:
        row = db.scalar(select(EmbeddingChoice))
    if row is None:
        return Choice()
    return Choice(
        row.space,
        row.next_space,
        row.kept_space,
        row.kept_until,
        row.started_at,
        row.tokens,
        row.error,
        row.changed_at,
    )


class Judged:
    """An embedding model whose calls are made in its plugin's name, for the egress guard."""

    def __init__(self, plugin: str, model: EmbeddingModel, tenant: Tenant) -> None:
        self.plugin, self._model, self._tenant = plugin, model, tenant
        self.space, self.local = model.space, model.local

    @property
    def region(self) -> Region:
        """Where it works on what it is sent; a remote model that does not say is somewhere in the world."""
        found: Region = "house" if self.local else getattr(self._model, "region", "world")
        return found

    @property
    def price(self) -> int | None:
        """What a million tokens cost, in micro-units of the tenant's price table: 0 in the house, None when not known."""
        priced = self._tenant.prices.models.get(self.space.id)
        return priced.tokens_in if priced else 0 if self.local else None

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """See EmbeddingModel.embed_documents."""
        with calling(self.plugin, self._tenant):
            return self._model.embed_documents(texts)

    def embed_query(self, text: str) -> Vectors:
        """See EmbeddingModel.embed_query."""
        with calling(self.plugin, self._tenant):
            return self._model.embed_query(text)

    def embed_masked(self, texts: Sequence[str]) -> Vectors:
        """Vectors of passages as they are stored: a remote model sees kinds in place of personal data."""
        if not self.local:
            vault = self._tenant.vault()
            texts = [str(vault.mask_types(text)) for text in texts]
        return self.embed_documents(texts)


def offered_models(tenant: Tenant) -> list[Judged]:
    """The embedding models of the tenant's plugins, in a fixed order."""
    return [Judged(p, m, tenant) for p, m in tenant.hooks.each("embedding_models", tenant=tenant)]


def offered_model(tenant: Tenant, space_id: str) -> Judged | None:
    """The model of a space, when a plugin that is on offers it and no bot forbids it."""
    return next((m for m in offered_models(tenant) if m.space.id == space_id and is_allowed(tenant, m)), None)


def is_allowed(tenant: Tenant, model: Judged) -> bool:
    """Whether every bot's rule of residency allows the model: all bots of a tenant share one index."""
    return model.local or all(allows(model.region, rule) for rule in _rules(tenant))


def _rules(tenant: Tenant) -> frozenset[str]:
    def read() -> frozenset[str]:
        with tenant.read() as db:
            return frozenset(str((s or {}).get("residency", "any")) for s in db.scalars(select(Bot.settings)))

    return tenant.remembered("residency", read)


def embedding_model(tenant: Tenant) -> Judged | None:
    """The model that the tenant chose, or the first that is offered while nothing was chosen and nothing embedded.

    None when there is none that may be used: then search is by words only, and the admin says so.
    """
    offered = offered_models(tenant)
    if not offered:
        return None
    chosen = tenant.remembered("embedding", lambda: read_choice(tenant).space)
    usable = (m for m in offered if chosen in ("", m.space.id) and is_allowed(tenant, m))
    return next(usable, None)
