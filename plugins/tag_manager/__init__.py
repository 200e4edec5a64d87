"""Google Tag Manager on the tenant's website, after its visitors agreed."""

from __future__ import annotations

from webchatagent.core.api import Alert, Disclosure, SitePurpose, SiteTag, Tenant, hookimpl, needs_consent


@hookimpl
def site_purposes(tenant: Tenant) -> list[SitePurpose]:
    """Statistics, and marketing when the container is said to hold it."""
    from .tags import purposes

    return purposes(tenant)


@needs_consent("statistics")
@hookimpl
def site_tags(tenant: Tenant, consented: frozenset[str]) -> list[SiteTag]:
    """The container, with defaults of Consent Mode before it."""
    from .tags import tags

    return tags(tenant)


@hookimpl
def privacy_disclosures(tenant: Tenant) -> list[Disclosure]:
    """What Google sees."""
    from .tags import disclosures

    return disclosures(tenant)


@hookimpl
def alerts(tenant: Tenant) -> list[Alert]:
    """That nobody asks visitors."""
    from .tags import alerts

    return alerts(tenant)
