"""What Stripe gets: name and address of whoever pays, entered on its own pages. Visitors are never sent there."""

from __future__ import annotations

from dataclasses import replace

from webchatagent.core.api import Disclosure, Tenant, disclose

from .client import settings_of


def disclosures(tenant: Tenant) -> list[Disclosure]:
    """The account of the paying person; invoices stay as long as the law wants."""
    config = settings_of(tenant)
    days = config.keep_years * 366
    at_stripe = disclose(
        tenant, "stripe_billing", "stripe_billing.account", ("account",), "billing", days, config.api_url
    )
    return [replace(at_stripe, transfer="US")]
