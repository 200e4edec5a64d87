"""An operator who sells two plans and gives one away, two tenants, and a Stripe that remembers."""

from __future__ import annotations

import json
import time
from types import SimpleNamespace

import pytest
import stripe

from webchatagent.core import plugins
from webchatagent.core.routes import RouteRequest
from webchatagent.core.tenants import load_tenant, operator_tenant
from webchatagent.plugins.stripe_billing import plans as sold
from webchatagent.plugins.stripe_billing.accounts import ensure_customer
from webchatagent.plugins.stripe_billing.webhook import take

from .stripe_stub import KEY, StripeStub

SECRET = "whsec_of_the_test"


@pytest.fixture
def stub(monkeypatch):
    """The company."""
    made = StripeStub()
    monkeypatch.setenv("WEBCHATAGENT_PRIVATE_HOSTS", made.url.removeprefix("http://"))
    yield made
    made.close()


@pytest.fixture
def operator(platform, stub):
    """The operator's workspace with the plugin on, as it is now."""
    plain = operator_tenant(platform)
    settings = {"secret_key": KEY, "webhook_secret": SECRET, "api_url": stub.url, "grace_days": 7}
    plugins.configure(plain, "stripe_billing", settings)
    plugins.enable(plain, "stripe_billing")
    return operator_tenant(platform)


@pytest.fixture
def plans(operator):
    """A plan without a price, a small one and a big one."""
    for form in (
        {"name": "Free", "bots": 1, "members": 1, "pages": 2, "messages": 3, "plugins": "files website offline"},
        {
            "name": "Small",
            "position": 1,
            "month_price": "price_small",
            "year_price": "price_small_year",
            "trial_days": 14,
            "bots": 2,
        },
        {"name": "Big", "position": 2, "month_price": "price_big"},
    ):
        sold.add(operator, sold.PlanForm(**form))
    return sold.list_plans(operator)


@pytest.fixture
def again(platform):
    """A function that gives a tenant as it is now."""
    return lambda tenant: load_tenant(platform, slug=tenant.slug)


@pytest.fixture
def here(acme, bot, plans, again, run_jobs):
    """The first tenant, with the plan without a price."""
    run_jobs()
    return again(acme)


@pytest.fixture
def there(globex, foreign_bot, plans, again, run_jobs):
    """The second one."""
    run_jobs()
    return again(globex)


@pytest.fixture
def customer(here):
    """The first tenant's customer."""
    return ensure_customer(here, "owner@example.org").customer_id


@pytest.fixture
def deliver(operator, run_jobs):
    """A function that delivers an event as Stripe does, and lets the workers work; returns the status."""

    def send(kind, thing, number="evt_1", *, secret=SECRET, at=None, body=None, header=None, work=True):
        event = {"id": number, "object": "event", "type": kind, "livemode": False, "data": {"object": thing}}
        text = json.dumps(event)
        signed = stripe.WebhookSignature.generate_signature_header(text, secret, int(at or time.time()))
        request = RouteRequest(
            "POST", "webhook", {}, {"stripe-signature": header or signed}, (body or text).encode(), "203.0.113.9"
        )
        answer = take(operator, request)
        if work:
            run_jobs()
        return SimpleNamespace(status=answer.status, body=answer.body, signature=signed, text=text)

    return send
