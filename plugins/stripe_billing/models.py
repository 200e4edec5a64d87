"""Tables: plans and what came from Stripe (rows of the operator's tenant), and where each tenant stands.

No column can hold a card: Stripe's page takes it, and what is kept of it is the brand, four digits and the month.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from webchatagent.core.api import Base, TenantOwned, new_uuid, now


class Plan(TenantOwned, Base):
    """A plan that the operator sells. A limit of 0 is none; `plugins` are names with blanks between, empty for all.

    Amounts are in the smallest unit of `currency`, as Stripe gave them for the price ids when the plan was saved.
    """

    __tablename__ = "stripe_plan"
    __table_args__ = (UniqueConstraint("tenant_id", "public_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(36), default=new_uuid)
    name: Mapped[str] = mapped_column(String(80))
    summary: Mapped[str] = mapped_column(String(300), default="")
    position: Mapped[int] = mapped_column(default=0)
    active: Mapped[bool] = mapped_column(default=True)
    month_price: Mapped[str] = mapped_column(String(80), default="")
    month_amount: Mapped[int] = mapped_column(default=0)
    year_price: Mapped[str] = mapped_column(String(80), default="")
    year_amount: Mapped[int] = mapped_column(default=0)
    currency: Mapped[str] = mapped_column(String(3), default="")
    trial_days: Mapped[int] = mapped_column(default=0)
    bots: Mapped[int] = mapped_column(default=0)
    members: Mapped[int] = mapped_column(default=0)
    pages: Mapped[int] = mapped_column(default=0)
    messages: Mapped[int] = mapped_column(default=0)
    tokens: Mapped[int] = mapped_column(BigInteger, default=0)
    plugins: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(default=now)


class Account(TenantOwned, Base):
    """Where a tenant stands at Stripe, as it was read there last. `state` is Stripe's own word, or empty."""

    __tablename__ = "stripe_account"
    __table_args__ = (UniqueConstraint("tenant_id"), UniqueConstraint("customer_id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[str] = mapped_column(String(80), default="")
    subscription_id: Mapped[str] = mapped_column(String(80), default="")
    item_id: Mapped[str] = mapped_column(String(80), default="")
    price_id: Mapped[str] = mapped_column(String(80), default="")
    currency: Mapped[str] = mapped_column(String(3), default="")
    state: Mapped[str] = mapped_column(String(30), default="")
    period_end: Mapped[datetime | None]
    trial_end: Mapped[datetime | None]
    failed_at: Mapped[datetime | None]
    ends: Mapped[bool] = mapped_column(default=False)
    several: Mapped[bool] = mapped_column(default=False)
    trialed: Mapped[bool] = mapped_column(default=False)
    brand: Mapped[str] = mapped_column(String(20), default="")
    last4: Mapped[str] = mapped_column(String(4), default="")
    expires: Mapped[str] = mapped_column(String(7), default="")
    read_at: Mapped[datetime | None]


class Customer(TenantOwned, Base):
    """Whose customer it is: `whose` is the id of a tenant. A row of the operator's, since events come to the operator."""

    __tablename__ = "stripe_customer"
    __table_args__ = (UniqueConstraint("tenant_id", "customer_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[str] = mapped_column(String(80))
    whose: Mapped[int]


class StripeEvent(TenantOwned, Base):
    """The inbox: ids of events that were taken, each once. What happened is read from Stripe, not from the event."""

    __tablename__ = "stripe_event"
    __table_args__ = (UniqueConstraint("tenant_id", "event_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    event_id: Mapped[str] = mapped_column(String(80))
    kind: Mapped[str] = mapped_column(String(80))
    customer_id: Mapped[str] = mapped_column(String(80), default="")
    created_at: Mapped[datetime] = mapped_column(default=now)


class StripeInvoice(TenantOwned, Base):
    """An invoice of a tenant: what books need. After the tenant is gone, `KeptInvoice` has it until its date."""

    __tablename__ = "stripe_invoice"
    __table_args__ = (UniqueConstraint("tenant_id", "invoice_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    invoice_id: Mapped[str] = mapped_column(String(80))
    number: Mapped[str] = mapped_column(String(80), default="")
    day: Mapped[datetime]
    total: Mapped[int] = mapped_column(default=0)
    currency: Mapped[str] = mapped_column(String(3), default="")
    state: Mapped[str] = mapped_column(String(20), default="")


class KeptInvoice(TenantOwned, Base):
    """An invoice of a tenant that is gone, in the operator's books until the law lets it go."""

    __tablename__ = "stripe_kept_invoice"
    __table_args__ = (UniqueConstraint("tenant_id", "invoice_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    invoice_id: Mapped[str] = mapped_column(String(80))
    number: Mapped[str] = mapped_column(String(80), default="")
    day: Mapped[datetime]
    total: Mapped[int] = mapped_column(default=0)
    currency: Mapped[str] = mapped_column(String(3), default="")
    keep_until: Mapped[datetime]
