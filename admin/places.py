"""Where a logged-in person may work: their tenants, and in which role."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from webchatagent.core.db.tenants import Membership, TenantRow
from webchatagent.core.tenants import OPERATOR

from .roles import ROLES


@dataclass(frozen=True)
class Place:
    """One tenant and the role there; plain values, so that nothing reloads them in the middle of a statement."""

    tenant_id: int
    slug: str
    name: str
    role: str


def find_places(db: Session, user_id: int, is_operator: bool) -> list[Place]:
    """A person's tenants by name. An operator has the operator's own tenant too, without a membership."""
    rows = db.execute(
        select(TenantRow.id, TenantRow.slug, TenantRow.name, Membership.role)
        .join(Membership, Membership.tenant_id == TenantRow.id)
        .where(Membership.user_id == user_id)
        .order_by(TenantRow.name, TenantRow.id)
    )
    places = [Place(*row) for row in rows if row.role in ROLES and row.role != "operator"]
    if is_operator:
        own = db.execute(select(TenantRow.id, TenantRow.slug, TenantRow.name).where(TenantRow.slug == OPERATOR)).first()
        places = [p for p in places if p.slug != OPERATOR]
        if own is not None:
            places.insert(0, Place(own.id, own.slug, own.name, "operator"))
    return places


def choose_place(places: list[Place], wanted: object) -> Place | None:
    """The wanted tenant when it is one of the person's own, else their first; None for a person without any."""
    return next((p for p in places if p.tenant_id == wanted), places[0] if places else None)
