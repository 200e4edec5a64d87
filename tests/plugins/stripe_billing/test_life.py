"""The life of a tenant with a plan, and that late, double and shuffled events end in the same state."""

from __future__ import annotations

import itertools
import random
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from webchatagent.core.accept import accept_turn
from webchatagent.core.bots import create_bot, own_bot
from webchatagent.core.entitlements import PlanLimit, PlanLocked
from webchatagent.plugins.stripe_billing.accounts import account_of, read_account
from webchatagent.plugins.stripe_billing.entitle import entitle
from webchatagent.plugins.stripe_billing.models import StripeEvent
from webchatagent.plugins.stripe_billing.selling import StripeBilling

T0 = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)


@pytest.fixture
def clock(monkeypatch):
    """What time it is for plans."""
    state = {"now": T0}
    for name in ("core.entitlements", "plugins.stripe_billing.selling", "plugins.stripe_billing.accounts"):
        monkeypatch.setattr(f"webchatagent.{name}.now", lambda: state["now"])
    return state


def stands(tenant, again):
    """State, plan, and whether it is locked."""
    now = again(tenant)
    return StripeBilling(now).status().state, now.entitlements.plan, now.entitlements.locked


@pytest.mark.seed("SR-170")
def test_the_life_of_a_plan(here, there, again, stub, customer, deliver, clock, figures):
    numbers = itertools.count(1)
    table = []

    def step(said, kind="customer.subscription.updated", **changes):
        one.update(changes)
        clock["now"] += timedelta(minutes=1)
        deliver(kind, one, f"evt_{next(numbers)}")
        table.append((said, *stands(here, again)))

    assert stands(here, again) == ("free", "Free", False)
    one = stub.subscribe(customer, "price_small", "trialing", trial_end=int((T0 + timedelta(days=14)).timestamp()))
    step("trial begun", "customer.subscription.created")
    stub.bill(one, int(T0.timestamp()))
    step("paid", "invoice.paid", status="active")
    failed = clock["now"] + timedelta(days=30)
    clock["now"] = failed
    stub.bill(one, int(failed.timestamp()), "open")
    step("payment failed", "invoice.payment_failed", status="past_due")
    clock["now"] = failed + timedelta(days=6)
    table.append(("six days later", *stands(here, again)))
    clock["now"] = failed + timedelta(days=8)
    table.append(("eight days later", *stands(here, again)))
    stub.invoices["in_2"]["status"] = "paid"
    step("paid after all", "invoice.paid", status="active")
    one["items"]["data"][0]["price"] = stub.prices["price_big"]
    step("larger plan")
    one["items"]["data"][0]["price"] = stub.prices["price_small"]
    step("smaller plan")
    step("ends with its time", cancel_at_period_end=True)
    step("ended", "customer.subscription.deleted", status="canceled")
    assert table == [
        ("trial begun", "trial", "Small", False),
        ("paid", "active", "Small", False),
        ("payment failed", "grace", "Small", False),
        ("six days later", "grace", "Small", False),
        ("eight days later", "locked", "Small", True),
        ("paid after all", "active", "Small", False),
        ("larger plan", "active", "Big", False),
        ("smaller plan", "active", "Small", False),
        ("ends with its time", "active", "Small", False),
        ("ended", "free", "Free", False),
    ]
    for said, state, plan, locked in table:
        figures.line("billing: the life of a tenant", f"{said}: {state}, {plan}{', locked' if locked else ''}")
    assert stands(there, again) == ("free", "Free", False), "the other tenant is as it was"


@pytest.mark.seed("SR-175")
def test_every_event_fifty_times_in_any_order_ends_the_same(here, again, stub, customer, deliver, operator, run_jobs):
    one = stub.subscribe(customer, "price_big", "active")
    stub.bill(one, 1_800_000_000)
    kinds = ("customer.subscription.created", "invoice.paid", "customer.subscription.updated", "invoice.finalized")
    late = [{**one, "status": "trialing"}, {**one, "status": "past_due"}, one, {**one, "status": "canceled"}]
    many = [(kind, thing, f"evt_{n}") for n, (kind, thing) in enumerate(zip(kinds, late, strict=True))] * 50
    random.Random(7).shuffle(many)
    said = [deliver(*event, work=False) for event in many]
    run_jobs()
    assert {answer.status for answer in said} == {200} and sum(a.body["taken"] for a in said) == 4
    with operator.read() as db:
        assert db.scalar(select(func.count(StripeEvent.id))) == 4
    assert stands(here, again) == ("active", "Big", False)


