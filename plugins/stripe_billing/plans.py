"""The operator's plans: what is sold, for how much, and what each allows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select

from webchatagent.core.api import (
    LIMITS,
    AdminView,
    InvalidRequest,
    PlanOffer,
    Price,
    Tenant,
    rights,
    start_job,
)

from .client import asking, client_of, plain
from .models import Plan
from .words import table


class PlanForm(BaseModel):
    """A plan as the operator writes it. The prices are made in Stripe's dashboard; their ids begin with `price_`."""

    model_config = ConfigDict(frozen=True)
    name: str = Field("", min_length=1, max_length=80)
    summary: str = Field("", max_length=300)
    position: int = Field(0, ge=0, le=1000)
    active: bool = True
    month_price: str = Field("", max_length=80, pattern=r"^(price_\w+)?$")
    year_price: str = Field("", max_length=80, pattern=r"^(price_\w+)?$")
    trial_days: int = Field(0, ge=0, le=730)
    bots: int = Field(0, ge=0, le=10**6)
    members: int = Field(0, ge=0, le=10**6)
    pages: int = Field(0, ge=0, le=10**9)
    messages: int = Field(0, ge=0, le=10**9)
    tokens: int = Field(0, ge=0, le=10**12)
    plugins: str = Field("", max_length=2000)


def list_plans(operator: Tenant) -> Sequence[Plan]:
    """All plans, those that are not sold any more too, in the operator's order."""
    with operator.read() as db:
        return list(db.scalars(select(Plan).order_by(Plan.position, Plan.id)))


def plan_of_price(plans: Sequence[Plan], price: str) -> Plan | None:
    """The plan that a price pays."""
    return next((p for p in plans if price and price in (p.month_price, p.year_price)), None)


def free_plan(plans: Sequence[Plan]) -> Plan | None:
    """The plan without a price, for those who pay nothing."""
    return next((p for p in plans if p.active and not p.month_price and not p.year_price), None)


def limits_of(plan: Plan) -> dict[str, int]:
    """Its limits, without those that are none."""
    return {name: most for name in LIMITS if (most := getattr(plan, name))}


def plugins_of(plan: Plan) -> tuple[str, ...] | None:
    """The plugins it holds, or None for all."""
    return tuple(sorted(plan.plugins.split())) or None


def offer(plan: Plan, chosen: str) -> PlanOffer:
    """A plan as it is shown; `chosen` is the price that is paid."""
    prices = []
    if plan.month_price:
        prices.append(Price(plan.month_price, "month", plan.month_amount, plan.currency))
    if plan.year_price:
        prices.append(Price(plan.year_price, "year", plan.year_amount, plan.currency))
    mine = chosen if chosen in (plan.month_price, plan.year_price) else ""
    return PlanOffer(
        plan.public_id,
        plan.name,
        plan.summary,
        prices,
        limits_of(plan),
        plugins_of(plan),
        plan.trial_days,
        mine if prices or chosen != "free" else "free",
    )


def _priced(operator: Tenant, form: PlanForm) -> dict[str, Any]:
    """The form's values with the amounts of its prices, as Stripe has them. Raises InvalidRequest naming the field."""
    values: dict[str, Any] = form.model_dump()
    unknown = sorted(set(form.plugins.split()) - set(operator.platform.registry.manifests))
    if unknown:
        raise InvalidRequest(f"There is no plugin {unknown[0]}.", "write the ids of plugins", field="plugins")
    currencies = {}
    for every in ("month", "year"):
        values[f"{every}_amount"] = 0
        if values[f"{every}_price"]:
            amount, currency = _amount(operator, values[f"{every}_price"], every)
            values[f"{every}_amount"], currencies[currency] = amount, f"{every}_price"
    if len(currencies) > 1:
        raise InvalidRequest("The two prices have different currencies.", "use one currency", field="year_price")
    return {**values, "currency": next(iter(currencies), "")}


def _amount(operator: Tenant, price: str, every: str) -> tuple[int, str]:
    field = f"{every}_price"
    try:
        with asking():
            found = plain(client_of(operator).v1.prices.retrieve(price))
    except InvalidRequest:
        raise InvalidRequest("The account has no such price.", "copy its id from Stripe", field=field) from None
    recurring = found.get("recurring") or {}
    fits = recurring.get("interval") == every and recurring.get("interval_count", 1) == 1
    if not fits or recurring.get("usage_type", "licensed") != "licensed" or not found.get("active", True):
        raise InvalidRequest(f"This is no price for a {every}.", "choose a recurring one that is active", field=field)
    if not isinstance(found.get("unit_amount"), int):
        raise InvalidRequest("This price has no fixed amount.", "choose one with an amount", field=field)
    return found["unit_amount"], str(found["currency"]).lower()


def add(operator: Tenant, form: PlanForm) -> int:
    """Write a new plan."""
    values = _priced(operator, form)
    with operator.write() as db:
        row = Plan(**values)
        db.add(row)
        db.flush()
        ring = start_job(db, "stripe_billing.entitle_all", "entitle_all")
        number = row.id
    operator.platform.ring(ring)
    return number


def change(operator: Tenant, row: Plan, form: PlanForm) -> None:
    """Change a plan; every tenant gets what it says now."""
    values = _priced(operator, form)
    with operator.write() as db:
        found = db.get(Plan, row.id)
        if found is None:
            raise InvalidRequest("This plan is gone.", "reload the page")
        for name, value in values.items():
            setattr(found, name, value)
        ring = start_job(db, "stripe_billing.entitle_all", "entitle_all")
    operator.platform.ring(ring)


def fill(row: Plan) -> dict[str, Any]:
    """A plan as the form shows it."""
    return {name: getattr(row, name) for name in PlanForm.model_fields}


def views() -> list[AdminView]:
    """The plans, for the operator."""
    words = table()
    names = (*PlanForm.model_fields, "month_amount", "year_amount", "currency")
    return [
        AdminView(
            id="plans",
            model=Plan,
            title=words["plans"],
            intro=words["plans_intro"],
            icon="card",
            group="installation",
            list_columns=("name", "position", "active", "month_price", "year_price"),
            show_columns=("name", "summary", "active", "month_price", "year_price", "trial_days", *LIMITS, "plugins"),
            labels={name: words[f"field_{name}"] for name in names},
            formats={"active": "yes_no"},
            order=("position", "asc"),
            rights=rights(read=("operator",), write=("operator",)),
            add_title=words["plan_add"],
            edit_title=words["plan_edit"],
            add_form=PlanForm,
            add=add,
            edit_form=PlanForm,
            fill=fill,
            change=change,
            empty_title=words["plans_none"],
            empty_text=words["plans_none_text"],
        )
    ]
