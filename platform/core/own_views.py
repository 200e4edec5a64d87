"""The screens of core's own tables that need nothing but a declaration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .actions import SETTLED
from .admin_views import AdminAction, AdminView
from .cancelling import cancel_jobs
from .db.actions import ActionRow
from .db.operating import SupportVisit
from .db.records import BackgroundJob, ConsentRecord, UsageRow
from .jobs import KINDS, retry_jobs
from .roles import rights
from .tenants import Tenant
from .texts import table


def words(key: str) -> Mapping[str, str]:
    """A sentence of `texts.toml` in every language."""
    return table()[key]


def _labels(*columns: str) -> dict[str, Mapping[str, str]]:
    return {column: words(f"column_{column.replace('.', '_')}") for column in columns}


def retry(tenant: Tenant, rows: list[Any]) -> None:
    """Run the chosen jobs again that failed."""
    retry_jobs(tenant, [row.id for row in rows])


def cancel(tenant: Tenant, rows: list[Any]) -> None:
    """Cancel the chosen jobs that wait or run."""
    cancel_jobs(tenant, [row.id for row in rows])


CHANNELS = ("widget", "email")
ACTION_STATES = ("proposed", "running", *SETTLED)
METERS = ("messages", "refused", "cut", "capped", "trials", "tokens_in", "tokens_out")
CURRENCIES = ("EUR", "USD", "GBP", "CHF", "INR")
"""What prices can be in."""
JOB_STATES = ("queued", "running", "done", "failed", "cancelled")


def _meters() -> dict[str, Mapping[str, str]]:
    """The words for every meter; money is counted in millionths."""
    money = {
        f"cost_{currency}": {lang: text.format(currency=currency) for lang, text in words("meter_cost").items()}
        for currency in CURRENCIES
    }
    return {meter: words(f"meter_{meter}") for meter in METERS} | money


def views() -> list[AdminView]:
    """Jobs, usage, consents, visits of support, actions."""
    jobs = AdminView(
        id="jobs",
        model=BackgroundJob,
        title=words("admin_jobs"),
        intro=words("admin_jobs_intro"),
        icon="clock",
        group="workspace",
        list_columns=("kind", "state", "attempts", "error", "created_at", "finished_at"),
        labels=_labels("kind", "state", "attempts", "error", "created_at", "finished_at"),
        formats={"created_at": "time", "finished_at": "time", "error": "sentence"},
        values={
            "kind": {name: kind.title or words(f"job_{name}") for name, kind in KINDS.items()},
            "state": {state: words(f"job_state_{state}") for state in JOB_STATES},
        },
        filters=("state",),
        order=("created_at", "desc"),
        rights=rights(read=("owner", "editor", "operator"), write=("owner", "editor", "operator")),
        actions=(
            AdminAction("retry", words("admin_jobs_retry"), retry),
            AdminAction("cancel", words("admin_jobs_cancel"), cancel, words("admin_jobs_cancel_sure")),
        ),
        empty_title=words("admin_jobs_empty"),
    )
    usage = AdminView(
        id="usage",
        model=UsageRow,
        title=words("admin_usage"),
        intro=words("admin_usage_intro"),
        icon="pulse",
        group="workspace",
        list_columns=("day", "bot.name", "meter", "amount"),
        labels=_labels("day", "bot.name", "meter", "amount"),
        formats={"amount": "number"},
        values={"meter": _meters()},
        filters=("meter",),
        order=("day", "desc"),
        rights=rights(read=("owner", "editor", "viewer", "operator"), write=()),
        empty_title=words("admin_usage_empty"),
    )
    consents = AdminView(
        id="consents",
        model=ConsentRecord,
        title=words("admin_consents"),
        intro=words("admin_consents_intro"),
        icon="shield",
        group="privacy",
        list_columns=("purpose", "granted", "channel", "proof", "received_at", "created_at"),
        labels=_labels("purpose", "granted", "channel", "proof", "received_at", "created_at"),
        values={"channel": {channel: words(f"channel_{channel}") for channel in CHANNELS}},
        formats={"granted": "yes_no", "received_at": "clock", "created_at": "time"},
        order=("id", "desc"),
        rights=rights(read=("owner", "privacy", "operator"), write=()),
        empty_title=words("admin_consents_empty"),
    )
    visits = AdminView(
        id="support-visits",
        model=SupportVisit,
        title=words("admin_visits"),
        intro=words("admin_visits_intro"),
        icon="people",
        group="privacy",
        list_columns=("operator", "reason", "begun_at", "until", "ended_at"),
        labels=_labels("operator", "reason", "begun_at", "until", "ended_at"),
        formats={"begun_at": "time", "until": "clock", "ended_at": "clock"},
        rights=rights(read=("owner", "privacy"), write=()),
        empty_title=words("admin_visits_empty"),
    )
    actions = AdminView(
        id="actions",
        model=ActionRow,
        title=words("admin_actions"),
        intro=words("admin_actions_intro"),
        icon="check",
        group="workspace",
        list_columns=("title", "plugin", "state", "message", "created_at", "settled_at"),
        labels=_labels("title", "plugin", "state", "message", "created_at", "settled_at"),
        formats={"created_at": "time", "settled_at": "time"},
        values={"state": {state: words(f"action_state_{state}") for state in ACTION_STATES}},
        filters=("state",),
        order=("created_at", "desc"),
        rights=rights(read=("owner", "editor", "agent", "operator"), write=()),
        empty_title=words("admin_actions_empty"),
    )
    return [jobs, usage, consents, visits, actions]
