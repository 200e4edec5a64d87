"""Buying, changing, ending, invoices; what is refused; and that erasing keeps what the law wants."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import inspect, select

from webchatagent.core import plugins
from webchatagent.core.errors import InvalidRequest, NotFound, Unavailable, WebChatAgentError
from webchatagent.plugins.stripe_billing import erasing
from webchatagent.plugins.stripe_billing import plans as sold
from webchatagent.plugins.stripe_billing.accounts import account_of, read_account
from webchatagent.plugins.stripe_billing.models import Account, Customer, KeptInvoice, Plan, StripeInvoice
from webchatagent.plugins.stripe_billing.selling import StripeBilling

BACK = "https://chat.example.org/admin/plan/"
EMAIL = "owner@example.org"


@pytest.fixture
def selling(here):
    """The plans of the first tenant."""
    return StripeBilling(here)


def test_hook_billing_sells_to_tenants_and_not_to_the_operator(here, operator):
    assert here.hooks.call("billing", tenant=here).ready
    assert operator.hooks.call("billing", tenant=operator) is None


@pytest.mark.seed("SR-173")
def test_buying_leads_to_stripe(selling, here, stub):
    address = selling.choose("price_small", EMAIL, BACK)
    assert address == "https://checkout.stripe.example/cs_1"
    sent = stub.sessions[0]
    assert sent["subscription_data"]["trial_period_days"] == "14" and sent["success_url"].startswith(BACK)
    assert sent["client_reference_id"] == here.slug and "card" not in str(sent)


def test_a_double_click_makes_one_customer_and_one_checkout(selling, stub):
    assert len({selling.choose("price_small", EMAIL, BACK) for _ in range(3)}) == 1
    assert len(stub.customers) == len(stub.sessions) == 1


def test_a_trial_is_given_once(selling, here, stub, customer):
    stub.subscribe(customer, "price_small", "canceled", trial_end=1_700_000_000)
    read_account(here)
    selling.choose("price_small", EMAIL, BACK)
    assert "trial_period_days" not in stub.sessions[0]["subscription_data"]


def test_a_change_counts_at_once_and_is_worked_out_by_the_day(selling, here, again, stub, customer):
    stub.subscribe(customer, "price_small")
    read_account(here)
    assert selling.choose("price_big", EMAIL, BACK) == ""
    sent = next(a for a in stub.asked if a[:2] == ("POST", "/v1/subscriptions/sub_1"))[2]
    assert sent["proration_behavior"] == "always_invoice" and sent["items"]["0"]["id"] == "si_1"
    assert again(here).entitlements.plan == "Big" and not stub.sessions


def test_the_redirect_alone_gives_nothing(selling, again, here):
    selling.choose("price_big", EMAIL, BACK)
    selling.refresh()  # somebody came back without having paid
    assert again(here).entitlements.plan == "Free"


@pytest.mark.parametrize("price", ["price_dollar", "price_of_another_account", "", "free"])
def test_a_price_that_is_not_sold_is_refused(selling, price):
    with pytest.raises(InvalidRequest) as error:
        selling.choose(price, EMAIL, BACK)
    assert error.value.code == "price_unknown"


def test_another_currency_is_refused_while_one_is_paid(selling, here, operator, stub, customer):
    sold.add(operator, sold.PlanForm(name="Dollars", month_price="price_dollar"))
    stub.subscribe(customer, "price_small")
    read_account(here)
    with pytest.raises(InvalidRequest) as error:
        selling.choose("price_dollar", EMAIL, BACK)
    assert error.value.code == "currency_other"


def test_ending_and_going_on(selling, here, stub, customer):
    stub.subscribe(customer, "price_small")
    read_account(here)
    selling.end(True)
    assert selling.status().ends
    selling.end(False)
    assert not selling.status().ends
    assert selling.status().payment == "Visa •••• 4242 04/2031"


def test_invoices_are_listed_and_opened_by_their_tenant_only(selling, here, there, stub, customer):
    one = stub.subscribe(customer, "price_small")
    stub.bill(one, 1_800_000_000)
    stub.bill(one, 1_800_100_000, "draft")
    read_account(here)
    assert [(i.number, i.total, i.currency) for i in selling.invoices()] == [("A-0001", 900, "eur")]
    assert selling.invoice_url("in_1") == "https://invoice.stripe.example/in_1"
    assert StripeBilling(there).invoices() == []
    with pytest.raises(NotFound):
        StripeBilling(there).invoice_url("in_1")
    with pytest.raises(NotFound):
        StripeBilling(there).portal(BACK)


def test_stripe_down_is_a_sentence(selling, stub):
    stub.down = True
    with pytest.raises(Unavailable):
        selling.choose("price_small", EMAIL, BACK)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"month_price": "price_nobody"}, "month_price"),
        ({"month_price": "price_once"}, "month_price"),
        ({"month_price": "price_small_year"}, "month_price"),
        ({"month_price": "price_small", "year_price": "price_small"}, "year_price"),
        ({"plugins": "files nothing"}, "plugins"),
    ],
)
def test_a_plan_that_cannot_be_sold_is_refused(operator, values, field):
    with pytest.raises(InvalidRequest) as error:
        sold.add(operator, sold.PlanForm(name="X", **values))
    assert error.value.field == field


def test_a_plugin_beyond_the_plan_is_refused(here, again):
    with pytest.raises(WebChatAgentError) as error:
        plugins.enable(again(here), "calendar")
    assert error.value.code == "plan_limit"


def test_a_key_that_stripe_refuses_is_said(operator, stub):
    found = plugins.check(operator, "stripe_billing", {"secret_key": "sk_test_wrong", "api_url": stub.url})
    assert [p.field for p in found] == ["secret_key"] and "wrong" not in found[0].message
    assert plugins.check(operator, "stripe_billing") == []
    assert [p.field for p in plugins.check(operator, "stripe_billing", {"secret_key": "pk_live_1"})] == ["secret_key"]


@pytest.mark.seed("SR-171", "SR-172")
def test_no_column_can_hold_a_card():
    columns = {c.key: c for m in (Account, Plan, StripeInvoice, KeptInvoice, Customer) for c in inspect(m).columns}
    assert not [n for n in columns if "card" in n or ("number" in n and n != "number") or "cvc" in n or n == "pan"]
    assert columns["last4"].type.length == 4
    assert {"email", "address", "phone"}.isdisjoint(columns)


@pytest.mark.seed("SR-174")
def test_erasing_ends_it_at_stripe_and_keeps_invoices_until_their_date(here, there, operator, stub, customer):
    one = stub.subscribe(customer, "price_small")
    stub.bill(one, int(datetime(2027, 5, 3, tzinfo=UTC).timestamp()))
    read_account(here)
    receipt = erasing.erase_all(here)
    assert receipt.done == {"account": 1, "invoices": 1} and receipt.kept == {
        "invoices": "the law wants them until 2035-12-31"
    }
    assert not stub.customers and one["status"] == "canceled" and account_of(here) is None
    with operator.read() as db:
        kept = db.scalars(select(KeptInvoice)).one()
        assert (kept.number, kept.total) == ("A-0001", 900) and db.scalar(select(Customer.id)) is None
    assert erasing.erase_all(here).done == {"account": 0}, "safe to repeat"
    assert erasing.purge(operator, datetime(2035, 12, 31, tzinfo=UTC)).done["kept_invoices"] == 0
    assert erasing.purge(operator, datetime(2036, 1, 1, tzinfo=UTC)).done["kept_invoices"] == 1
    assert erasing.purge(there, datetime(2036, 1, 1, tzinfo=UTC)).done == {}


def test_a_customer_that_is_gone_at_stripe_does_not_stop_erasing(here, stub, customer):
    stub.customers.clear()
    assert erasing.erase_all(here).done["account"] == 1
