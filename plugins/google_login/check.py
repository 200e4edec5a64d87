"""Trying a configuration before it is saved."""

from __future__ import annotations

from webchatagent.core.api import LoginFailed, Problem

from .config import Config


def problems(config: Config) -> list[Problem]:
    """Read the provider's description. Whether the client is right shows only when somebody signs in."""
    if not config.client_id:
        return [Problem("The client ID is missing.", "client_id", "copy it from the Google Cloud console")]
    if not config.client_secret.get_secret_value():
        return [Problem("The client secret is missing.", "client_secret", "copy it from the Google Cloud console")]
    from .client import discover

    try:
        discover(config)
    except LoginFailed as error:
        return [Problem(error.message, "discovery_url", "check the address")]
    return []
