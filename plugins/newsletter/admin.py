"""Screens: who gets the newsletter, and how campaigns went in all."""

from __future__ import annotations

from typing import Any

from webchatagent.core.api import AdminAction, AdminView, Tenant, rights

from .models import Campaign, Subscriber
from .signup import end_all
from .words import texts

WHO = ("owner", "editor", "operator")


def unsubscribe(tenant: Tenant, rows: list[Any]) -> None:
    """End the chosen subscriptions."""
    end_all(tenant, Subscriber.id.in_([row.id for row in rows]), "dashboard")


def views() -> list[AdminView]:
    """The lists. Nobody is added by hand: who gets the newsletter confirmed it."""
    words = texts.table
    return [
        AdminView(
            id="subscribers",
            model=Subscriber,
            title=words["admin_subscribers"],
            intro=words["admin_subscribers_intro"],
            icon="mail",
            list_columns=("email", "state", "confirmed_at", "remote"),
            show_columns=(
                *("email", "state", "language", "channel", "asked_at", "asked_from", "confirmed_at", "confirmed_from"),
                *("wording", "ended_at", "ended_by", "remote", "trouble"),
            ),
            labels={name: words[f"column_{name}"] for name in COLUMNS},
            formats=dict.fromkeys(("asked_at", "confirmed_at", "ended_at"), "time"),  # type: ignore[arg-type]
            values={
                "state": {name: words[f"state_{name}"] for name in ("pending", "confirmed", "unsubscribed")},
                "trouble": {name: words[f"trouble_{name}"] for name in TROUBLES},
            },
            filters=("state",),
            search_column="email",
            rights=rights(read=(*WHO, "privacy"), write=WHO),
            actions=(AdminAction("unsubscribe", words["leave"], unsubscribe, words["admin_leave_confirm"]),),
            empty_title=words["admin_empty"],
        ),
        AdminView(
            id="campaigns",
            model=Campaign,
            title=words["admin_campaigns"],
            intro=words["admin_campaigns_intro"],
            icon="list",
            list_columns=("title", "sent_at", "sent", "opens", "clicks"),
            labels={name: words[f"column_{name}"] for name in ("title", "sent_at", "sent", "opens", "clicks")},
            formats={"sent_at": "time", "sent": "number", "opens": "number", "clicks": "number"},
            order=("sent_at", "desc"),
            rights=rights(read=WHO, write=()),
            empty_title=words["admin_campaigns_empty"],
        ),
    ]


COLUMNS = (
    *("email", "state", "language", "channel", "asked_at", "asked_from", "confirmed_at", "confirmed_from"),
    *("wording", "ended_at", "ended_by", "remote", "trouble"),
)
TROUBLES = ("compliance", "forgotten", "refused", "unreachable")
