"""Finds personal data in what goes to a model: contact data, numbers of papers and accounts, cued names, secrets."""

from __future__ import annotations

from webchatagent.core.api import PersonalSpan, Tenant, hookimpl


@hookimpl
def find_personal_data(tenant: Tenant, text: str, language: str) -> list[PersonalSpan] | None:
    """What the tenant's mode calls personal in a text of any language."""
    from .config import Config
    from .detect import find

    config = tenant.config(Config)
    return find(text, config.mode, config.regions)
