"""Trying the key and the audience before they are saved."""

from __future__ import annotations

from importlib.util import find_spec

from webchatagent.core.api import Problem

from .config import Config
from .mailchimp import Mailchimp, MailchimpRefused


def problems(config: Config) -> list[Problem]:
    """What is wrong; nothing is called without a key. Raises Unavailable when Mailchimp does not answer."""
    has_key = bool(config.api_key.get_secret_value())
    if has_key != bool(config.audience_id):
        missing = "audience_id" if has_key else "api_key"
        return [Problem("Mailchimp needs a key and an audience.", missing, "enter both, or neither")]
    if not has_key:
        return []
    if find_spec("mailchimp_marketing") is None:
        return [Problem("The package for Mailchimp is not installed.", "api_key", "install webchatagent[newsletter]")]
    try:
        Mailchimp(config).audience()
    except MailchimpRefused as error:
        if error.answered == 404:
            return [Problem("Mailchimp does not know this audience.", "audience_id", "see its settings at Mailchimp")]
        return [Problem("Mailchimp does not take this key.", "api_key", "make a new one at Mailchimp")]
    return []
