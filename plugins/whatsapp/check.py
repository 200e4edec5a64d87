"""Trying the settings: what the token opens, whether account and number are of it, and what is missing at Meta."""

from __future__ import annotations

from typing import Any

from webchatagent.core.api import NotFound, Problem, Tenant, channel_bot

from .client import CHECK_SECONDS, Graph, GraphFailed
from .config import Config
from .status import keep_number
from .words import say

BLOCKED = ("BANNED", "RESTRICTED", "FLAGGED", "RATE_LIMITED", "DELETED")
UNREADY = ("PENDING", "OFFLINE", "DISCONNECTED", "UNVERIFIED", "UNKNOWN")


def problems(tenant: Tenant, config: Config) -> list[Problem]:
    """What is wrong, field by field; when all is well the app is subscribed to the account's messages."""
    found = _missing(tenant, config)
    return found or _asked(tenant, config)


def _problem(tenant: Tenant, key: str, field: str, **values: str) -> Problem:
    """A problem in the workspace's language."""
    return Problem(say(key, tenant.locale, **values), field, say(f"{key}_cure", tenant.locale))


def _missing(tenant: Tenant, config: Config) -> list[Problem]:
    if not config.token.get_secret_value():
        return [_problem(tenant, "check_token", "token")]
    if not config.app_secret.get_secret_value():
        return [_problem(tenant, "check_secret", "app_secret")]
    if config.bot:
        try:
            channel_bot(tenant, config.bot)
        except NotFound:
            return [_problem(tenant, "check_bot", "bot")]
    return []


def _asked(tenant: Tenant, config: Config) -> list[Problem]:
    graph = Graph(config, CHECK_SECONDS)
    try:
        if not config.business_id:
            return [_choose(tenant, "business_id", "check_business", graph.businesses())]
        numbers = {str(n.get("id")): n for n in graph.numbers(config.business_id)}
        mine = numbers.get(config.phone_number_id)
        if mine is None:
            said = [f"{i} ({n.get('display_phone_number')}, {n.get('verified_name')})" for i, n in numbers.items()]
            return [_choose(tenant, "phone_number_id", "check_number", said)]
        if trouble := _trouble(tenant, mine):
            return [trouble]
        graph.subscribe(config.business_id)
    except GraphFailed as error:
        field = "token" if error.setup else "business_id" if error.number == 100 else ""
        return [_problem(tenant, "check_refused", field, reason=error.reason)]
    keep_number(tenant, config.phone_number_id, mine)
    return []


def _choose(tenant: Tenant, field: str, key: str, choices: list[str]) -> Problem:
    shown = "; ".join(choices[:20])
    cure = say("check_choose", tenant.locale, choices=shown) if shown else say("check_none", tenant.locale)
    return Problem(say(key, tenant.locale), field, cure)


def _trouble(tenant: Tenant, number: dict[str, Any]) -> Problem | None:
    """What keeps a number from working, as Meta's fields say."""
    status, verified = str(number.get("status") or ""), str(number.get("code_verification_status") or "")
    if status in BLOCKED:
        return _problem(tenant, "check_blocked", "phone_number_id", status=status)
    if status in UNREADY or verified == "NOT_VERIFIED":
        return _problem(tenant, "check_unready", "phone_number_id", status=status or verified)
    return None
