"""What the plugin that sells plans hands to the admin: plans to choose from, what was chosen, invoices, and the way out
to the company where a card is entered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

State = Literal["none", "free", "trial", "active", "grace", "locked"]


@dataclass(frozen=True)
class Price:
    """What a plan costs for a `month` or a `year`: `amount` in the smallest unit of the ISO `currency`."""

    id: str
    every: Literal["month", "year"]
    amount: int
    currency: str


@dataclass(frozen=True)
class PlanOffer:
    """A plan to choose. `limits` are by the names of `entitlements.LIMITS`; `plugins` of None are all."""

    id: str
    name: str
    summary: str
    prices: Sequence[Price] = ()
    limits: Mapping[str, int] = field(default_factory=dict)
    plugins: Sequence[str] | None = None
    trial_days: int = 0
    chosen: str = ""
    """The id of the price that is paid, where this plan is the chosen one; `free` for one without a price."""


@dataclass(frozen=True)
class BillingStatus:
    """Where a tenant stands: `until` is when the trial or the paid time ends, or the time to pay.

    `ends` says that it ends then and does not go on. `payment` is how it is paid, as it may be shown.
    """

    state: State = "none"
    plan: str = ""
    until: datetime | None = None
    ends: bool = False
    payment: str = ""


@dataclass(frozen=True)
class Invoice:
    """An invoice: its number, day, total in the smallest unit, and its state (`paid`, `open`, `void`, …)."""

    id: str
    number: str
    day: datetime
    total: int
    currency: str
    state: str


class Billing(Protocol):
    """Plans of one tenant. Methods that ask the company raise Unavailable when it does not answer."""

    @property
    def ready(self) -> bool:
        """Whether anything can be bought: the operator has set it up."""
        ...

    def plans(self) -> Sequence[PlanOffer]:
        """The plans, in the operator's order."""
        ...

    def status(self) -> BillingStatus:
        """Where the tenant stands, as it is known here: asks nobody."""
        ...

    def invoices(self) -> Sequence[Invoice]:
        """The invoices that are known here, newest first: asks nobody."""
        ...

    def choose(self, price: str, email: str, back: str) -> str:
        """Buy a price, or change to it: the address to send the person to, or empty when it is done.

        Raises InvalidRequest for a price that no plan has, or one in another currency than what is paid already.
        """
        ...

    def end(self, at_end: bool) -> None:
        """End the plan with the paid time, or go on after all."""
        ...

    def portal(self, back: str) -> str:
        """The address where card, address and tax number are changed."""
        ...

    def invoice_url(self, invoice: str) -> str:
        """The address of an invoice. Raises NotFound for one of somebody else."""
        ...

    def refresh(self) -> None:
        """Ask how things stand, after somebody came back."""
        ...
