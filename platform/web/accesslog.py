"""Access logs that cannot be joined with anything: truncated address, no query, no ids, kept for some days.

One JSON line a request in `logs/access-<day>.jsonl` of the data folder. No reverse DNS is ever made.
"""

from __future__ import annotations

import functools
import re
import threading
import time
from typing import IO
from urllib.parse import urlsplit

import orjson
from flask import Response, g, request

from ..core.addresses import truncate_address
from ..core.clock import now
from ..core.retention import delete_old_logs
from ..core.settings import Settings

_BROWSERS = (
    ("Edge", r"Edg(?:e|A|iOS)?/(\d+)"),
    ("Opera", r"OPR/(\d+)"),
    ("Firefox", r"(?:Firefox|FxiOS)/(\d+)"),
    ("Chrome", r"(?:Chrome|CriOS)/(\d+)"),
    ("Safari", r"Version/(\d+).*Safari"),
    ("curl", r"curl/(\d+)"),
)
_SYSTEMS = (
    ("Windows", "Windows"),
    ("Android", "Android"),
    ("iOS", "iPhone|iPad"),
    ("macOS", "Mac OS X"),
    ("Linux", "Linux"),
)


@functools.lru_cache(maxsize=256)
def browser_family(agent: str) -> str:
    """The browser's name and major version, such as `Firefox 128`; `other` when unknown."""
    for name, pattern in _BROWSERS:
        if match := re.search(pattern, agent):
            return f"{name} {match[1]}"
    return "other"


@functools.lru_cache(maxsize=256)
def system_family(agent: str) -> str:
    """The operating system's name; `other` when unknown."""
    return next((name for name, pattern in _SYSTEMS if re.search(pattern, agent)), "other")


class AccessLog:
    """Writes one line a request, and deletes the days that are over."""

    def __init__(self, settings: Settings) -> None:
        self._folder = settings.folder / "logs"
        self._days = int(settings.log_days)
        self._lock = threading.Lock()
        self._day, self._file = "", None  # type: tuple[str, IO[bytes] | None]

    def begin(self) -> None:
        """Remember when the request came."""
        g.began = time.perf_counter()

    def write(self, response: Response) -> Response:
        """Write the line of the present request."""
        agent = request.headers.get("User-Agent", "")
        referrer = urlsplit(request.headers.get("Referer", ""))
        line = (
            orjson.dumps(
                {
                    "at": now().isoformat(timespec="milliseconds"),
                    "method": request.method,
                    "path": str(request.url_rule) if request.url_rule else "-",
                    "status": response.status_code,
                    "ms": round((time.perf_counter() - g.get("began", time.perf_counter())) * 1000, 1),
                    "address": truncate_address(request.remote_addr or ""),
                    "browser": browser_family(agent),
                    "system": system_family(agent),
                    "request": g.get("request_id", ""),
                    "referrer": f"{referrer.scheme}://{referrer.hostname}"
                    if referrer.scheme in ("http", "https") and referrer.hostname
                    else "",
                }
            )
            + b"\n"
        )
        with self._lock:
            self._current().write(line)
        return response

    def _current(self) -> IO[bytes]:
        day = now().date().isoformat()
        if day != self._day or self._file is None:
            if self._file:
                self._file.close()
            self._folder.mkdir(parents=True, exist_ok=True)
            self._day, self._file = day, open(self._folder / f"access-{day}.jsonl", "ab", buffering=0)  # noqa: SIM115
            delete_old_logs(self._folder, self._days)
        return self._file
