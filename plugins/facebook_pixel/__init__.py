"""Meta Pixel on the tenant's website, after its visitors agreed."""

from __future__ import annotations

from webchatagent.core.api import Alert, Disclosure, SitePurpose, SiteTag, Tenant, hookimpl, needs_consent


@hookimpl
def site_purposes(tenant: Tenant) -> list[SitePurpose]:
    """Marketing."""
    from .tags import purposes

    return purposes(tenant)


@needs_consent("marketing")
@hookimpl
def site_tags(tenant: Tenant, consented: frozenset[str]) -> list[SiteTag]:
    """The pixel with page view, lead and booking."""
    from .tags import tags

    return tags(tenant)


@hookimpl
def privacy_disclosures(tenant: Tenant) -> list[Disclosure]:
    """What Meta sees."""
    from .tags import disclosures

    return disclosures(tenant)


@hookimpl
def alerts(tenant: Tenant) -> list[Alert]:
    """That nobody asks visitors."""
    from .tags import alerts

    return alerts(tenant)
