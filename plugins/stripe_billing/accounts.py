"""Where a tenant stands at Stripe: read from there as a whole, so that late, double or shuffled events change nothing."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select

from webchatagent.core.api import Tenant, insert_row, now

from .client import asking, client_of, operator_of, plain
from .entitle import entitle
from .models import Account, Customer, StripeInvoice

LIVE = ("active", "trialing", "past_due")
RANK = ("active", "trialing", "past_due", "unpaid", "paused", "incomplete", "canceled", "incomplete_expired")
"""Stripe's states of a subscription, the best first: of several the best one counts."""
MOST_INVOICES = 24


def account_of(tenant: Tenant) -> Account | None:
    """What is known here, or None for a tenant that never bought."""
    with tenant.read() as db:
        found: Account | None = db.scalar(select(Account))
    return found


def ensure_customer(tenant: Tenant, email: str) -> Account:
    """The tenant's customer at Stripe, made once however often somebody clicks."""
    known = account_of(tenant)
    if known is not None and known.customer_id:
        return known
    params: Any = {
        "email": email,
        "name": tenant.name,
        "metadata": {"tenant": tenant.slug},
        "preferred_locales": [tenant.locale],
    }
    with asking():
        options: Any = {"idempotency_key": f"customer-{tenant.slug}-{tenant.id}-{email}"}
        customer = client_of(tenant).v1.customers.create(params=params, options=options).id
    operator = operator_of(tenant)
    with operator.write() as db:
        if db.scalar(select(Customer.id).where(Customer.customer_id == customer)) is None:
            insert_row(db, Customer, customer_id=customer, whose=tenant.id)
    with tenant.write() as db:
        row = db.scalar(select(Account))
        if row is None:
            db.add(Account(customer_id=customer))
    found = account_of(tenant)
    assert found is not None
    return found


def read_account(tenant: Tenant) -> None:
    """Ask Stripe how things stand, write it down, and let core know what is allowed. Raises Unavailable."""
    known = account_of(tenant)
    if known is None or not known.customer_id:
        entitle(tenant)
        return
    begun = now()
    values, invoices = _asked(tenant, known.customer_id)
    with tenant.write() as db:
        row = db.scalar(select(Account))
        if row is None or (row.read_at is not None and row.read_at > begun):
            return  # somebody asked later than this, and wrote before
        for name, value in values.items():
            setattr(row, name, value)
        row.read_at, row.trialed = begun, row.trialed or bool(values["trial_end"])
        _keep_invoices(db, invoices)
    entitle(tenant)


def _asked(tenant: Tenant, customer: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The columns of an account, and its invoices."""
    api = client_of(tenant).v1
    expand = ["data.latest_invoice", "data.default_payment_method"]
    listed: Any = {"customer": customer, "status": "all", "limit": 20, "expand": expand}
    with asking():
        found = [plain(s) for s in api.subscriptions.list(params=listed).data]
        invoices = [plain(i) for i in api.invoices.list(params={"customer": customer, "limit": MOST_INVOICES}).data]
        chosen = best(found)
        method = (chosen or {}).get("default_payment_method")
        if chosen and not isinstance(method, dict):
            kept: Any = {"expand": ["invoice_settings.default_payment_method"]}
            whole = plain(api.customers.retrieve(customer, params=kept))
            method = (whole.get("invoice_settings") or {}).get("default_payment_method")
    return {**_columns(chosen), **_card(method), "several": _live(found) > 1}, invoices


def best(found: Iterable[dict[str, Any]]) -> dict[str, Any] | None:
    """Of several subscriptions the one that counts: the best state, then the newest."""

    def rank(one: dict[str, Any]) -> tuple[int, int, str]:
        state = one.get("status", "")
        return (RANK.index(state) if state in RANK else len(RANK), -int(one.get("created") or 0), str(one.get("id")))

    return min(found, key=rank, default=None)


def _live(found: Iterable[dict[str, Any]]) -> int:
    return sum(one.get("status") in LIVE for one in found)


def _columns(chosen: dict[str, Any] | None) -> dict[str, Any]:
    """The columns of a subscription. Since 2025 the paid time stands on its items."""
    if chosen is None:
        return {**dict.fromkeys(("subscription_id", "item_id", "price_id", "currency", "state"), ""), **_NOTHING}
    items = (chosen.get("items") or {}).get("data") or [{}]
    first = items[0]
    latest = chosen.get("latest_invoice")
    failed = latest.get("created") if chosen["status"] == "past_due" and isinstance(latest, dict) else None
    return {
        "subscription_id": chosen["id"],
        "item_id": first.get("id", ""),
        "price_id": (first.get("price") or {}).get("id", ""),
        "currency": str(chosen.get("currency", "")).lower(),
        "state": chosen["status"],
        "period_end": _moment(first.get("current_period_end") or chosen.get("ended_at")),
        "trial_end": _moment(chosen.get("trial_end")),
        "failed_at": _moment(failed),
        "ends": bool(chosen.get("cancel_at_period_end") or chosen.get("cancel_at")),
    }


_NOTHING: dict[str, Any] = {"period_end": None, "trial_end": None, "failed_at": None, "ends": False}


def _card(method: Any) -> dict[str, str]:
    card = (method.get("card") if isinstance(method, dict) else None) or {}
    month, year = card.get("exp_month"), card.get("exp_year")
    return {
        "brand": str(card.get("brand", ""))[:20],
        "last4": str(card.get("last4", ""))[:4],
        "expires": f"{int(month):02}/{int(year)}" if month and year else "",
    }


def _moment(seconds: Any) -> datetime | None:
    return datetime.fromtimestamp(int(seconds), UTC) if seconds else None


def _keep_invoices(db: Any, invoices: Iterable[dict[str, Any]]) -> None:
    """Write the invoices that were sent; a draft is none yet."""
    known = {row.invoice_id: row for row in db.scalars(select(StripeInvoice))}
    for one in invoices:
        if one.get("status") in (None, "draft"):
            continue
        row = known.get(one["id"]) or StripeInvoice(invoice_id=one["id"])
        row.number, row.state = str(one.get("number") or ""), str(one["status"])
        row.day = _moment(one.get("created")) or now()
        row.total, row.currency = int(one.get("total") or 0), str(one.get("currency", "")).lower()
        db.add(row)
