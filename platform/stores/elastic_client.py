"""The connection to Elasticsearch: its address, its patience, and one error for everything that trying again cures."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from elasticsearch import ApiError, Elasticsearch, NotFoundError, TransportError

from ..core.errors import IndexUnavailable
from ..core.settings import SettingError

log = logging.getLogger(__name__)
READ_SECONDS = 4.0  # a question waits no longer
WRITE_SECONDS = 60.0
PAUSE = 5.0  # seconds in which nobody is sent to a cluster that did not answer
_AGAIN = (429, 502, 503, 504)


class IndexMissing(IndexUnavailable):
    """An index that was there is gone."""

    code = "index_missing"


@dataclass(frozen=True)
class Address:
    """Where the cluster is, without the password that may stand in its URL."""

    url: str
    prefix: str = "webchatagent"
    login: tuple[str, str] | None = field(default=None, repr=False)
    authority: str = ""
    shards: int = 1


def read_address(url: str) -> Address:
    """The parts of WEBCHATAGENT_ELASTICSEARCH_URL: `https://user:password@host:9200?prefix=…&shards=…&ca=…`."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise SettingError("WEBCHATAGENT_ELASTICSEARCH_URL is no address", "use https://user:password@host:9200")
    options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    port = parts.port or (443 if parts.scheme == "https" else 9200)
    login = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
    shards = options.get("shards", "1")
    if not (shards.isascii() and shards.isdigit() and 0 < int(shards) <= 1024):
        raise SettingError("`shards` of WEBCHATAGENT_ELASTICSEARCH_URL is no number", "use 1 to 1024")
    return Address(
        f"{parts.scheme}://{host}:{port}{parts.path.rstrip('/')}",
        options.get("prefix", "webchatagent"),
        login,
        options.get("ca", ""),
        int(shards),
    )


class Connection:
    """A client for readers and one for writers; a cluster that does not answer is left alone for some seconds.

    `clock` gives seconds that only grow.
    """

    def __init__(self, address: Address, clock: Callable[[], float] = time.monotonic) -> None:
        kwargs: dict[str, Any] = {"max_retries": 0, "retry_on_timeout": False}
        if address.login:
            kwargs["basic_auth"] = address.login
        if address.authority:
            kwargs["ca_certs"] = address.authority
        self._client = Elasticsearch(address.url, **kwargs)
        self.read = self._client.options(request_timeout=READ_SECONDS)
        self.write = self._client.options(request_timeout=WRITE_SECONDS)
        self._clock, self._closed_until = clock, 0.0

    @contextlib.contextmanager
    def asking(self) -> Iterator[Elasticsearch]:
        """The client for a question. Raises Unavailable, at once while the cluster is known not to answer."""
        if self._clock() < self._closed_until:
            raise IndexUnavailable("The index does not answer.", "try again in a moment", retry_after=int(PAUSE))
        with self._translated():
            yield self.read

    @contextlib.contextmanager
    def writing(self) -> Iterator[Elasticsearch]:
        """The client for a change. Raises Unavailable."""
        with self._translated():
            yield self.write

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except NotFoundError as error:
            raise IndexMissing(
                "The index is gone.", "it is made again from the stored texts", retry_after=30
            ) from error
        except ApiError as error:
            if error.meta.status not in _AGAIN and error.error != "cluster_block_exception":
                raise
            log.warning("elasticsearch answered %s %s", error.meta.status, error.error)
            raise IndexUnavailable("The index is busy.", "try again in a moment", retry_after=2) from error
        except TransportError as error:
            self._closed_until = self._clock() + PAUSE
            log.warning("elasticsearch does not answer: %s", type(error).__name__)
            raise IndexUnavailable(
                "The index does not answer.", "try again in a moment", retry_after=int(PAUSE)
            ) from error
        self._closed_until = 0.0

    def close(self) -> None:
        """Let go of the sockets."""
        self._client.close()
