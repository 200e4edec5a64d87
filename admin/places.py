"""Where a logged-in person may work: their tenants, and in which role."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from webchatagent.core.clock import now
from webchatagent.core.db.operating import SupportVisit
from webchatagent.core.db.tenants import Membership, TenantRow
from webchatagent.core.tenancy import system_scope
from webchatagent.core.tenants import OPERATOR

from .roles import MEMBER_ROLES


@dataclass(frozen=True)
class Place:
    """One tenant and the role there; plain values, so that nothing reloads them in the middle of a statement."""

    tenant_id: int
    slug: str
    name: str
    role: str
    erase_at: datetime | None = None
    """Set when the tenant is closed."""
    visited_until: datetime | None = None
    """Set while somebody of support may be here."""


def find_places(db: Session, user_id: int, is_operator: bool) -> list[Place]:
    """A person's tenants by name, closed ones last. An operator has the operator's own tenant first, and those that
    they visit for support at the moment, without a membership.
    """
    with system_scope("find where a person works"):
        rows = db.execute(
            select(*_columns(), Membership.role)
            .join(Membership, Membership.tenant_id == TenantRow.id)
            .where(Membership.user_id == user_id)
            .order_by(TenantRow.erase_at.is_not(None), TenantRow.name, TenantRow.id)
        )
        places = [_place(row, row.role) for row in rows if row.role in MEMBER_ROLES]
        return [*_of_operator(db, user_id, places)] if is_operator else places


def _columns() -> tuple[Any, ...]:
    visits = select(func.max(SupportVisit.until)).where(SupportVisit.tenant_id == TenantRow.id, *_going())
    until = visits.correlate(TenantRow).scalar_subquery().label("visited_until")
    return TenantRow.id, TenantRow.slug, TenantRow.name, TenantRow.erase_at, until


def _going() -> tuple[Any, ...]:
    return SupportVisit.ended_at.is_(None), SupportVisit.until > now()


def _place(row: Any, role: str) -> Place:
    return Place(row.id, row.slug, row.name, role, row.erase_at, row.visited_until)


def _of_operator(db: Session, user_id: int, places: list[Place]) -> Iterator[Place]:
    visited = select(SupportVisit.tenant_id).where(SupportVisit.user_id == user_id, *_going())
    rows = db.execute(select(*_columns()).where(or_(TenantRow.slug == OPERATOR, TenantRow.id.in_(visited))))
    found = {row.slug: row for row in rows}
    if OPERATOR in found:
        yield _place(found.pop(OPERATOR), "operator")
    members = [p for p in places if p.slug != OPERATOR]
    yield from members
    yield from (_place(row, "support") for slug, row in found.items() if slug not in {p.slug for p in members})


def choose_place(places: list[Place], wanted: object) -> Place | None:
    """The wanted tenant when it is one of the person's own, else their first; None for a person without any."""
    return next((p for p in places if p.tenant_id == wanted), places[0] if places else None)
