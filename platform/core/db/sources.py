"""Tables: what a bot answers from."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, foreign, mapped_column, relationship

from ..clock import now
from ..tenancy import Discardable, TenantOwned
from .base import NEVER_REUSED, Base, belongs_to, own_key
from .tenants import Bot


class Source(TenantOwned, Discardable, Base):
    """What a person added: files, a website, a text. `kind` is that of the connector that reads it."""

    __tablename__ = "source"
    __table_args__ = (
        own_key(),
        UniqueConstraint("bot_id", "kind", "target"),
        belongs_to("bot", "bot_id"),
        NEVER_REUSED,
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    bot_id: Mapped[int]
    kind: Mapped[str] = mapped_column(String(40))
    target: Mapped[str] = mapped_column(String(2000))
    title: Mapped[str] = mapped_column(String(500), default="")
    config: Mapped[dict[str, Any]] = mapped_column(default=dict)
    state: Mapped[str] = mapped_column(String(12), default="ready")
    error: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(default=now)
    synced_at: Mapped[datetime | None]

    bot: Mapped[Bot] = relationship(primaryjoin=lambda: foreign(Source.bot_id) == Bot.id, viewonly=True)

    def __str__(self) -> str:
        return self.title or self.target


class Document(TenantOwned, Discardable, Base):
    """One document of a source. `external_id` names it there; `version` counts its contents; see `documents.STATES`.

    `blob` is the key of its bytes in the blob store; `text` holds ready Markdown where there are no bytes.
    `chunks` and `vectors` count what is searchable by words and by meaning.
    """

    __tablename__ = "document"
    __table_args__ = (
        own_key(),
        UniqueConstraint("source_id", "external_id"),
        belongs_to("source", "source_id"),
        Index("ix_document_state", "tenant_id", "state"),
        NEVER_REUSED,
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    source_id: Mapped[int]
    bot_id: Mapped[int]
    external_id: Mapped[str] = mapped_column(String(2000))
    title: Mapped[str] = mapped_column(String(500), default="")
    name: Mapped[str] = mapped_column(String(500), default="")
    url: Mapped[str] = mapped_column(String(2000), default="")
    media_type: Mapped[str] = mapped_column(String(200), default="")
    language: Mapped[str] = mapped_column(String(8), default="")
    blob: Mapped[str] = mapped_column(String(200), default="")
    text: Mapped[str] = mapped_column(Text, default="")
    size: Mapped[int] = mapped_column(default=0)
    content_hash: Mapped[str] = mapped_column(String(64), default="")
    memory: Mapped[dict[str, Any]] = mapped_column(default=dict)
    version: Mapped[int] = mapped_column(default=1)
    state: Mapped[str] = mapped_column(String(12), default="queued")
    error: Mapped[str] = mapped_column(Text, default="")
    chunks: Mapped[int] = mapped_column(default=0)
    vectors: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(default=now)
    changed_at: Mapped[datetime] = mapped_column(default=now)
    searchable_at: Mapped[datetime | None]

    source: Mapped[Source] = relationship(primaryjoin=lambda: foreign(Document.source_id) == Source.id, viewonly=True)
    bot: Mapped[Bot] = relationship(primaryjoin=lambda: foreign(Document.bot_id) == Bot.id, viewonly=True)

    def __str__(self) -> str:
        return self.title or self.external_id


class EmbeddingChoice(TenantOwned, Base):
    """Which embedding space answers a tenant's questions, which one is being filled, and which is kept to go back to.

    One row a tenant, made with its first vectors; spaces are named by their ids. `tokens` is an estimate of what was
    sent for the space that is (or was last) filled; `error` says why filling stopped.
    """

    __tablename__ = "embedding_choice"
    __table_args__ = (own_key(), UniqueConstraint("tenant_id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id", ondelete="CASCADE"), index=True)
    space: Mapped[str] = mapped_column(String(200), default="")
    next_space: Mapped[str] = mapped_column(String(200), default="")
    kept_space: Mapped[str] = mapped_column(String(200), default="")
    kept_until: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    tokens: Mapped[int] = mapped_column(default=0)
    error: Mapped[str] = mapped_column(Text, default="")
    changed_at: Mapped[datetime] = mapped_column(default=now, onupdate=now)