def test_an_answer_that_was_asked_for_earlier_never_wins(here, stub, customer):
    stub.subscribe(customer, "price_small")
    read_account(here)
    account = account_of(here)
    with here.write() as db:
        row = db.get(type(account), account.id)
        row.read_at, row.state = row.read_at + timedelta(hours=1), "past_due"
    read_account(here)
    assert account_of(here).state == "past_due"


def test_while_stripe_is_down_what_was_known_counts(here, again, stub, customer, deliver, run_jobs):
    stub.subscribe(customer, "price_small")
    read_account(here)
    stub.down = True
    deliver("customer.subscription.deleted", {"object": "subscription", "customer": customer})
    assert stands(here, again) == ("active", "Small", False)


def test_a_smaller_plan_deletes_nothing_and_adds_nothing(here, again, stub, customer, bot):
    one = stub.subscribe(customer, "price_big")
    read_account(here)
    for name in ("two", "three"):
        create_bot(again(here), name, name)
    one["items"]["data"][0]["price"] = stub.prices["price_small"]
    read_account(again(here))
    with pytest.raises(PlanLimit):
        create_bot(again(here), "four", "four")
    with again(here).read() as db:
        from webchatagent.core.db.tenants import Bot

        assert db.scalar(select(func.count(Bot.id))) == 3


def test_who_is_locked_reads_and_asks_no_model(here, again, stub, customer, scripted_model):
    one = stub.subscribe(customer, "price_small", "past_due")
    stub.bill(one, 1_000_000_000, "open")
    read_account(here)
    now = again(here)
    assert now.entitlements.locked
    with pytest.raises(PlanLocked):
        create_bot(now, "more", "More")
    bot = own_bot(now, 1)
    assert accept_turn(bot, None, "When do you open?", visitor=True).capped == "quota_exceeded"
    with pytest.raises(PlanLocked):
        accept_turn(bot, None, "When do you open?")
    assert not scripted_model.requests


def test_hook_tenant_created_gives_the_plan_without_a_price_at_once(platform, plans):
    from webchatagent.core.tenants import create_tenant

    assert create_tenant(platform, "initech", "Initech").entitlements.plan == "Free"


def test_questions_of_the_plan_are_a_cap(here, again):
    assert again(here).caps.month_messages == 3 and again(here).own_caps.month_messages == 0


def test_two_subscriptions_are_said(here, again, stub, customer):
    from webchatagent.plugins.stripe_billing.status import alerts

    stub.subscribe(customer, "price_small")
    stub.subscribe(customer, "price_big")
    read_account(here)
    assert stands(here, again)[1] == "Big" and ["pay for two" in a.text["en"] for a in alerts(again(here))] == [True]


def test_a_price_that_no_plan_has_any_more_changes_nothing(here, again, stub, customer, plans, operator):
    stub.subscribe(customer, "price_small")
    read_account(here)
    with operator.write() as db:
        row = db.get(type(plans[1]), plans[1].id)
        row.month_price = "price_other"
    entitle(again(here))
    assert again(here).entitlements.plan == "Small"


def test_without_the_plugin_everything_is_allowed(here, again, operator):
    from webchatagent.core import plugins

    assert again(here).entitlements.plan == "Free"
    plugins.disable(operator, "stripe_billing")
    assert again(here).entitlements.limits == {} and again(here).caps.month_messages == 0


def test_the_operator_is_never_limited(operator, plans, run_jobs, again):
    run_jobs()
    assert again(operator).entitlements.limits == {} and not again(operator).entitlements.locked
