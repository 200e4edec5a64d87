"""Which program asks: bearer keys, for the management API and for bots that want one."""

from __future__ import annotations

from flask import request

from ..core.apikeys import Caller, KeyRefused, authenticate
from ..core.bots import LiveBot
from ..core.closing import refuse_closed
from ..core.errors import Forbidden
from .parts import parts


def identify(scope: str) -> Caller:
    """The program that shows its key, within its limits. Raises KeyRefused, Forbidden, RateLimited, TenantClosed."""
    here = parts()
    here.limits.check_refusals(request.remote_addr or "")
    try:
        caller = authenticate(here.platform, shown_key())
    except KeyRefused:
        here.limits.count_refusal(request.remote_addr or "")
        raise
    here.limits.check_key(caller.tenant.id, caller.key_id)
    refuse_closed(caller.tenant, "en")
    if scope not in caller.scopes:
        raise Forbidden(f"This key lacks the scope {scope}.", "make a key that has it", code="scope_missing")
    return caller


def shown_key() -> str:
    """The bearer key of the request; empty for none."""
    kind, _, key = request.headers.get("Authorization", "").partition(" ")
    return key.strip() if kind.lower() == "bearer" else ""


def check_chat_key(bot: LiveBot) -> bool:
    """Whether a program with a key asks; its messages are limited by the key instead of the address.

    A bot may want a key of programs. A browser has none to show, and comes from a website that the bot allows: it
    names its Origin, a program names none. Raises KeyRefused, Forbidden, RateLimited.
    """
    wanted = bot.settings.api_key_required and "Origin" not in request.headers
    if not wanted and not shown_key():
        return False
    if identify("chat").tenant.id != bot.tenant.id:
        raise KeyRefused("This key is not known.", "send a key of the bot's tenant")
    return True
