"""Rate limits of the chat: per session, address and bot. They fit people; `WEBCHATAGENT_RATE_LIMITS=off` for load tests."""

from __future__ import annotations

import hashlib
import math
import time

from flask import Flask, request
from flask_limiter import Limiter
from limits import RateLimitItem, parse_many

from ..core.bots import LiveBot
from ..core.errors import WebChatAgentError
from ..core.settings import Settings
from ..core.texts import say

PER_SESSION = "12 per minute; 200 per hour"
PER_ADDRESS = "30 per minute; 600 per hour"
PER_BOT = "600 per minute"


class RateLimited(WebChatAgentError):
    """Too much at once; `retry_after` says when it goes on."""

    status, code = 429, "rate_limited"


class Limits:
    """Counts messages in memory, or in Redis when it is set; when Redis is away, in memory again."""

    def __init__(self, app: Flask, settings: Settings) -> None:
        self._on = settings.rate_limits == "on"
        self._salt = hashlib.sha256(settings.key("SECRET_KEY")).digest()
        self._limiter = Limiter(
            key_func=lambda: "",
            app=app,
            default_limits=[],
            storage_uri=settings.redis_url or "memory://",
            in_memory_fallback_enabled=bool(settings.redis_url),
            strategy="fixed-window",
            headers_enabled=False,
        )
        self._rules = {
            name: parse_many(text)
            for name, text in (("session", PER_SESSION), ("address", PER_ADDRESS), ("bot", PER_BOT))
        }

    def check(self, bot: LiveBot, session_key: str) -> None:
        """Count one message. Raises RateLimited."""
        if not self._on:
            return
        keys = {"address": self._hide(request.remote_addr or ""), "bot": ""}
        if session_key:
            keys["session"] = self._hide(session_key)
        for name, key in keys.items():
            for rule in self._rules[name]:
                self._hit(rule, bot, name, key)

    def _hide(self, text: str) -> str:
        """A keyed digest: counters must not hold addresses or session ids."""
        return hashlib.blake2b(text.encode(), key=self._salt, digest_size=12).hexdigest()

    def _hit(self, rule: RateLimitItem, bot: LiveBot, name: str, key: str) -> None:
        where = (f"t{bot.tenant.id}", f"b{bot.id}", name, key)
        if not self._limiter.limiter.hit(rule, *where):
            reset = self._limiter.limiter.get_window_stats(rule, *where).reset_time
            seconds = max(1, math.ceil(reset - time.time()))
            raise RateLimited(say("rate_limited", bot.locale, seconds=seconds), retry_after=seconds)
