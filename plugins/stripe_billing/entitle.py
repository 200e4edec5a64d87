"""From what is paid to what is allowed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from webchatagent.core.api import OPERATOR, Entitlements, Tenant, set_entitlements

from .client import operator_of, settings_of
from .models import Account, Plan
from .plans import free_plan, limits_of, list_plans, plan_of_price, plugins_of

PLUGIN = "stripe_billing"
EVER = datetime(2000, 1, 1, tzinfo=UTC)
"""Locked since always."""


def entitle(tenant: Tenant) -> None:
    """Let core know what a tenant may use, from what is known here; asks nobody."""
    with tenant.read() as db:
        account = db.scalar(select(Account))
    operator = operator_of(tenant)
    plans = () if tenant.slug == OPERATOR else list_plans(operator)
    found = entitlements(account, plans, settings_of(tenant).grace_days)
    if found is not None:
        set_entitlements(tenant, found)


def entitlements(account: Account | None, plans: Sequence[Plan], grace_days: int) -> Entitlements | None:
    """What an account is entitled to; None to leave it as it is: a price is paid that no plan has any more.

    While nothing is sold, everything is allowed. A trial is as good as paid; after a failed payment all goes on for
    the days of grace. Who pays nothing has the plan without a price, or can only look.
    """
    if not any(plan.active for plan in plans):
        return Entitlements(by=PLUGIN)
    state = account.state if account else ""
    if account is not None and state in ("active", "trialing", "past_due"):
        plan = plan_of_price(plans, account.price_id)
        if plan is None:
            return None
        locked = (account.failed_at or EVER) + timedelta(days=grace_days) if state == "past_due" else None
        return _of(plan, locked)
    free = free_plan(plans)
    return _of(free, None) if free else Entitlements(by=PLUGIN, locked_from=EVER)


def _of(plan: Plan, locked: datetime | None) -> Entitlements:
    return Entitlements(by=PLUGIN, plan=plan.name, limits=limits_of(plan), plugins=plugins_of(plan), locked_from=locked)
