"""The sentences of the newsletter, and what is agreed to."""

from __future__ import annotations

from webchatagent.core.api import Sentences, Tenant

from .config import Config

LANGUAGES = ("en", "de", "hi")
texts = Sentences(__file__)
say = texts.say


def title_of(tenant: Tenant, language: str) -> str:
    """The heading of the form."""
    return tenant.config(Config).title or say("title", language)


def consent_text(tenant: Tenant, language: str) -> str:
    """What somebody agrees to: the sentence beside the box, Mailchimp named when addresses go there."""
    parts = [say("agree", language, tenant=tenant.name)]
    if tenant.config(Config).hands_on:
        parts.append(say("agree_mailchimp", language))
    return " ".join(parts)
