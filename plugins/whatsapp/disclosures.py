"""Where data of WhatsApp goes: to Meta, which carries the messages, and into our own tables."""

from __future__ import annotations

from dataclasses import replace

from webchatagent.core.api import Disclosure, Tenant, disclose

from .config import Config
from .subject import DAYS


def disclosures(tenant: Tenant) -> list[Disclosure]:
    """The conversation at Meta, with who it is and whether it arrived; files; what is kept against repetition."""
    url = tenant.config(Config).api_url
    data = ("messages", "phone", "contact", "time", "delivery")
    files = ("files",) if tenant.config(Config).keep_files else ()
    talk = disclose(tenant, "whatsapp", "whatsapp.messages", (*data, *files), "whatsapp", 0, url)
    receipts = Disclosure("whatsapp.receipts", ("delivery", "time"), "abuse", "legitimate_interest", DAYS)
    return [replace(talk, transfer="US"), receipts]
