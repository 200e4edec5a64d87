"""The public Flask app. No session, no cookie, no user: a visitor is a header."""

from __future__ import annotations

import logging
import uuid
from urllib.parse import urlsplit

import orjson
from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException

from ..core import observing
from ..core.bots import BotFinder
from ..core.breaker import Breakers
from ..core.errors import WebChatAgentError
from ..core.settings import Settings
from ..core.tenants import Platform
from ..core.turns import TurnRunner
from ..proxies import trust_proxies
from . import metrics
from .accesslog import AccessLog
from .chat import chat, json_response
from .files import files
from .health import health
from .limits import Limits
from .management.openapi import api
from .me import me
from .origins import allow_origin, is_allowed, normal_origin, preflight
from .pages import pages
from .parts import KEY, Parts, parts
from .plugin_routes import plugin_routes
from .shared_breakers import SharedBreakers

log = logging.getLogger(__name__)
CODES = {
    400: "bad_request",
    404: "not_found",
    405: "method_not_allowed",
    413: "message_too_long",
    415: "invalid_request",
}


def create_public(platform: Platform, runner: TurnRunner | None = None) -> Flask:
    """The public app of a platform. Touches no network; the database only per request."""
    app = Flask("webchatagent.web", static_folder=None, template_folder="templates")
    app.config["MAX_CONTENT_LENGTH"] = 256 * 1024
    limits = Limits(platform.settings)
    bots = BotFinder(platform)
    platform.forget = bots.forget  # what is set in the admin of this process counts for the next message
    app.extensions[KEY] = Parts(platform, bots, runner or TurnRunner(_breakers(platform)), limits)
    for blueprint in (chat, me, files, pages, health, api, plugin_routes):
        app.register_blueprint(blueprint)
    app.register_error_handler(WebChatAgentError, _known_error)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _unknown_error)
    app.before_request(_before)
    app.after_request(_after)
    access = AccessLog(platform.settings)
    app.before_request(access.begin)
    app.after_request(access.write)
    _watch(app, platform.settings)
    trust_proxies(app, platform.settings)
    if platform.settings.production:
        app.config["TRUSTED_HOSTS"] = [urlsplit(platform.settings.public_url).hostname]
    return app


def _watch(app: Flask, settings: Settings) -> None:
    """Count turns and requests, and send spans where that is wanted."""
    if metrics.observe not in observing.observers:
        observing.observers.append(metrics.observe)
    app.after_request(metrics.count_request)
    if settings.otlp_url:
        from .tracing import install

        install(app, settings.otlp_url)


def _breakers(platform: Platform) -> Breakers:
    url = platform.settings.redis_url
    return SharedBreakers(url) if url else Breakers()


def _before() -> Response | None:
    """Answer a browser's preflight. Which bot it is for is not known yet, so the real request is checked again."""
    g.request_id = uuid.uuid4().hex
    if request.method == "OPTIONS" and request.path.startswith(("/api/", "/x/")):
        origin = normal_origin(request.headers.get("Origin", ""))
        return preflight(origin) if origin else Response(status=204)
    return None


def _after(response: Response) -> Response:
    bot, origin = g.get("bot"), request.headers.get("Origin")
    if bot is not None and origin and is_allowed(origin, bot, request, parts().platform.settings):
        allow_origin(response, normal_origin(origin))
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "no-referrer")
    response.headers["X-Request-Id"] = g.get("request_id", "")
    if parts().platform.settings.production:
        response.headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
    return response


def _known_error(error: WebChatAgentError) -> Response:
    response = json_response(error.as_json(), error.status)
    if error.retry_after:
        response.headers["Retry-After"] = str(error.retry_after)
    if error.status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="WebChatAgent"'
    return response


def _http_error(error: HTTPException) -> Response:
    status = error.code or 500
    if 300 <= status < 400:
        return error.get_response()  # type: ignore[return-value]
    message = "There is nothing here." if status == 404 else (error.description or error.name)
    return json_response({"error": {"code": CODES.get(status, "error"), "message": message}}, status)


def _unknown_error(error: Exception) -> Response:
    """Say nothing of what happened: a trace, a statement or a path is no answer. The log has it, by request id."""
    log.exception("request %s failed", g.get("request_id"))
    response = Response(
        orjson.dumps({"error": {"code": "try_again", "message": "Something went wrong here. Please try again."}}),
        503,
        {"Content-Type": "application/json", "Retry-After": "2"},
    )
    return response
