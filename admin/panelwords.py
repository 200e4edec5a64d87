"""Words of the model control panel: what is set, where models work, what went wrong, which limit it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import format_decimal, gettext
from flask_babel import lazy_gettext as _

from webchatagent.core.marketplace import what_leaves
from webchatagent.core.offered import Offered, region_of
from webchatagent.core.statistics import Heard
from webchatagent.core.tenants import Tenant

from .languages import country_name, spoken
from .modelforms import AUTOMATIC, RESIDENCY

FIELDS: dict[str, Any] = {
    "chat_model": _("Model"),
    "fallback_models": _("When it fails"),
    "residency": _("Questions may go"),
    "instructions": _("Instructions"),
    "temperature": _("Temperature"),
    "max_tokens": _("Longest answer, in tokens"),
    "strict": _("Only answers with a source"),
}
REGIONS: dict[str, tuple[Any, str]] = {
    "house": (_("On this server"), "good"),
    "eu": (_("In the EU"), "good"),
    "world": (_("Outside the EU too"), "warn"),
}
TRAINS: dict[bool | None, tuple[Any, str]] = {
    False: (_("Does not train on it"), "good"),
    True: (_("Trains on what is sent"), "bad"),
    None: (_("Does not say whether it trains"), "warn"),
}
ERRORS: dict[str, Any] = {
    "model_key": _("The key is refused"),
    "model_quota": _("The account has no credit left"),
    "model_busy": _("The provider is busy"),
    "model_too_long": _("Too long for the model"),
    "model_filtered": _("The provider refuses the question"),
    "model_unreachable": _("No connection, or no answer in time"),
    "model_odd": _("An answer of a wrong shape"),
    "model_cut": _("The answer ended in the middle"),
    "model_failed": _("The model gave no answer"),
    "no_model": _("No model is switched on"),
    "try_again": _("Every model rests after failures"),
    "left": _("The visitor left"),
    "crashed": _("A fault of this server"),
}
LIMITS: dict[str, Any] = {
    "session_messages": _("Per conversation a day"),
    "day_messages": _("Questions today"),
    "month_messages": _("Questions this month"),
    "day_tokens": _("Tokens today"),
    "month_tokens": _("Tokens this month"),
    "month_money": _("Money this month"),
}


def error_words(code: str) -> str:
    """The words for the code of what ended a turn."""
    return str(ERRORS.get(code, code))


def field_value(field: str, value: Any) -> str:
    """A setting as people read it."""
    if field == "residency":
        return str(dict(RESIDENCY).get(value, value))
    if field == "chat_model":
        return str(value or AUTOMATIC)
    if field == "fallback_models":
        return ", ".join(value or ()) or gettext("Nobody")
    if field == "strict":
        return gettext("Yes") if value else gettext("No")
    return format_decimal(value) if isinstance(value, int | float) else str(value or "")


@dataclass(frozen=True)
class ModelLine:
    """A model with its badges: (words, colour) each. `heard` is when it answered last."""

    offered: Offered
    plugin: str
    region: tuple[Any, str]
    trains: tuple[Any, str]
    works: tuple[Any, str]
    heard: datetime | None
    company: str


def model_lines(tenant: Tenant, offered: Mapping[str, Offered], heard: Mapping[str, Heard]) -> list[ModelLine]:
    """The models of a tenant with their badges, and who gets what is sent to them."""
    manifests = tenant.platform.registry.manifests
    companies = {o.plugin: _company(tenant, o.plugin) for o in offered.values() if not o.info.local}
    out = []
    for one in offered.values():
        last = heard.get(one.info.id)
        out.append(
            ModelLine(
                one,
                manifests[one.plugin].words(spoken()).name,
                REGIONS[region_of(one.info)],
                TRAINS[False if one.info.local and one.info.trains is None else one.info.trains],
                _works(last),
                last.at if last else None,
                companies.get(one.plugin, ""),
            )
        )
    return out


def _company(tenant: Tenant, plugin: str) -> str:
    """The company that runs a provider, and its country."""
    for one in what_leaves(tenant, plugin):
        if one.recipient:
            return f"{one.recipient}, {country_name(one.country)}" if one.country else one.recipient
    return ""


def _works(last: Heard | None) -> tuple[Any, str]:
    if last is None:
        return _("Not asked yet"), ""
    return (error_words(last.error), "bad") if last.error else (_("Works"), "good")
