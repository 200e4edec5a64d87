"""Stripe's client: the operator's key, short patience, and errors that can be said."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import stripe

from webchatagent.core.api import InvalidRequest, KeptClients, Tenant, Unavailable, WebChatAgentError, operator_tenant

from .config import API, Config

SECONDS = (3.05, 15.0)
"""For the connection, and for an answer."""
_clients: KeptClients[stripe.StripeClient] = KeptClients()
stripe.enable_telemetry = False  # how long our requests take is nobody's business
stripe.log = None


class StripeKeyWrong(WebChatAgentError):
    """Stripe does not take the operator's key."""

    status, code = 502, "stripe_key"


def operator_of(tenant: Tenant) -> Tenant:
    """The operator's own tenant, which has the account; read once per Tenant object."""
    return tenant.remembered("stripe operator", lambda: operator_tenant(tenant.platform))


def settings_of(tenant: Tenant) -> Config:
    """What the operator set."""
    return operator_of(tenant).config(Config)


def client_of(tenant: Tenant) -> stripe.StripeClient:
    """The client of the installation's account. Raises InvalidRequest where none is set."""
    config = settings_of(tenant)
    if not config.ready:
        raise InvalidRequest("Nothing can be bought here yet.", "ask the operator", code="billing_off")
    return make_client(config)


def make_client(config: Config) -> stripe.StripeClient:
    """A client, kept for its key and address."""
    key, address = config.secret_key.get_secret_value(), config.api_url

    def make() -> stripe.StripeClient:
        return stripe.StripeClient(
            key,
            base_addresses={"api": address} if address != API else None,
            max_network_retries=1,
            http_client=stripe.RequestsClient(timeout=SECONDS),
        )

    return _clients.threads((key, address), make)


@contextlib.contextmanager
def asking() -> Iterator[None]:
    """Errors of Stripe as ours; none of its texts, which may hold what somebody entered."""
    try:
        yield
    except (stripe.AuthenticationError, stripe.PermissionError):
        raise StripeKeyWrong("Stripe does not take the key.", "ask the operator to enter a working one") from None
    except stripe.CardError:
        raise InvalidRequest("The payment was refused.", "choose another way to pay", code="payment_refused") from None
    except stripe.InvalidRequestError as error:
        raise InvalidRequest(
            f"Stripe refuses this ({error.code or 'invalid'}).", "reload the page and try again", code="stripe_refused"
        ) from None
    except stripe.StripeError:
        raise Unavailable("Stripe does not answer.", "try again in a moment", retry_after=5) from None


def plain(thing: Any) -> dict[str, Any]:
    """An object of Stripe as a plain one: what was not expanded is its id."""
    found: dict[str, Any] = thing.to_dict() if hasattr(thing, "to_dict") else dict(thing)
    return found
