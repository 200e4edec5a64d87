"""Breakers that the processes of an installation tell each other about, by way of Redis.

A thread asks and tells, once a second, so that no message waits for it; without Redis each process has its own.
"""

from __future__ import annotations

import json
import logging
import queue
import threading
from collections.abc import Hashable
from typing import Any

from ..core.breaker import Breakers
from ..redis_client import connect

log = logging.getLogger(__name__)
NAME = "webchatagent-breakers"
"""A sorted set: which breaker is open, until when by the clock of Redis. Ids of tenants and names of models, no more."""
LOOK_SECONDS = 1.0
AWAY_SECONDS = 5.0


class SharedBreakers(Breakers):
    """Begins to share with the first question that is asked, so that making an app calls nobody."""

    def __init__(self, url: str, look_seconds: float = LOOK_SECONDS) -> None:
        super().__init__(changed=lambda key, seconds: self._news.put((key, seconds)))
        self._url, self._look_seconds = url, look_seconds
        self._news: queue.SimpleQueue[tuple[Hashable, float]] = queue.SimpleQueue()
        self._seen: dict[Hashable, float] = {}
        self._begun, self._over = False, threading.Event()

    def close(self) -> None:
        """Share no more."""
        self._over.set()

    def allows(self, key: Hashable) -> bool:
        """See `Breakers.allows`."""
        if not self._begun:
            self._begun = True
            threading.Thread(target=self._share, name="breakers", daemon=True).start()
        return super().allows(key)

    def _share(self) -> None:
        import redis

        client, away = connect(self._url), False
        while not self._over.is_set():
            try:
                key, seconds = self._news.get(timeout=AWAY_SECONDS if away else self._look_seconds)
            except queue.Empty:
                key, seconds = None, 0.0
            try:
                at, part = client.time()
                if key is not None:
                    self._tell(client, key, at + part / 1e6, seconds)
                self._look(client, at + part / 1e6)
                away = False
            except (redis.RedisError, OSError) as error:
                if not away:
                    log.warning("redis does not answer (%s); breakers are each process's own", type(error).__name__)
                away = True

    def _tell(self, client: Any, key: Hashable, at: float, seconds: float) -> None:
        member = json.dumps(key)
        pipe = client.pipeline(transaction=False)
        pipe.zremrangebyscore(NAME, "-inf", at)
        if seconds:
            pipe.zadd(NAME, {member: at + seconds})
            pipe.expire(NAME, 3600)
        else:
            pipe.zrem(NAME, member)
        pipe.execute()
        self._seen.pop(key, None)
        if seconds:
            self._seen[key] = at + seconds

    def _look(self, client: Any, at: float) -> None:
        found = client.zrangebyscore(NAME, at, "+inf", withscores=True)
        now_open: dict[Hashable, float] = {tuple(json.loads(member)): until for member, until in found}
        for key, until in now_open.items():
            if self._seen.get(key) != until:
                self.learn(key, until - at)
        for key, until in self._seen.items():
            if key not in now_open and until > at:  # closed before its time
                self.learn(key, 0.0)
        self._seen = now_open
