"""The consent layer of the tenant's website: asks before anything of another company is loaded, and keeps the proof."""

from __future__ import annotations

from webchatagent.core.api import Disclosure, Route, Tenant, hookimpl


@hookimpl
def routes(tenant: Tenant) -> list[Route]:
    """The script, the tags of what was agreed to, and the answers."""
    from . import pages

    return pages.routes()


@hookimpl
def privacy_disclosures(tenant: Tenant) -> list[Disclosure]:
    """The ledger of choices."""
    return [Disclosure("consent.choice", ("time",), "consent", "legal_duty", 1095)]
