"""What the admin's page of plans needs: choosing, changing, ending, and the ways to Stripe's own pages."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Literal
from urllib.parse import urlsplit

from sqlalchemy import select

from webchatagent.core.api import (
    BillingStatus,
    InvalidRequest,
    Invoice,
    NotFound,
    PlanOffer,
    Tenant,
    Unavailable,
    now,
)

from .accounts import LIVE, account_of, ensure_customer, read_account
from .client import asking, client_of, operator_of, plain, settings_of
from .models import Account, Plan, StripeInvoice
from .plans import free_plan, list_plans, offer, plan_of_price

State = Literal["none", "free", "trial", "active", "grace", "locked"]
BUCKET = 600
"""Seconds in which a second click leads to the same checkout."""


class StripeBilling:
    """See `core.billing.Billing`."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant

    @property
    def ready(self) -> bool:
        """See Billing.ready."""
        return settings_of(self._tenant).ready

    def plans(self) -> Sequence[PlanOffer]:
        """See Billing.plans."""
        found, account = list_plans(operator_of(self._tenant)), account_of(self._tenant)
        paid = account.price_id if account is not None and account.state in LIVE else "free"
        return [offer(plan, paid) for plan in found if plan.active or paid in (plan.month_price, plan.year_price)]

    def status(self) -> BillingStatus:
        """See Billing.status."""
        account, plans = account_of(self._tenant), list_plans(operator_of(self._tenant))
        if account is None or account.state not in LIVE:
            free = free_plan(plans)
            state: State = "free" if free else "locked" if any(p.active for p in plans) else "none"
            return BillingStatus(state, free.name if free else "")
        plan = plan_of_price(plans, account.price_id)
        payment = f"{account.brand.title()} •••• {account.last4} {account.expires}".strip() if account.last4 else ""
        state, until = self._stands(account)
        return BillingStatus(state, plan.name if plan else "", until, account.ends, payment)

    def _stands(self, account: Account) -> tuple[State, datetime | None]:
        if account.state == "past_due":
            until = (account.failed_at or now()) + timedelta(days=settings_of(self._tenant).grace_days)
            return ("grace" if until > now() else "locked"), until
        return ("trial", account.trial_end) if account.state == "trialing" else ("active", account.period_end)

    def invoices(self) -> Sequence[Invoice]:
        """See Billing.invoices."""
        with self._tenant.read() as db:
            rows = db.scalars(select(StripeInvoice).order_by(StripeInvoice.day.desc(), StripeInvoice.id.desc()))
            return [Invoice(r.invoice_id, r.number, r.day, r.total, r.currency, r.state) for r in rows]

    def choose(self, price: str, email: str, back: str) -> str:
        """See Billing.choose."""
        plan = plan_of_price([p for p in list_plans(operator_of(self._tenant)) if p.active], price)
        if plan is None:
            raise InvalidRequest("There is no such price.", "choose one of the plans", code="price_unknown")
        account = ensure_customer(self._tenant, email)
        if account.state in LIVE:
            self._change(account, plan, price)
            return ""
        return self._checkout(account, plan, price, back)

    def _change(self, account: Account, plan: Plan, price: str) -> None:
        """Another price from now on; what was paid already is counted day by day."""
        if account.currency and account.currency != plan.currency:
            raise InvalidRequest(
                f"Your plan is paid in {account.currency.upper()}; it cannot go on in another currency.",
                "end it first, and choose the other one then",
                code="currency_other",
            )
        if account.price_id != price:
            changed: Any = {
                "items": [{"id": account.item_id, "price": price}],
                "proration_behavior": "create_prorations" if account.state == "trialing" else "always_invoice",
                "cancel_at_period_end": False,
            }
            with asking():
                client_of(self._tenant).v1.subscriptions.update(account.subscription_id, params=changed)
        read_account(self._tenant)

    def _checkout(self, account: Account, plan: Plan, price: str, back: str) -> str:
        config = settings_of(self._tenant)
        subscription: dict[str, Any] = {"metadata": {"tenant": self._tenant.slug}}
        trial = plan.trial_days if not account.trialed else 0
        if trial:
            subscription["trial_period_days"] = trial
        wanted: Any = {
            "mode": "subscription",
            "customer": account.customer_id,
            "client_reference_id": self._tenant.slug,
            "line_items": [{"price": price, "quantity": 1}],
            "success_url": f"{back}?done=yes",
            "cancel_url": back,
            "allow_promotion_codes": True,
            "tax_id_collection": {"enabled": True},
            "customer_update": {"name": "auto", "address": "auto"},
            "billing_address_collection": "required",
            "automatic_tax": {"enabled": config.automatic_tax},
            "subscription_data": subscription,
        }
        moment = int(now().timestamp()) // BUCKET
        options: Any = {"idempotency_key": f"checkout-{account.customer_id}-{price}-{trial}-{moment}"}
        with asking():
            made = client_of(self._tenant).v1.checkout.sessions.create(params=wanted, options=options)
        return _address(made.url)

    def end(self, at_end: bool) -> None:
        """See Billing.end."""
        account = self._bought()
        with asking():
            changed: Any = {"cancel_at_period_end": at_end}
            client_of(self._tenant).v1.subscriptions.update(account.subscription_id, params=changed)
        read_account(self._tenant)

    def portal(self, back: str) -> str:
        """See Billing.portal."""
        account = account_of(self._tenant)
        if account is None or not account.customer_id:
            raise NotFound("Nothing was bought yet.")
        wanted: Any = {"customer": account.customer_id, "return_url": back}
        with asking():
            return _address(client_of(self._tenant).v1.billing_portal.sessions.create(params=wanted).url)

    def invoice_url(self, invoice: str) -> str:
        """See Billing.invoice_url."""
        with self._tenant.read() as db:
            if db.scalar(select(StripeInvoice.id).where(StripeInvoice.invoice_id == invoice)) is None:
                raise NotFound("There is no such invoice.")
        with asking():
            found = plain(client_of(self._tenant).v1.invoices.retrieve(invoice))
        return _address(found.get("hosted_invoice_url"))

    def refresh(self) -> None:
        """See Billing.refresh."""
        read_account(self._tenant)

    def _bought(self) -> Account:
        account = account_of(self._tenant)
        if account is None or account.state not in LIVE:
            raise NotFound("There is no paid plan.")
        return account


def _address(url: object) -> str:
    """An address of Stripe's pages. Raises Unavailable for anything that a browser should not be sent to."""
    if not isinstance(url, str) or urlsplit(url).scheme not in ("https", "http") or not urlsplit(url).hostname:
        raise Unavailable("Stripe gave no address.", "try again in a moment", retry_after=5)
    return url
