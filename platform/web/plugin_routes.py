"""`/x/<plugin>/<tenant>/…`: what plugins serve. A plugin that is off for the tenant is not there."""

from __future__ import annotations

from typing import Any

import orjson
from flask import Blueprint, Response, g, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.routing import Map, Rule

from ..core.bots import LiveBot
from ..core.closing import refuse_closed
from ..core.egress import calling
from ..core.errors import Forbidden, NotFound
from ..core.routes import API, MOST_BODY, Route, RouteRequest
from ..core.sessions import locate_session
from ..core.tenants import Tenant, load_tenant
from .chat import SESSION
from .origins import check_origin, is_own
from .pages import page_language
from .parts import parts

plugin_routes = Blueprint("plugin_routes", __name__)
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


@plugin_routes.route("/x/<plugin>/<slug>/<path:path>", methods=METHODS)
def serve_plugin(plugin: str, slug: str, path: str) -> Response:
    """Hand the request to the plugin's route. Raises NotFound, TenantClosed, MethodNotAllowed, 413, RateLimited."""
    tenant = load_tenant(parts().platform, slug=slug)
    if plugin not in tenant.enabled:
        raise NotFound("There is nothing here.")
    refuse_closed(tenant, page_language(tenant.locale))
    parts().limits.check_refusals(request.remote_addr or "")
    route, found = _find(tenant, plugin, path)
    request.max_content_length = min(route.max_body, MOST_BODY)
    body = request.get_data(cache=False)
    bot = _named_bot(body) if route.widget else None
    return _serve(tenant, plugin, route, body, bot, found)


def serve_api(name: str) -> Response:
    """Hand a request of the chat API to the plugin that answers it. Raises NotFound, TenantClosed, RateLimited."""
    body = request.get_data(cache=False)
    bot = _named_bot(body) or _bot_of_session()
    if bot is None:
        raise NotFound("There is no such bot.", "send `chatbotId`", code="bot_not_found")
    tenant = load_tenant(parts().platform, tenant_id=bot.tenant.id)
    refuse_closed(tenant, page_language(tenant.locale))
    for plugin, route in tenant.hooks.each("routes", tenant=tenant):
        if route.api == name and request.method in route.methods:
            return _serve(tenant, plugin, route, body, bot, {})
    raise NotFound("There is nothing here.")


for _name in API:
    plugin_routes.add_url_rule(
        f"/api/{_name}", f"serve_{_name}", serve_api, defaults={"name": _name}, methods=("GET", "POST")
    )


def _serve(
    tenant: Tenant, plugin: str, route: Route, body: bytes, bot: LiveBot | None, found: dict[str, str]
) -> Response:
    language = page_language(tenant.locale)
    if route.per_hour and request.method != "GET":
        name = f"{plugin}/{route.path}"
        parts().limits.check_route(tenant.id, name, request.remote_addr or "", route.per_hour, language)
    bot_id, session_id = _visitor(tenant, bot) if route.widget else (0, 0)
    asked = RouteRequest(
        method=request.method,
        path=request.path.split("/", 4)[-1],
        query=request.args.to_dict(),
        headers={name.lower(): value for name, value in request.headers.items()},
        body=body,
        address=request.remote_addr or "",
        url=request.base_url,
        parts=found,
        language=language,
        bot_id=bot_id,
        session_id=session_id,
    )
    with calling(plugin, tenant):
        answer = route.run(tenant, asked)
    if answer.status in (401, 403):
        parts().limits.count_refusal(request.remote_addr or "")
    content, content_type = answer.written()
    response = Response(content, answer.status, dict(answer.headers))
    response.headers["Content-Type"] = content_type
    response.headers.setdefault("Cache-Control", "no-store")
    return response


def _named_bot(body: bytes) -> LiveBot | None:
    """The bot that the request names, in its JSON or its query; none when it names none. Raises NotFound."""
    sent: Any = request.args.get("chatbotId")
    if request.is_json:
        try:
            value = orjson.loads(body)
        except orjson.JSONDecodeError:
            value = None
        sent = value.get("chatbotId", sent) if isinstance(value, dict) else sent
    if sent is None:
        return None
    return parts().bots.find(sent if isinstance(sent, str) and len(sent) == 36 else "-")


def _bot_of_session() -> LiveBot | None:
    located = locate_session(parts().platform, request.headers.get(SESSION))
    return parts().bots.find_row(located.tenant, located.bot_id) if located else None


def _visitor(tenant: Tenant, bot: LiveBot | None) -> tuple[int, int]:
    """Bot and conversation of a request that a page may send. Raises NotFound, and Forbidden for another page."""
    here = parts()
    origin = request.headers.get("Origin")
    if bot is not None:
        if bot.tenant.id != tenant.id:
            raise NotFound("There is no such bot.", code="bot_not_found")
        g.bot = bot
        check_origin(bot, request, here.platform.settings)
    elif origin is not None and not is_own(origin, request, here.platform.settings):
        raise Forbidden("This page may not use this address.", "send `chatbotId`", code="origin_not_allowed")
    located = locate_session(here.platform, request.headers.get(SESSION))
    if located is None or not located.usable or located.tenant.id != tenant.id:
        return (bot.id if bot else 0), 0
    if bot is not None and located.bot_id != bot.id:
        return bot.id, 0
    return located.bot_id, located.session_id


def _find(tenant: Tenant, plugin: str, path: str) -> tuple[Route, dict[str, str]]:
    routes = [r for name, r in tenant.hooks.each("routes", tenant=tenant) if name == plugin]
    rules = Map(
        [Rule(f"/{r.path}", methods=r.methods, endpoint=i) for i, r in enumerate(routes)], redirect_defaults=False
    )
    try:
        index, values = rules.bind("plugin").match(f"/{path}", method=request.method)
    except MethodNotAllowed:
        raise
    except HTTPException:
        raise NotFound("There is nothing here.") from None
    return routes[int(index)], {k: str(v) for k, v in values.items()}
