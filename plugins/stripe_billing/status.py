"""What somebody has to do, and what is tried before the settings are saved."""

from __future__ import annotations

from webchatagent.core.api import OPERATOR, Alert, InvalidRequest, Problem, Tenant, Unavailable, WebChatAgentError

from .accounts import account_of
from .client import asking, make_client
from .config import Config
from .plans import list_plans
from .selling import StripeBilling
from .words import table


def alerts(tenant: Tenant) -> list[Alert]:
    """For the operator, what is not set; for a tenant, that its payment failed or its plan ended."""
    words = table()
    if tenant.slug == OPERATOR:
        config = tenant.config(Config)
        if config.ready and not config.webhook_secret.get_secret_value():
            return [Alert(words["alert_webhook"])]
        if not any(plan.active for plan in list_plans(tenant)):
            return [Alert(words["alert_plans"])]
        return []
    state = StripeBilling(tenant).status().state
    found = [Alert(words[f"alert_{state}"], "plan")] if state in ("grace", "locked") else []
    account = account_of(tenant)
    if account is not None and account.several:
        found.append(Alert(words["alert_several"], "plan"))
    return found


def problems(config: Config) -> list[Problem]:
    """Whether Stripe takes the key."""
    if not config.ready:
        return [Problem("The secret key is missing.", "secret_key", "copy it from Stripe's dashboard")]
    try:
        with asking():
            make_client(config).v1.prices.list(params={"limit": 1})
    except (InvalidRequest, Unavailable) as error:
        return [Problem(error.message, "api_url", error.cure)]
    except WebChatAgentError as error:
        return [Problem(error.message, "secret_key", error.cure)]
    return []
