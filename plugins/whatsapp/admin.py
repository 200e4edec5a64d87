"""Screens: messages with what became of them, people, and the block list."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from webchatagent.core.api import AdminAction, AdminView, Tenant, rights

from .begin import send_template
from .models import Blocked, Outgoing, Person
from .people import block, unblock
from .words import row

WHO = ("owner", "operator")
COLUMNS = ("created_at", "kind", "state", "reason", "changed_at")
TEAM = ("owner", "editor", "agent", "operator")


class NewTemplate(BaseModel):
    """A template to somebody who did not write within 24 hours; one value for each place of its text."""

    model_config = ConfigDict(frozen=True)
    phone: str = Field(min_length=7, max_length=30)
    template: str = Field(min_length=1, max_length=512)
    language: str = Field("en", min_length=2, max_length=15)
    values: tuple[str, ...] = Field((), max_length=20)
    proof: str = Field("", max_length=300)


def add(tenant: Tenant, form: NewTemplate) -> int:
    """Send it, when the person agreed and Meta approved it."""
    return send_template(tenant, form.phone, form.template.strip(), form.language.strip(), form.values, form.proof)


def block_all(tenant: Tenant, rows: list[Person]) -> None:
    """Block those that were chosen."""
    for person in rows:
        block(tenant, person)


def views() -> list[AdminView]:
    """Three screens; only the messages are in the menu."""
    states = ("waiting", "sending", "sent", "delivered", "read", "failed")
    kinds = ("text", "buttons", "list", "template", "image", "document")
    return [
        AdminView(
            id="messages",
            model=Outgoing,
            title=row("messages_title"),
            intro=row("messages_intro"),
            icon="chat",
            list_columns=COLUMNS,
            labels={name: row(f"label_{name}") for name in (*COLUMNS, *NewTemplate.model_fields)},
            formats={"created_at": "time", "changed_at": "time"},
            values={"state": {s: row(f"state_{s}") for s in states}, "kind": {k: row(f"kind_{k}") for k in kinds}},
            filters=("state",),
            order=("created_at", "desc"),
            rights=rights(read=(*TEAM, "viewer"), write=WHO),
            add_title=row("template_title"),
            add_form=NewTemplate,
            add=add,
            empty_title=row("messages_empty"),
        ),
        AdminView(
            id="people",
            model=Person,
            title=row("people_title"),
            intro=row("people_intro"),
            icon="people",
            list_columns=("name", "wa_id", "username", "last_in_at", "stopped"),
            labels={name: row(f"label_{name}") for name in ("name", "wa_id", "username", "last_in_at", "stopped")},
            formats={"last_in_at": "time", "stopped": "yes_no"},
            order=("last_in_at", "desc"),
            rights=rights(read=TEAM, write=TEAM, private=True),
            actions=(AdminAction("block", row("block"), block_all, row("block_confirm")),),
            empty_title=row("people_empty"),
        ),
        AdminView(
            id="blocked",
            model=Blocked,
            title=row("blocked_title"),
            icon="lock",
            list_columns=("hint", "created_at"),
            labels={"hint": row("label_wa_id"), "created_at": row("label_created_at")},
            formats={"created_at": "time"},
            in_menu=False,
            rights=rights(read=TEAM, write=TEAM, private=True),
            actions=(AdminAction("unblock", row("unblock"), unblock),),
            empty_title=row("blocked_empty"),
        ),
    ]
