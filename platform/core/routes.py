"""Pages and web hooks of plugins: declared, and served below `/x/<plugin>/<tenant>/` by the public app."""

from __future__ import annotations

import json as _json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from .errors import InvalidRequest
from .tenants import Tenant

API = ("leads", "consent")
"""The names below `/api/` that a plugin may answer."""
MOST_BODY = 4_000_000
"""The largest body that a route may ask for, in bytes."""


@dataclass(frozen=True)
class RouteRequest:
    """What somebody sent. `headers` have lower-case names; `parts` are the values of `<name>` in the route's path;
    `url` is the address without the query, as the outside sees it; `language` is what the reader prefers."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(default=b"", repr=False)
    address: str = field(default="", repr=False)
    url: str = ""
    parts: Mapping[str, str] = field(default_factory=dict)
    language: str = "en"
    bot_id: int = 0
    """The bot whose widget sent it, for a route with `widget`; 0 where none is named."""
    session_id: int = 0
    """The visitor's conversation, proven by its key, for a route with `widget`; 0 where there is none."""

    def json(self) -> Any:
        """The body as JSON. Raises InvalidRequest."""
        try:
            return _json.loads(self.body)
        except (ValueError, RecursionError):
            raise InvalidRequest("The request is not JSON.", "send JSON") from None

    def form(self) -> dict[str, str]:
        """The fields of a posted form; the last of a name counts. Raises InvalidRequest."""
        try:
            return dict(parse_qsl(self.body.decode("utf-8"), keep_blank_values=True, max_num_fields=200))
        except ValueError:
            raise InvalidRequest("The form cannot be read.", "send it again") from None


@dataclass(frozen=True)
class RouteResponse:
    """What goes back: bytes, text (HTML unless `content_type` says otherwise), or something to write as JSON."""

    body: bytes | str | Mapping[str, Any] | list[Any] = field(default=b"", repr=False)
    status: int = 200
    content_type: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    def written(self) -> tuple[bytes, str]:
        """The bytes, and their type."""
        if isinstance(self.body, bytes):
            return self.body, self.content_type or "application/octet-stream"
        if isinstance(self.body, str):
            return self.body.encode("utf-8"), self.content_type or "text/html; charset=utf-8"
        return _json.dumps(self.body, ensure_ascii=False).encode("utf-8"), self.content_type or "application/json"


@dataclass(frozen=True)
class Route:
    """A path below `/x/<plugin>/<tenant>/`, such as `webhook` or `confirm/<token>`.

    `run(tenant, request)` runs in a thread with the hosts of its plugin only; what takes long belongs into a job.
    Nothing is checked but the size: a web hook proves itself by its signature, a link by its token. A response of
    401 or 403 counts against the sender's address.
    `per_hour` bounds what is sent (all but GET): so many an hour from one network, and fifty times as many in all.
    With `widget`, pages of a bot's allowed origins may call it, such as a form of the widget; no other page may.
    With `api`, one of `API`, it is also served at `/api/<api>`, for the tenant of the bot or of the conversation.
    """

    path: str
    run: Callable[[Tenant, RouteRequest], RouteResponse] = field(repr=False)
    methods: Sequence[str] = ("GET",)
    max_body: int = 262_144
    per_hour: int = 0
    widget: bool = False
    api: str = ""
