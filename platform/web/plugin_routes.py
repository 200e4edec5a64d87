"""`/x/<plugin>/<tenant>/…`: what plugins serve. A plugin that is off for the tenant is not there."""

from __future__ import annotations

from flask import Blueprint, Response, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.routing import Map, Rule

from ..core.closing import refuse_closed
from ..core.egress import calling
from ..core.errors import NotFound
from ..core.routes import MOST_BODY, Route, RouteRequest
from ..core.tenants import Tenant, load_tenant
from .pages import page_language
from .parts import parts

plugin_routes = Blueprint("plugin_routes", __name__)
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


@plugin_routes.route("/x/<plugin>/<slug>/<path:path>", methods=METHODS)
def serve_plugin(plugin: str, slug: str, path: str) -> Response:
    """Hand the request to the plugin's route. Raises NotFound, TenantClosed, MethodNotAllowed, 413."""
    tenant = load_tenant(parts().platform, slug=slug)
    if plugin not in tenant.enabled:
        raise NotFound("There is nothing here.")
    refuse_closed(tenant, page_language(tenant.locale))
    parts().limits.check_refusals(request.remote_addr or "")
    route, found = _find(tenant, plugin, path)
    request.max_content_length = min(route.max_body, MOST_BODY)
    asked = RouteRequest(
        method=request.method,
        path=path,
        query=request.args.to_dict(),
        headers={name.lower(): value for name, value in request.headers.items()},
        body=request.get_data(cache=False),
        address=request.remote_addr or "",
        url=request.base_url,
        parts=found,
        language=page_language(tenant.locale),
    )
    with calling(plugin, tenant):
        answer = route.run(tenant, asked)
    if answer.status in (401, 403):
        parts().limits.count_refusal(request.remote_addr or "")
    body, content_type = answer.written()
    response = Response(body, answer.status, dict(answer.headers))
    response.headers["Content-Type"] = content_type
    response.headers.setdefault("Cache-Control", "no-store")
    return response


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
