"""Who gets personal data without being a plugin: hosting, proxy, mail. The operator names them, every notice tells."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import select

from . import audit
from .db.operating import OtherRecipient
from .db.tenants import TenantRow
from .errors import InvalidRequest, NotFound
from .privacy import DATA, PURPOSES, Disclosure
from .tenancy import system_scope
from .tenants import OPERATOR, Platform, Tenant

KINDS = ("hosting", "proxy", "mail", "other")


def save_recipient(operator: Tenant, values: Mapping[str, Any], recipient_id: int = 0) -> int:
    """Make a recipient, or change one; returns its id. Raises NotFound, and InvalidRequest naming the field."""
    _check(values)
    with operator.write() as db:
        row = db.get(OtherRecipient, recipient_id) if recipient_id else OtherRecipient()
        if row is None:
            raise NotFound("There is no such recipient.", code="recipient_not_found")
        for name in ("name", "kind", "privacy_url", "purpose"):
            setattr(row, name, values[name].strip())
        row.country, row.data = values["country"].strip().upper(), [d for d in DATA if d in values["data"]]
        db.add(row)
        db.flush()
        audit.record(db, audit.current_actor(), "recipient.saved", f"recipient:{row.id}")
        number: int = row.id
    return number


def delete_recipient(operator: Tenant, recipient_id: int) -> None:
    """Take a recipient out of the notices. Raises NotFound."""
    with operator.write() as db:
        row = db.get(OtherRecipient, recipient_id)
        if row is None:
            raise NotFound("There is no such recipient.", code="recipient_not_found")
        db.delete(row)
        audit.record(db, audit.current_actor(), "recipient.deleted", f"recipient:{recipient_id}")


def _check(values: Mapping[str, Any]) -> None:
    address = urlsplit(values["privacy_url"].strip())
    wrong = {
        "name": not 0 < len(values["name"].strip()) <= 200,
        "kind": values["kind"] not in KINDS,
        "country": not re.fullmatch(r"[A-Za-z]{2}", values["country"].strip()),
        "privacy_url": bool(values["privacy_url"].strip()) and (address.scheme != "https" or not address.hostname),
        "purpose": values["purpose"] not in PURPOSES,
        "data": not values["data"] or not set(values["data"]) <= set(DATA),
    }
    field = next((name for name, is_wrong in wrong.items() if is_wrong), "")
    if field:
        raise InvalidRequest(
            f"The {field} of the recipient is wrong.", "correct it", code="recipient_wrong", field=field
        )


def list_recipients(platform: Platform) -> Sequence[OtherRecipient]:
    """All of them, by name; they are the operator's, and told to everybody."""
    own = select(TenantRow.id).where(TenantRow.slug == OPERATOR).scalar_subquery()
    with system_scope("name the operator's recipients in a tenant's notice"), platform.database.read() as db:
        return list(
            db.scalars(select(OtherRecipient).where(OtherRecipient.tenant_id == own).order_by(OtherRecipient.name))
        )


def disclosures(platform: Platform) -> list[Disclosure]:
    """What every tenant's notice says about them."""
    return [
        Disclosure(
            f"{row.kind}:{row.id}",
            tuple(row.data),
            row.purpose,
            "legitimate_interest",
            0,
            row.name,
            row.country,
            "processor",
            row.privacy_url,
        )
        for row in list_recipients(platform)
    ]
