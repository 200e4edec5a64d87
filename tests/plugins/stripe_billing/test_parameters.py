"""Every call is one that Stripe knows: names and kinds of parameters, asked of stripe-mock."""

from __future__ import annotations

import pytest
import stripe

from webchatagent.core import plugins
from webchatagent.core.errors import Unavailable
from webchatagent.core.tenants import load_tenant, operator_tenant
from webchatagent.plugins.stripe_billing import plans as sold
from webchatagent.plugins.stripe_billing.accounts import account_of, ensure_customer, read_account
from webchatagent.plugins.stripe_billing.models import Account, StripeInvoice
from webchatagent.plugins.stripe_billing.selling import StripeBilling

from .stripe_mock import running

pytestmark = pytest.mark.service
BACK = "https://chat.example.org/admin/plan/"


@pytest.fixture(scope="module")
def mock():
    """Stripe's examples."""
    with running() as url:
        yield url


@pytest.fixture
def asked(monkeypatch):
    """The calls that were made, and what was answered."""
    seen = []
    plain = stripe.RequestsClient.request

    def request(self, method, url, headers, post_data=None):
        answer = plain(self, method, url, headers, post_data)
        seen.append((method.upper(), url.split("/v1/")[1].split("?")[0], answer[1]))
        return answer

    monkeypatch.setattr(stripe.RequestsClient, "request", request)
    return seen


def test_every_call_is_taken(platform, acme, bot, mock, monkeypatch, asked, figures, globex):
    monkeypatch.setenv("WEBCHATAGENT_PRIVATE_HOSTS", mock.removeprefix("http://"))
    plain = operator_tenant(platform)
    plugins.configure(plain, "stripe_billing", {"secret_key": "sk_test_123", "api_url": mock})
    plugins.enable(plain, "stripe_billing")
    operator = operator_tenant(platform)
    sold.add(operator, sold.PlanForm(name="Small", month_price="price_1", trial_days=14))
    tenant = load_tenant(platform, slug="acme")
    ensure_customer(tenant, "owner@example.org")
    read_account(tenant)
    selling = StripeBilling(tenant)
    with tenant.write() as db:
        row = db.get(Account, account_of(tenant).id)
        row.state = ""
        db.merge(StripeInvoice(invoice_id="in_1", day=row.read_at))
    assert selling.choose("price_1", "owner@example.org", BACK).startswith("https://")
    selling.portal(BACK)
    with pytest.raises(Unavailable):  # the invoice of the examples is a draft, and has no address
        selling.invoice_url("in_1")
    for state in ("active", "trialing"):
        with tenant.write() as db:
            row = db.get(Account, account_of(tenant).id)
            row.state, row.subscription_id, row.item_id, row.currency = state, "sub_1", "si_1", "usd"
            row.price_id = "price_0"
        selling.choose("price_1", "owner@example.org", BACK)
        with tenant.write() as db:
            row = db.get(Account, account_of(tenant).id)
            row.state, row.subscription_id = state, "sub_1"
        selling.end(True)
    from webchatagent.plugins.stripe_billing import erasing

    erasing.erase_all(tenant)
    assert asked and {status for *_, status in asked} == {200}
    kinds = sorted({(method, _without_ids(path)) for method, path, _ in asked})
    assert len(kinds) >= 9, kinds
    for method, path in kinds:
        figures.line("calls that stripe-mock takes", f"{method} {path}")


def _without_ids(path):
    return "/".join("ID" if part.split("_")[0] in ("cus", "sub", "in", "price") else part for part in path.split("/"))
