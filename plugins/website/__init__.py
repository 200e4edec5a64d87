"""A public website as a source."""

from __future__ import annotations

from typing import Any

from webchatagent.core.api import Connector, PluginJob, Route, hookimpl


@hookimpl
def connectors(tenant: Any) -> list[Connector]:
    """The kind of source `website`."""
    from .connector import connector_of

    return [connector_of(tenant)]


@hookimpl
def jobs() -> list[PluginJob]:
    """Reading websites anew by the clock."""
    from .refresh import JOBS

    return JOBS


@hookimpl
def routes(tenant: Any) -> list[Route]:
    """The web hook of a site that was published."""
    from .published import ROUTES

    return ROUTES
