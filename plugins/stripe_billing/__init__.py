"""Plans: what a workspace may use follows what it pays at Stripe. Switched on by the operator, for everybody."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from webchatagent.core.api import (
    OPERATOR,
    AdminView,
    Alert,
    Billing,
    Disclosure,
    ErasureReport,
    PluginJob,
    Problem,
    Route,
    Tenant,
    hookimpl,
)


@hookimpl
def tenant_created(tenant: Tenant) -> None:
    """The plan without a price, or nothing to change, from the first moment."""
    from .entitle import entitle

    entitle(tenant)


@hookimpl
def billing(tenant: Tenant) -> Billing | None:
    """The plans; the operator's own workspace buys nothing."""
    if tenant.slug == OPERATOR:
        return None
    from .selling import StripeBilling

    return StripeBilling(tenant)


@hookimpl
def plugin_check(tenant: Tenant, config: Any) -> list[Problem]:
    """Whether Stripe takes the key."""
    from .status import problems

    return problems(config)


@hookimpl
def alerts(tenant: Tenant) -> list[Alert]:
    """What is not set, or not paid."""
    from .status import alerts as found

    return found(tenant)


@hookimpl
def routes(tenant: Tenant) -> list[Route]:
    """The web hook, at the operator's tenant."""
    if tenant.slug != OPERATOR:
        return []
    from .webhook import ROUTES

    return ROUTES


@hookimpl
def jobs() -> list[PluginJob]:
    """Taking over what Stripe reports, and what the clock makes right."""
    from .work import jobs as found

    return found()


@hookimpl
def admin_views() -> list[AdminView]:
    """The operator's plans."""
    from .plans import views

    return views()


@hookimpl
def privacy_disclosures(tenant: Tenant) -> list[Disclosure]:
    """What Stripe gets of the people who pay."""
    from .disclosures import disclosures

    return disclosures(tenant)


@hookimpl
def retention_purge(tenant: Tenant, now: datetime) -> ErasureReport:
    """Forget old events, and invoices whose time is over."""
    from .erasing import purge

    return purge(tenant, now)


@hookimpl
def tenant_erase(tenant: Tenant) -> ErasureReport:
    """End the subscription, delete the customer, and keep what the law wants."""
    from .erasing import erase_all

    return erase_all(tenant)
