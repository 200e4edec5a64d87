"""Who may talk to a bot from a browser: pages of the allowed origins."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Request, Response

from ..core.bots import LiveBot
from ..core.errors import Forbidden
from ..core.settings import Settings

LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})
HEADERS = "Content-Type, X-Chat-Session-Id"


def normal_origin(text: str) -> str:
    """`scheme://host[:port]` in lower case, default ports left out; empty for anything that is no http(s) origin."""
    try:
        parts = urlsplit(text.strip().rstrip("/"))
        port = parts.port
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path or parts.query:
        return ""
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    default = {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{host}" + (f":{port}" if port and port != default else "")


def is_allowed(origin: str, bot: LiveBot, request: Request, settings: Settings) -> bool:
    """Whether a page of this origin may use the bot."""
    normal = normal_origin(origin)
    if not normal:
        return False
    allowed = {normal_origin(o) for o in bot.settings.allowed_origins}
    return is_own(origin, request, settings) or normal in allowed or urlsplit(normal).hostname in LOCAL


def is_own(origin: str, request: Request, settings: Settings) -> bool:
    """Whether an origin is the platform's own."""
    normal = normal_origin(origin)
    return bool(normal) and normal in (normal_origin(request.host_url), normal_origin(settings.public_url))


def check_origin(bot: LiveBot, request: Request, settings: Settings) -> None:
    """Refuse a browser of another site. A request without Origin is a server's. Raises Forbidden."""
    origin = request.headers.get("Origin")
    if origin is not None and not is_allowed(origin, bot, request, settings):
        raise Forbidden("This page may not use this assistant.", "add its origin to the bot", code="origin_not_allowed")


def allow_origin(response: Response, origin: str) -> Response:
    """Add the CORS headers for one origin; credentials are never allowed, there are none."""
    response.headers["Access-Control-Allow-Origin"] = origin
    response.headers["Access-Control-Expose-Headers"] = "X-Chat-Session-Id, Retry-After"
    response.headers.add("Vary", "Origin")
    return response


def preflight(origin: str) -> Response:
    """The answer to an OPTIONS request of an allowed origin."""
    response = allow_origin(Response(status=204), origin)
    response.headers["Access-Control-Allow-Methods"] = "GET, POST, OPTIONS"
    response.headers["Access-Control-Allow-Headers"] = HEADERS
    response.headers["Access-Control-Max-Age"] = "600"
    return response
