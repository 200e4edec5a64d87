"""What a tenant may use: written by the plugin that sells plans, kept on the tenant's row, and obeyed by core.

Without such a plugin, or while it is off, everything is allowed. Nothing is ever deleted because of a plan: over a
limit nothing is added, and a locked tenant is read and exported as before, but not changed, and asks no model.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import func, select

from . import audit
from .caps import Caps
from .clock import now
from .errors import WebChatAgentError
from .tenancy import TenantSession

if TYPE_CHECKING:
    from .tenants import Tenant

LIMITS = ("bots", "members", "pages", "messages", "tokens")
"""What a plan limits: bots, people, documents of all sources; questions and tokens in a calendar month (UTC)."""


class PlanLimit(WebChatAgentError):
    """The plan holds no more of this."""

    status, code = 402, "plan_limit"


class PlanLocked(WebChatAgentError):
    """There is no paid plan any more: what is there can be read and exported, and nothing is changed."""

    status, code = 402, "plan_locked"


class Entitlements(BaseModel):
    """What a plan allows. `by` is the plugin that wrote it; a missing limit and `plugins` of None are no limit.

    `locked_from` is the moment from which nothing can be changed, such as the end of the time to pay.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")
    by: str = ""
    plan: str = ""
    limits: Mapping[str, int] = Field(default_factory=dict)
    plugins: tuple[str, ...] | None = None
    locked_from: datetime | None = None

    @property
    def locked(self) -> bool:
        """Whether nothing can be changed now, and no model is asked."""
        return self.locked_from is not None and self.locked_from <= now()

    def capped(self, caps: Caps) -> Caps:
        """A tenant's own caps, made as narrow as the plan's."""
        pairs = (("month_messages", "messages"), ("month_tokens", "tokens"))
        found = {cap: self.limits[name] for cap, name in pairs if self.limits.get(name)}
        narrow = {cap: min(most, getattr(caps, cap) or most) for cap, most in found.items()}
        return caps.model_copy(update=narrow) if narrow else caps


EVERYTHING = Entitlements()


def read_entitlements(stored: Mapping[str, Any] | None, on: frozenset[str]) -> Entitlements:
    """What the row of a tenant says; everything where the plugin that wrote it is off."""
    if not stored or stored.get("by") not in on:
        return EVERYTHING
    return Entitlements.model_validate(dict(stored))


def set_entitlements(tenant: Tenant, found: Entitlements) -> bool:
    """Write what a tenant may use; it counts at once here, and within seconds in other processes. True if it changed."""
    from .db.tenants import TenantRow

    values = found.model_dump(mode="json")
    with tenant.write() as db:
        row = db.get(TenantRow, tenant.id)
        if row is None or row.plan == values:
            return False
        row.plan = values
        audit.record(db, audit.current_actor(), "plan.changed", found.plan, locked=found.locked_from is not None)
    tenant.platform.forget()
    return True


def check_open(tenant: Tenant) -> None:
    """Raise PlanLocked where nothing can be changed."""
    if tenant.entitlements.locked:
        raise PlanLocked("This workspace has no paid plan at the moment.", "choose a plan")


def check_plugin(tenant: Tenant, plugin: str) -> None:
    """Raise PlanLimit where the plan does not hold a plugin."""
    check_open(tenant)
    allowed = tenant.entitlements.plugins
    if allowed is not None and plugin not in allowed:
        raise PlanLimit("The plan does not include this plugin.", "choose a larger plan")


def check_room(db: TenantSession, tenant: Tenant, name: str, more: int = 1) -> None:
    """Raise PlanLimit where the plan holds no `more` of a thing (`bots`, `members`, `pages`), in the transaction that
    adds it; PlanLocked where nothing can be added at all."""
    check_open(tenant)
    left = room(db, tenant, name)
    if left is not None and left < more:
        raise PlanLimit(f"The plan holds {tenant.entitlements.limits[name]} {name}.", "choose a larger plan")


def room(db: TenantSession, tenant: Tenant, name: str) -> int | None:
    """How many more of a thing fit into the plan; None for as many as one likes."""
    most = tenant.entitlements.limits.get(name)
    return max(0, most - COUNTS[name](db, tenant)) if most else None


def _bots(db: TenantSession, tenant: Tenant) -> int:
    from .db.tenants import Bot

    return db.scalar(select(func.count(Bot.id))) or 0


def _members(db: TenantSession, tenant: Tenant) -> int:
    from .db.accounts import Invitation
    from .db.tenants import Membership

    here = db.scalar(select(func.count(Membership.id)).where(Membership.tenant_id == tenant.id)) or 0
    return here + (db.scalar(select(func.count(Invitation.id)).where(Invitation.expires_at >= now())) or 0)


def _pages(db: TenantSession, tenant: Tenant) -> int:
    from .db.sources import Document

    return db.scalar(select(func.count(Document.id)).where(Document.state != "gone")) or 0


COUNTS: Mapping[str, Callable[[TenantSession, Tenant], int]] = {
    "bots": _bots,
    "members": _members,
    "pages": _pages,
}
"""How what a plan limits is counted; questions and tokens are caps, and counted there."""
