"""Deleting in time: events after a month, and what books need of a tenant that is gone, until the law lets it go."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, select

from webchatagent.core.api import OPERATOR, ErasureReport, InvalidRequest, Tenant, Unavailable, WebChatAgentError

from .accounts import account_of
from .client import asking, client_of, operator_of, settings_of
from .models import Account, Customer, KeptInvoice, StripeEvent, StripeInvoice

EVENT_DAYS = 30
"""Stripe delivers an event again for three days; its id is kept longer."""


def keep_until(day: datetime, years: int) -> datetime:
    """The end of the last year in which an invoice must be kept: the time begins with the end of its own year."""
    return datetime(day.year + years, 12, 31, 23, 59, 59, tzinfo=UTC)


def purge(tenant: Tenant, at: datetime) -> ErasureReport:
    """Forget old events, and invoices of tenants that are gone when their time is over."""
    if tenant.slug != OPERATOR:
        return ErasureReport()
    done = {}
    with tenant.write() as db:
        old = delete(StripeEvent).where(StripeEvent.created_at < at - timedelta(days=EVENT_DAYS))
        over = delete(KeptInvoice).where(KeptInvoice.keep_until < at)
        for name, statement in (("events", old), ("kept_invoices", over)):
            found = db.execute(statement.execution_options(synchronize_session=False))
            done[name] = int(getattr(found, "rowcount", 0))
    return ErasureReport(done)


def erase_all(tenant: Tenant) -> ErasureReport:
    """End the tenant's subscription and delete its customer at Stripe; invoices move to the operator's books."""
    account = account_of(tenant)
    if account is None:
        return ErasureReport({"account": 0})
    kept = _forgotten_at_stripe(tenant, account)
    last = _keep_invoices(tenant)
    if last is not None:
        kept["invoices"] = f"the law wants them until {last:%Y-%m-%d}"
    operator = operator_of(tenant)
    with operator.write() as db:
        gone = delete(Customer).where(Customer.customer_id == account.customer_id)
        db.execute(gone.execution_options(synchronize_session=False))
    counts = {}
    with tenant.write() as db:
        for model, name in ((Account, "account"), (StripeInvoice, "invoices")):
            found = db.execute(delete(model).execution_options(synchronize_session=False))
            counts[name] = int(getattr(found, "rowcount", 0))
    return ErasureReport(counts, kept)


def _forgotten_at_stripe(tenant: Tenant, account: Account) -> dict[str, str]:
    """Delete the customer, which ends its subscriptions at once; Stripe keeps the invoices. What was not possible."""
    try:
        with asking():
            client_of(tenant).v1.customers.delete(account.customer_id)
    except InvalidRequest:  # gone already, or the account is another one: nothing can be done from here
        return {}
    except Unavailable:
        raise
    except WebChatAgentError:
        return {"customer": "Stripe does not take the operator's key; delete the customer in its dashboard"}
    return {}


def _keep_invoices(tenant: Tenant) -> datetime | None:
    """Copy the invoices to the operator's books; returns the last date until which one is kept."""
    years = settings_of(tenant).keep_years
    with tenant.read() as db:
        rows = list(db.scalars(select(StripeInvoice)))
    last: datetime | None = None
    with operator_of(tenant).write() as db:
        known = set(db.scalars(select(KeptInvoice.invoice_id)))
        for row in rows:
            until = keep_until(row.day, years)
            last = max(last, until) if last else until
            if row.invoice_id not in known:
                db.add(
                    KeptInvoice(
                        invoice_id=row.invoice_id,
                        number=row.number,
                        day=row.day,
                        total=row.total,
                        currency=row.currency,
                        keep_until=until,
                    )
                )
    return last
