"""The one place that connects to Redis: nobody waits for it longer than they can afford."""

from __future__ import annotations

from typing import Any

ANSWER_SECONDS = 0.3
"""How long a visitor waits for Redis at most."""


def connect(url: str, seconds: float = ANSWER_SECONDS) -> Any:
    """A client that gives up after so many seconds, and does not try again. Calls nobody yet."""
    import redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    return redis.Redis.from_url(
        url,
        socket_connect_timeout=seconds,
        socket_timeout=seconds,
        retry=Retry(NoBackoff(), 0),  # its default retries for most of a minute
    )


def connect_patiently(url: str) -> Any:
    """A client for a worker that listens: RQ sets how long its commands may take."""
    import redis

    return redis.Redis.from_url(url)
