"""The page of plans: who may see and buy, what is shown, and where a form leads."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import pytest

from webchatagent.core import plugins
from webchatagent.core.tenants import load_tenant, operator_tenant
from webchatagent.plugins.stripe_billing import plans as sold
from webchatagent.plugins.stripe_billing.accounts import ensure_customer, read_account

from ..plugins.stripe_billing.stripe_stub import KEY, StripeStub


@pytest.fixture(scope="module")
def shop(house: Any) -> Any:
    """The house, whose operator sells two plans at a Stripe that remembers."""
    stub = StripeStub()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WEBCHATAGENT_PRIVATE_HOSTS", stub.url.removeprefix("http://"))
        plain = operator_tenant(house.platform)
        plugins.configure(
            plain, "stripe_billing", {"secret_key": KEY, "webhook_secret": "whsec_1", "api_url": stub.url}
        )
        plugins.enable(plain, "stripe_billing")
        operator = operator_tenant(house.platform)
        sold.add(operator, sold.PlanForm(name="Free", bots=1, messages=100))
        sold.add(
            operator, sold.PlanForm(name="Small", month_price="price_small", year_price="price_small_year", bots=9)
        )
        house.run_jobs()
        yield SimpleNamespace(house=house, stub=stub, operator=operator)
    stub.close()


def again(shop: Any) -> Any:
    """The first tenant as it is now."""
    return load_tenant(shop.house.platform, slug="acme")


def test_an_owner_sees_plans_and_what_is_used(shop: Any) -> None:
    page = shop.house.browser("owner@example.org").get("/plan/").text
    assert "€9.00" in page and "€90.00" in page and "Small" in page and "1 / 1" in page
    assert 'aria-current="page"' in page and "Nothing was bought" not in page


def test_a_viewer_sees_it_and_buys_nothing(shop: Any) -> None:
    viewer = shop.house.browser("viewer@example.org")
    page = viewer.get("/plan/").text
    assert "Small" in page and 'name="price"' not in page
    assert viewer.post("/plan/choose", {"price": "price_small"}).status_code == 403


def test_the_operator_sells_and_buys_nothing(shop: Any) -> None:
    root = shop.house.browser("root@example.org")
    assert "price_small" in root.get("/stripe_billing-plans/list/").text
    assert root.get("/plan/").status_code in (403, 404)
    assert shop.house.browser("owner@example.org").get("/stripe_billing-plans/list/").status_code == 403


def test_the_operator_adds_and_changes_a_plan_by_its_form(shop: Any) -> None:
    root = shop.house.browser("root@example.org")
    assert 'name="c_month_price"' in root.get("/stripe_billing-plans/add").text
    form = {"c_name": "Huge", "c_month_price": "price_nobody", "c_active": "y", "c_position": "9"}
    refused = root.post("/stripe_billing-plans/add", form)
    assert refused.status_code == 200 and "no such price" in refused.text
    assert "at least 1 characters" in root.post("/stripe_billing-plans/add", {**form, "c_name": ""}).text
    assert root.post("/stripe_billing-plans/add", {**form, "c_month_price": "price_big"}).status_code == 302
    row = sold.list_plans(shop.operator)[-1]
    assert (row.name, row.month_amount, row.currency) == ("Huge", 4900, "eur")
    path = f"/stripe_billing-plans/edit/{row.id}"
    assert 'value="Huge"' in root.get(path).text
    assert root.post(path, {**form, "c_month_price": "price_big", "c_active": ""}).status_code == 302
    assert not sold.list_plans(shop.operator)[-1].active


@pytest.mark.seed("SR-173")
def test_buying_leads_out_by_a_page_of_ours_and_no_form_leads_there(shop: Any) -> None:
    owner = shop.house.browser("owner@example.org")
    owner.get("/plan/")
    answer = owner.post("/plan/choose", {"price": "price_small"})
    assert answer.status_code == 200 and 'href="https://checkout.stripe.example/cs_' in answer.text
    assert "form-action 'self'" in answer.headers["Content-Security-Policy"]
    names = set(re.findall(r"<input[^>]*name=\"([^\"]+)\"", answer.text + owner.get("/plan/").text))
    assert names == {"csrf_token", "price", "back"}


def test_what_stripe_refuses_is_said_on_the_page(shop: Any) -> None:
    owner = shop.house.browser("owner@example.org")
    owner.get("/plan/")
    owner.post("/plan/choose", {"price": "price_of_nobody"})
    assert "not sold any more" in owner.get("/plan/").text
    shop.stub.down = True
    assert owner.post("/plan/portal").status_code == 302
    shop.stub.down = False
    assert "Stripe" in owner.get("/plan/").text


def test_a_paid_plan_with_invoices_can_be_ended(shop: Any) -> None:
    customer = ensure_customer(again(shop), "owner@example.org").customer_id
    one = shop.stub.subscribe(customer, "price_small")
    shop.stub.bill(one, 1_800_000_000)
    read_account(again(shop))
    owner = shop.house.browser("owner@example.org")
    page = owner.get("/plan/").text
    assert "Yours" in page and "A-0001" in page and "Visa •••• 4242" in page
    assert "https://invoice.stripe.example/in_1" in owner.get("/plan/invoice/in_1").text
    owner.post("/plan/end", {"end": "yes"})
    assert "Go on after all" in owner.get("/plan/").text
    assert owner.get("/plan/?done=yes").status_code == 302


def test_a_locked_workspace_is_told_what_still_works(shop: Any) -> None:
    customer = ensure_customer(again(shop), "owner@example.org").customer_id
    one = next(iter(shop.stub.subscriptions.values()), None) or shop.stub.subscribe(customer, "price_small")
    one["status"] = "past_due"
    shop.stub.bill(one, 1_000_000_000, "open")
    read_account(again(shop))
    owner = shop.house.browser("owner@example.org")
    assert "Nothing is lost" in owner.get("/plan/").text and "/plan/" in owner.get("/").text
    owner.get("/bots/add")
    refused = owner.post("/bots/add", {"name": "More", "locale": "en"})
    assert "no paid plan" in refused.text or "no paid plan" in owner.get("/").text
    assert shop.house.browser("owner@example.net").get("/plan/").status_code == 200, "the other tenant goes on"
