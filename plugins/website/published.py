"""The web hook by which a site says that it was published, so that nobody waits for the clock."""

from __future__ import annotations

import hmac
from datetime import timedelta

from webchatagent.core.api import Route, RouteRequest, RouteResponse, Tenant, refresh_sources

from .config import Config

PAUSE = timedelta(minutes=1)
"""A site that publishes again and again is read once in this time."""


def published(tenant: Tenant, request: RouteRequest) -> RouteResponse:
    """Queue the tenant's websites to be read anew; 403 without the key."""
    key = tenant.config(Config).publish_key.get_secret_value()
    given = request.headers.get("authorization", "").removeprefix("Bearer ")
    if not key or not hmac.compare_digest(given.encode(), key.encode()):
        error = {"code": "key_wrong", "message": "The key is wrong. (send it as `Authorization: Bearer KEY`)"}
        return RouteResponse({"error": error}, 403)
    return RouteResponse({"queued": refresh_sources(tenant, "website", PAUSE)}, 202)


ROUTES = [Route("published", published, ("POST",), max_body=65_536)]
