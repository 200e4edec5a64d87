"""What leaves the house, as the privacy notice says it."""

from __future__ import annotations

from urllib.parse import urlsplit

from webchatagent.core.api import Disclosure

from .config import Config


def disclosures(config: Config) -> list[Disclosure]:
    """One, as soon as there is a service with something to ask; without a recipient when it is the tenant's own."""
    host = urlsplit(config.base_url).hostname
    if not host or not config.actions:
        return []
    personal = any(p.personal for action in config.actions for p in action.parameters)
    data = ("messages", "contact") if personal else ("messages",)
    if config.own:
        return [Disclosure("http_action.service", data, "answer", "contract", 0, hosts=(host,))]
    return [
        Disclosure(
            "http_action.service",
            data,
            "answer",
            "contract",
            0,
            config.company or host,
            config.country,
            "processor",
            config.policy,
            (host,),
        )
    ]
