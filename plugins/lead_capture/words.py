"""The sentences of leads, and what is agreed to."""

from __future__ import annotations

from webchatagent.core.api import Sentences, Tenant

from .config import Config

LANGUAGES = ("en", "de", "hi")
STATES = ("new", "contacted", "qualified", "won", "lost")
MARKETING, NEWSLETTER = "lead_marketing", "newsletter_request"
"""Purposes in the ledger, as the boxes of the form stand for them."""
texts = Sentences(__file__)
say = texts.say


def boxes(tenant: Tenant, language: str) -> dict[str, tuple[str, str]]:
    """The boxes that the form offers: the name of the field to (purpose, text). None is ever ticked."""
    config = tenant.config(Config)
    offered = {"marketing": (config.marketing, MARKETING), "newsletter": (config.newsletter, NEWSLETTER)}
    return {
        name: (purpose, say(f"agree_{name}", language, tenant=tenant.name))
        for name, (on, purpose) in offered.items()
        if on
    }
