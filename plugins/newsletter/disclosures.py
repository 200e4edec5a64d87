"""Where data of the newsletter goes: our own table, and Mailchimp when addresses are handed on."""

from __future__ import annotations

from webchatagent.core.api import Disclosure, Tenant, disclose

from .config import HOSTS, Config
from .subject import PROOF_DAYS

DATA = ("contact", "time", "address_truncated")


def disclosures(tenant: Tenant) -> list[Disclosure]:
    """The subscription with its proof, and Mailchimp's part."""
    own = Disclosure("newsletter.subscription", DATA, "newsletter", "consent", PROOF_DAYS)
    if not tenant.config(Config).hands_on:
        return [own]
    data = ("contact", "time", "language")
    return [
        own,
        disclose(
            tenant, "newsletter", "newsletter.mailchimp", data, "newsletter", 0, f"https://{HOSTS}", basis="consent"
        ),
    ]
