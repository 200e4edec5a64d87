"""Rate limits: of the chat per session, address and bot, of programs per key.

They fit people; `WEBCHATAGENT_RATE_LIMITS=off` for load tests.
"""

from __future__ import annotations

import hashlib
import math
from typing import NoReturn

from flask import request
from limits import RateLimitItem, parse, parse_many

from ..core.addresses import truncate_address
from ..core.bots import LiveBot
from ..core.errors import WebChatAgentError
from ..core.settings import Settings
from ..core.texts import say
from .counters import Count, Counters

PER_SESSION = "12 per minute; 200 per hour"
PER_ADDRESS = "30 per minute; 600 per hour"
PER_BOT = "600 per minute"
PER_KEY = "300 per minute; 6000 per hour"
REFUSED_PER_ADDRESS = "60 per minute"
ALL_TOGETHER = 50
"""How many times as much all networks together may send to a route as one of them."""


class RateLimited(WebChatAgentError):
    """Too much at once; `retry_after` says when it goes on."""

    status, code = 429, "rate_limited"


class Limits:
    """Counts messages in memory, or in Redis when it is set; when Redis is away, in memory again."""

    def __init__(self, settings: Settings) -> None:
        self._on = settings.rate_limits == "on"
        self._salt = hashlib.sha256(settings.key("SECRET_KEY")).digest()
        self._counters = Counters(settings.redis_url, settings.processes)
        self._rules = {
            name: parse_many(text)
            for name, text in (
                ("session", PER_SESSION),
                ("address", PER_ADDRESS),
                ("bot", PER_BOT),
                ("key", PER_KEY),
                ("refused", REFUSED_PER_ADDRESS),
            )
        }

    def check(self, bot: LiveBot, session_key: str, *, by_address: bool = True) -> None:
        """Count one message. Raises RateLimited. One visitor who is refused takes nothing from the others of the bot."""
        if not self._on:
            return
        keys = {}
        if session_key:
            keys["session"] = self._hide(session_key)
        if by_address:
            keys["address"] = self._hide(request.remote_addr or "")
        keys["bot"] = ""
        self._count(
            [
                (rule, (f"t{bot.tenant.id}", f"b{bot.id}", name, key))
                for name, key in keys.items()
                for rule in self._rules[name]
            ],
            bot.locale,
        )

    def check_key(self, tenant_id: int, key_id: int) -> None:
        """Count one request of a program. Raises RateLimited."""
        if self._on:
            self._count([(rule, (f"t{tenant_id}", "key", str(key_id))) for rule in self._rules["key"]], "en")

    def check_route(self, tenant_id: int, name: str, address: str, per_hour: int, language: str) -> None:
        """Count one request for a plugin's route: of its network, and of all together. Raises RateLimited."""
        if self._on:
            where = (f"t{tenant_id}", "route", name)
            network = (*where, self._hide(truncate_address(address)))
            rules = [(parse(f"{per_hour} per hour"), network), (parse(f"{per_hour * ALL_TOGETHER} per hour"), where)]
            self._count(rules, language)

    def check_refusals(self, address: str) -> None:
        """Stop an address that showed too many wrong keys, before the database is asked. Raises RateLimited."""
        if self._on:
            for rule in self._rules["refused"]:
                seconds = self._counters.is_passed(rule, ("refused", self._hide(address)))
                if seconds is not None:
                    self._refuse(seconds, "en")

    def count_refusal(self, address: str) -> None:
        """Count a wrong key."""
        if self._on:
            self._counters.count([(rule, ("refused", self._hide(address))) for rule in self._rules["refused"]])

    def _hide(self, text: str) -> str:
        """A keyed digest: counters must not hold addresses or session ids."""
        return hashlib.blake2b(text.encode(), key=self._salt, digest_size=12).hexdigest()

    def _count(self, counts: list[Count], language: str) -> None:
        passed: tuple[RateLimitItem, float] | None = self._counters.count(counts)
        if passed:
            self._refuse(passed[1], language)

    def _refuse(self, left: float, language: str) -> NoReturn:
        seconds = max(1, math.ceil(left))
        raise RateLimited(say("rate_limited", language, seconds=seconds), retry_after=seconds)
