"""How much is answered: of one person and of all, in an hour."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from sqlalchemy import func, select

from webchatagent.core.api import Tenant, now

from .config import Config
from .models import Incoming, Person

HOUR = timedelta(hours=1)
ANSWERED = ("done", "failed")


def over(tenant: Tenant, person: Person) -> Literal["", "person", "tenant"]:
    """Whose limit is reached, if any: what was answered within the last hour counts."""
    config, since = tenant.config(Config), now() - HOUR
    counted = (Incoming.created_at >= since, Incoming.state.in_(ANSWERED))
    with tenant.read() as db:
        mine = db.scalar(select(func.count(Incoming.id)).where(*counted, Incoming.person_id == person.id)) or 0
        if mine >= config.per_person:
            return "person"
        everybody = db.scalar(select(func.count(Incoming.id)).where(*counted)) or 0
    return "tenant" if everybody >= config.per_hour else ""
