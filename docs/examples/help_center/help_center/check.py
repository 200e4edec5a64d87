"""Trying the settings before they are saved."""

from webchatagent.core.api import Problem, Unavailable

from .client import call
from .config import Config


def problems(config: Config) -> list[Problem]:
    """Ask for the articles, as the connector will; an empty list when it works."""
    if not config.token.get_secret_value():
        return [Problem("The help centre needs a token.", "token", "make one in the help centre and paste it")]
    try:
        call(config, "GET", "/api/articles")
    except Unavailable as error:
        return [Problem(error.message, error.field or "base_url", error.cure)]
    return []
