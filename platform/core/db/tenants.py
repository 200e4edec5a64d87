"""Tables: tenants, the plugins they switched on, the people who work for them, their bots."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from ..clock import new_uuid, now
from ..tenancy import Discardable, TenantOwned
from .base import NEVER_REUSED, Base, belongs_to, own_key


class TenantRow(Base):
    """A tenant. `slug` is in URLs and on the command line; `platform` is the operator's own.

    One that is closed has `closed_at`, and `erase_at` from which on it may be erased; `erased` counts what plugins have
    deleted so far, for the receipt.
    `prices` is a `prices.Prices`, `caps` a `caps.Caps`, `plan` an `entitlements.Entitlements`.
    """

    __tablename__ = "tenant"
    __table_args__ = NEVER_REUSED

    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(String(63), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    locale: Mapped[str] = mapped_column(String(8), default="en")
    controller: Mapped[dict[str, Any]] = mapped_column(default=dict)
    retention_days: Mapped[int] = mapped_column(default=180)
    prices: Mapped[dict[str, Any]] = mapped_column(default=dict)
    caps: Mapped[dict[str, Any]] = mapped_column(default=dict)
    plan: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime] = mapped_column(default=now)
    closed_at: Mapped[datetime | None]
    erase_at: Mapped[datetime | None]
    erased: Mapped[dict[str, Any]] = mapped_column(default=dict)

    def __repr__(self) -> str:
        return f"<TenantRow {self.slug}>"


class PluginSwitch(TenantOwned, Base):
    """That a tenant switched a plugin on, and its configuration. Secrets in `config` are sealed tokens."""

    __tablename__ = "plugin_switch"
    __table_args__ = (UniqueConstraint("tenant_id", "plugin"), own_key())

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id", ondelete="CASCADE"), index=True)
    plugin: Mapped[str] = mapped_column(String(40))
    enabled: Mapped[bool] = mapped_column(default=True)
    config: Mapped[dict[str, Any]] = mapped_column(default=dict)
    changed_at: Mapped[datetime] = mapped_column(default=now, onupdate=now)


class Membership(Base):
    """One person's role in one tenant. Not tenant-owned: it is read to find the tenant, before there is a scope."""

    __tablename__ = "membership"
    __table_args__ = (UniqueConstraint("user_id", "tenant_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(index=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id", ondelete="CASCADE"), index=True)
    role: Mapped[str] = mapped_column(String(20))
    created_at: Mapped[datetime] = mapped_column(default=now)


class Bot(TenantOwned, Discardable, Base):
    """A tenant's assistant. `public_id` is what its embed snippet names; `settings` is a `bots.BotSettings`.

    `caps` is a `caps.Caps`; `version` is the number of the newest `BotVersion`.
    """

    __tablename__ = "bot"
    __table_args__ = (UniqueConstraint("tenant_id", "slug"), own_key(), NEVER_REUSED)

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id", ondelete="CASCADE"), index=True)
    public_id: Mapped[str] = mapped_column(String(36), unique=True, default=new_uuid)
    slug: Mapped[str] = mapped_column(String(63))
    name: Mapped[str] = mapped_column(String(200))
    locale: Mapped[str] = mapped_column(String(8), default="en")
    greeting: Mapped[str] = mapped_column(Text, default="")
    settings: Mapped[dict[str, Any]] = mapped_column(default=dict)
    caps: Mapped[dict[str, Any]] = mapped_column(default=dict)
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime] = mapped_column(default=now)

    def __str__(self) -> str:
        return self.name


class BotVersion(TenantOwned, Base):
    """What was set on a bot's answers from a moment on, by whom and why. Rows are only added.

    `settings` holds the fields of `versions.FIELDS`, whole. `restored` is the number of the version it brought back.
    """

    __tablename__ = "bot_version"
    __table_args__ = (own_key(), UniqueConstraint("bot_id", "number"), belongs_to("bot", "bot_id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    bot_id: Mapped[int]
    number: Mapped[int]
    settings: Mapped[dict[str, Any]] = mapped_column(default=dict)
    author: Mapped[str] = mapped_column(String(120))
    note: Mapped[str] = mapped_column(String(300), default="")
    restored: Mapped[int | None]
    created_at: Mapped[datetime] = mapped_column(default=now)
