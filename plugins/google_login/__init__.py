"""Signing in to the admin with a Google account, by OpenID Connect."""

from __future__ import annotations

from typing import Any

from webchatagent.core.api import Disclosure, LoginMethod, Problem, Tenant, hookimpl

from .config import Config


@hookimpl
def login_methods(tenant: Tenant) -> list[LoginMethod]:
    """Google, once the client is set."""
    from .method import methods

    return methods(tenant.config(Config))


@hookimpl
def plugin_check(tenant: Tenant, config: Any) -> list[Problem]:
    """Whether the client is set, and the provider's description can be read."""
    from .check import problems

    return problems(config)


@hookimpl
def privacy_disclosures(tenant: Tenant) -> list[Disclosure]:
    """What Google learns of somebody who signs in."""
    from .disclosures import disclosures

    return disclosures(tenant)
