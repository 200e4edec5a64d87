"""Look-ups and actions at a service of the tenant's choice, defined without code."""

from __future__ import annotations

from typing import Any

from webchatagent.core.api import Disclosure, Problem, Tenant, Tool, ToolContext, hookimpl

from .config import Config


@hookimpl
def assistant_tools(tenant: Tenant, context: ToolContext) -> list[Tool]:
    """What the tenant defined."""
    from .tools import tools

    return tools(tenant.config(Config))


@hookimpl
def plugin_check(tenant: Tenant, config: Any) -> list[Problem]:
    """Whether every look-up that has an example gives something."""
    from .check import problems

    return problems(config)


@hookimpl
def privacy_disclosures(tenant: Tenant) -> list[Disclosure]:
    """That the service gets what it is asked for."""
    from .disclosures import disclosures

    return disclosures(tenant.config(Config))
