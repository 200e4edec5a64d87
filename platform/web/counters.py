"""Counting what is limited: in memory, or in Redis for all processes together.

A Redis that is away or hangs costs one request a third of a second; then counting goes on in memory for a while, and
each process of a server allows its share.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from limits import RateLimitItem
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from ..redis_client import connect

log = logging.getLogger(__name__)
AWAY_SECONDS = 5.0
"""How long Redis is left alone after it did not answer."""
Count = tuple[RateLimitItem, tuple[str, ...]]
"""A limit, and whose counter."""
ONE_BY_ONE = """
for i, key in ipairs(KEYS) do
  local count = redis.call('incr', key)
  if count == 1 then redis.call('expire', key, ARGV[2 * i - 1]) end
  if count > tonumber(ARGV[2 * i]) then return {i, redis.call('ttl', key)} end
end
return {0, 0}
"""
"""Counts in one round trip, up to the first limit that is passed; returns its number and its seconds."""


class Counters:
    """Fixed windows. `url` is a Redis, or empty; `share` processes divide a limit where each counts for itself."""

    def __init__(self, url: str, share: int = 1, clock: Callable[[], float] = time.monotonic) -> None:
        self._share = max(1, share) if url else 1
        self._memory = FixedWindowRateLimiter(MemoryStorage())
        self._clock = clock
        self._away_until, self._trying = 0.0, threading.Lock()
        self._client = self._script = None  # type: Any
        if url:
            import redis

            self._client = connect(url)
            self._script = self._client.register_script(ONE_BY_ONE)
            self._failures = (redis.RedisError, OSError)

    def count(self, counts: Sequence[Count]) -> tuple[RateLimitItem, float] | None:
        """Count one of each, in order; returns the first limit that is passed and the seconds until it is free again."""
        found = self._ask(lambda: self._count_there(counts))
        if found is not None:
            number, seconds = found
            return (counts[number - 1][0], max(0, seconds)) if number else None
        for limit, whose in counts:
            item = self._own(limit)
            if not self._memory.hit(item, *whose):
                return limit, self._left(item, whose)
        return None

    def is_passed(self, limit: RateLimitItem, whose: tuple[str, ...]) -> float | None:
        """The seconds until a limit that was reached is free again, or None; counts nothing."""
        key = limit.key_for(*whose)
        found = self._ask(lambda: (self._client.get(key), self._client.ttl(key)))
        if found is not None:
            return max(0.0, float(found[1])) if int(found[0] or 0) >= limit.amount else None
        item = self._own(limit)
        return None if self._memory.test(item, *whose) else self._left(item, whose)

    def _count_there(self, counts: Sequence[Count]) -> Any:
        keys = [limit.key_for(*whose) for limit, whose in counts]
        return self._script(keys, [n for limit, _ in counts for n in (limit.get_expiry(), limit.amount)])

    def _own(self, limit: RateLimitItem) -> RateLimitItem:
        """A limit as this process counts it for itself."""
        return type(limit)(max(1, limit.amount // self._share), limit.multiples, limit.namespace)

    def _left(self, item: RateLimitItem, whose: tuple[str, ...]) -> float:
        reset: float = self._memory.get_window_stats(item, *whose).reset_time
        return reset - time.time()

    def _ask(self, ask: Callable[[], Any]) -> Any:
        """What Redis answers, or None: there is none, or it is left alone. After a pause one request tries it."""
        if self._client is None or self._clock() < self._away_until:
            return None
        probing = bool(self._away_until)
        if probing and not self._trying.acquire(blocking=False):
            return None
        try:
            found = ask()
            self._away_until = 0.0
            return found
        except self._failures as error:
            if not self._away_until:
                log.warning("redis does not answer (%s); limits are counted in memory", type(error).__name__)
            self._away_until = self._clock() + AWAY_SECONDS
            return None
        finally:
            if probing:
                self._trying.release()
