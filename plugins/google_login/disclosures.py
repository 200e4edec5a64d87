"""What leaves the house, as the privacy notice says it."""

from __future__ import annotations

from dataclasses import replace

from webchatagent.core.api import Disclosure, Tenant, disclose

from .config import GOOGLE


def disclosures(tenant: Tenant) -> list[Disclosure]:
    """One: Google learns that and when somebody signs in here; their account here holds what Google says of them."""
    made = disclose(tenant, "google_login", "google_login.account", ("account",), "account", 0, GOOGLE)
    return [replace(made, transfer="US")]
