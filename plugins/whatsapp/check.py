"""Trying the settings: what the token opens, whether account and number are of it, and what is missing at Meta."""

from __future__ import annotations

from typing import Any

from webchatagent.core.api import NotFound, Problem, Tenant, channel_bot

from .client import CHECK_SECONDS, Graph, GraphFailed
from .config import Config
from .status import keep_number


def problems(tenant: Tenant, config: Config) -> list[Problem]:
    """What is wrong, field by field; when all is well the app is subscribed to the account's messages."""
    found = _missing(tenant, config)
    return found or _asked(tenant, config)


def _missing(tenant: Tenant, config: Config) -> list[Problem]:
    if not config.token.get_secret_value():
        return [Problem("The access token is missing.", "token", "make one for a system user of your Meta business")]
    if not config.app_secret.get_secret_value():
        cure = "copy it from the basic settings of your Meta app"
        return [Problem("Without the app secret no message can be proven.", "app_secret", cure)]
    if config.bot:
        try:
            channel_bot(tenant, config.bot)
        except NotFound:
            return [Problem("There is no such bot.", "bot", "enter its short name, or nothing")]
    return []


def _asked(tenant: Tenant, config: Config) -> list[Problem]:
    graph = Graph(config, CHECK_SECONDS)
    try:
        if not config.business_id:
            return [_choose("business_id", "Choose the business account.", graph.businesses())]
        numbers = {str(n.get("id")): n for n in graph.numbers(config.business_id)}
        mine = numbers.get(config.phone_number_id)
        if mine is None:
            said = [f"{i} ({n.get('display_phone_number')}, {n.get('verified_name')})" for i, n in numbers.items()]
            return [_choose("phone_number_id", "Choose the number.", said)]
        if trouble := _trouble(mine):
            return [trouble]
        graph.subscribe(config.business_id)
    except GraphFailed as error:
        field = "token" if error.setup else "business_id" if error.number == 100 else ""
        return [Problem(error.message, field, error.cure or "check the number of the account")]
    keep_number(tenant, config.phone_number_id, mine)
    return []


def _choose(field: str, message: str, choices: list[str]) -> Problem:
    shown = "; ".join(choices[:20])
    cure = f"enter one of: {shown}" if shown else "the token opens none: give the system user access in the settings"
    return Problem(message, field, cure)


def _trouble(number: dict[str, Any]) -> Problem | None:
    """What keeps a number from working, as Meta's fields say."""
    status, verified = str(number.get("status") or ""), str(number.get("code_verification_status") or "")
    if status in ("BANNED", "RESTRICTED", "FLAGGED", "RATE_LIMITED", "DELETED"):
        return Problem(f"Meta has blocked or limited the number ({status}).", "phone_number_id", "see WhatsApp Manager")
    if status in ("PENDING", "OFFLINE", "DISCONNECTED", "UNVERIFIED", "UNKNOWN") or verified in ("NOT_VERIFIED",):
        cure = "verify and register it in WhatsApp Manager; two-step verification needs a PIN first"
        return Problem(f"The number is not ready ({status or verified}).", "phone_number_id", cure)
    return None
