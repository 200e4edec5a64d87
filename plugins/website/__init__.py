"""A public website as a source."""

from __future__ import annotations

from typing import Any

from webchatagent.core.api import Connector, hookimpl


@hookimpl
def connectors(tenant: Any) -> list[Connector]:
    """The kind of source `website`."""
    from .connector import connector_of

    return [connector_of(tenant)]
