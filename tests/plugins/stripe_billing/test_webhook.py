"""Only what Stripe signed, just now, is taken."""

from __future__ import annotations

import json
import time

import pytest
import stripe
from sqlalchemy import func, select

from webchatagent.core.routes import RouteRequest
from webchatagent.plugins.stripe_billing.config import Config
from webchatagent.plugins.stripe_billing.models import StripeEvent
from webchatagent.plugins.stripe_billing.webhook import proven

THING = {"object": "customer", "id": "cus_1"}


def kept(operator):
    """How many events were kept."""
    with operator.read() as db:
        return db.scalar(select(func.count(StripeEvent.id)))


@pytest.mark.seed("SR-175")
@pytest.mark.parametrize(
    "wrong",
    [
        {"secret": "whsec_another"},
        {"at": time.time() - 400},
        {"at": time.time() + 3600},
        {"header": "t=1,v1=abc"},
        {"header": "v1=abc"},
        {"header": "t=,v1="},
        {"header": "x" * 5000},
        {"body": json.dumps({"id": "evt_1"}, indent=1)},
        {"body": "\x00"},
    ],
    ids=["secret", "old", "future", "signature", "no time", "empty", "long", "written anew", "no text"],
)
def test_what_is_not_signed_now_is_refused(operator, plans, deliver, wrong):
    answer = deliver("customer.updated", THING, **wrong)
    assert answer.status == 401 and kept(operator) == 0


def test_the_vector_of_the_signature():
    """Worked out by hand: HMAC-SHA256 of `1700000000.{body}`."""
    body = '{"id":"evt_test_webhook","object":"event"}'
    right = "d95c6b7477fbd7e9f90b1b0ef5f9c7ac25abca5382460e0d988c2b2a5b71b990"
    config = Config(webhook_secret="whsec_test_secret")
    for signature, found in ((right, True), (right[:-1] + "1", False), ("", False)):
        request = RouteRequest(
            "POST", "webhook", {}, {"stripe-signature": f"t=1700000000,v1={signature}"}, body.encode()
        )
        assert (proven(config, request, 1_700_000_100) is not None) is found
        assert proven(config, request, 1_700_000_301) is None
        assert proven(Config(), request, 1_700_000_100) is None, "without a secret nothing is taken"


def test_a_second_delivery_is_fine_and_does_nothing(operator, plans, deliver):
    assert [deliver("customer.updated", THING).body["taken"] for _ in range(3)] == [True, False, False]
    assert kept(operator) == 1


def test_events_of_the_other_mode_are_left_alone(operator, plans, deliver):
    text = json.dumps({"id": "evt_2", "type": "customer.updated", "livemode": True, "data": {"object": THING}})
    header = stripe.WebhookSignature.generate_signature_header(text, "whsec_of_the_test", int(time.time()))
    answer = deliver("customer.updated", THING, body=text, header=header)
    assert answer.status == 200 and kept(operator) == 0


@pytest.mark.parametrize("thing", [None, [], "x", {}, {"object": "customer", "id": 7}, {"customer": {"id": "cus_1"}}])
def test_an_event_about_nobody_is_kept_and_does_nothing(operator, plans, deliver, thing, stub):
    before = len(stub.asked)
    assert deliver("balance.available", thing).status == 200
    assert len(stub.asked) == before and kept(operator) == 1


def test_a_customer_of_somebody_else_is_nobody(operator, plans, deliver, stub):
    before = len(stub.asked)
    deliver("customer.updated", {"object": "customer", "id": "cus_999"})
    assert len(stub.asked) == before


def test_nothing_that_was_sent_is_kept(here, operator, customer, deliver, platform):
    person = "secret-person@example.org"
    deliver("customer.updated", {"object": "customer", "id": customer, "email": person, "number": "4242424242424242"})
    data = platform.settings.folder.joinpath("webchatagent.sqlite").read_bytes()
    assert person.encode() not in data and b"4242424242424242" not in data
