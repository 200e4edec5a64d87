"""Screens: leads on their way, tables to take along, and what the tenant's own service was told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import delete, select

from webchatagent.core.api import AdminAction, AdminExport, AdminView, Tenant, rights

from . import leads
from .models import Delivery, Lead
from .webhook import send_again
from .words import STATES, texts

WHO = ("owner", "editor", "agent", "operator")
COLUMNS = (
    "created_at",
    "name",
    "email",
    "phone",
    "company",
    "message",
    "marketing",
    "state",
    "owner",
    "notes",
    "channel",
)
PAGE = 500


class ChangedLead(BaseModel):
    """How far a lead is, who looks after it, and notes."""

    model_config = ConfigDict(frozen=True)
    state: Literal["new", "contacted", "qualified", "won", "lost"]
    owner: str = Field("", max_length=120)
    notes: str = Field("", max_length=4000, json_schema_extra={"widget": "textarea"})


def fill(row: Lead) -> dict[str, Any]:
    """The values of the form."""
    return {"state": row.state, "owner": row.owner, "notes": row.notes}


def change(tenant: Tenant, row: Lead, form: ChangedLead) -> None:
    """Move it along."""
    leads.change(tenant, row.id, form.state, form.owner, form.notes)


def remove(tenant: Tenant, row: Lead) -> None:
    """Delete a lead; the person's contact stays, and is deleted there."""
    with tenant.write() as db:
        for model, column in ((Delivery, Delivery.lead_id), (Lead, Lead.id)):
            db.execute(delete(model).where(column == row.id).execution_options(synchronize_session=False))


def all_leads(tenant: Tenant) -> Iterator[Sequence[object]]:
    """Every lead that may be used."""
    return _table(tenant, ~Lead.restricted)


def for_marketing(tenant: Tenant) -> Iterator[Sequence[object]]:
    """Those who agreed to more than an answer, and did not withdraw it."""
    return _table(tenant, ~Lead.restricted & Lead.marketing)


def _table(tenant: Tenant, condition: Any) -> Iterator[Sequence[object]]:
    """Head and lines, read in pages while they are sent."""
    yield [
        *(texts.say(f"column_{name}", tenant.locale) for name in COLUMNS),
        texts.say("column_answers", tenant.locale),
    ]
    last = 0
    while True:
        with tenant.read() as db:
            rows = list(db.scalars(select(Lead).where(condition, Lead.id > last).order_by(Lead.id).limit(PAGE)))
        for row in rows:
            values = [getattr(row, name) for name in COLUMNS]
            values[0] = row.created_at.isoformat(timespec="seconds")
            yield [*values, "; ".join(f"{q}: {a}" for q, a in row.answers)]
        if len(rows) < PAGE:
            return
        last = rows[-1].id


def views() -> list[AdminView]:
    """The lists."""
    words = texts.table
    return [
        AdminView(
            id="leads",
            model=Lead,
            title=words["admin_leads"],
            intro=words["admin_leads_intro"],
            icon="people",
            list_columns=("created_at", "name", "email", "state", "owner"),
            show_columns=COLUMNS,
            labels={name: words[f"column_{name}"] for name in COLUMNS},
            formats={"created_at": "time", "marketing": "yes_no"},
            values={"state": {name: words[f"state_{name}"] for name in STATES}},
            filters=("state",),
            search_column="email",
            order=("created_at", "desc"),
            rights=rights(read=(*WHO, "privacy"), write=WHO),
            edit_title=words["admin_change"],
            edit_form=ChangedLead,
            fill=fill,
            change=change,
            delete=remove,
            confirm_delete=words["admin_delete_confirm"],
            exports=(
                AdminExport("leads", words["export_all"], all_leads),
                AdminExport("marketing", words["export_marketing"], for_marketing),
            ),
            empty_title=words["admin_empty"],
        ),
        AdminView(
            id="deliveries",
            model=Delivery,
            title=words["admin_deliveries"],
            intro=words["admin_deliveries_intro"],
            icon="code",
            list_columns=("created_at", "event", "state", "answered", "tries"),
            labels={n: words[f"column_{n}"] for n in ("created_at", "event", "state", "answered", "tries")},
            formats={"created_at": "time", "answered": "number", "tries": "number"},
            values={"state": {name: words[f"delivery_{name}"] for name in ("queued", "sent", "failed")}},
            filters=("state",),
            rights=rights(read=("owner", "editor", "operator"), write=("owner", "editor", "operator")),
            actions=(AdminAction("again", words["admin_again"], send_again),),
            empty_title=words["admin_deliveries_empty"],
        ),
    ]
