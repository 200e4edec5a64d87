"""Where data of appointments goes: our own table, and Google when it is chosen or connected.

What is done with data from Google's programming interfaces keeps to the Google API Services User Data Policy, its
requirements of limited use included; the purpose `google_calendar` says so in the notice.
"""

from __future__ import annotations

from dataclasses import replace

from webchatagent.core.api import Disclosure, Tenant, disclose

from .config import Config
from .google import link_of
from .subject import DAYS


def disclosures(tenant: Tenant) -> list[Disclosure]:
    """The appointment itself, and Google's part while it is chosen."""
    config = tenant.config(Config)
    own = Disclosure("calendar.appointment", ("contact", "time"), "appointments", "contract", DAYS)
    if config.provider != "google" and link_of(tenant) is None:
        return [own]
    event = disclose(tenant, "calendar", "calendar.google", ("contact", "time"), "google_calendar", 0, config.api_url)
    account = disclose(tenant, "calendar", "calendar.account", ("account",), "google_calendar", 0, config.discovery_url)
    return [own, replace(event, transfer="US"), replace(account, transfer="US")]
