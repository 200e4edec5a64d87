"""Trying a configuration before it is saved."""

from __future__ import annotations

from webchatagent.core.api import Problem, try_vectors

from .client import client, explain
from .config import Config
from .embed import models

_FIELDS = {"key": "api_key", "quota": "api_key", "busy": "api_key"}


def problems(config: Config) -> list[Problem]:
    """Ask for each model by name: it costs nothing, and shows that address, key and names are right."""
    if not config.api_key.get_secret_value():
        return [Problem("Gemini needs a key.", "api_key", "make one at aistudio.google.com and paste it here")]
    for name in config.chat_models:
        try:
            client(config).models.get(model=name)
        except Exception as error:
            found = explain(error)
            if getattr(error, "code", 0) == 404:
                return [Problem(f"The provider has no model {name}.", "chat_models", "check its name")]
            return [Problem(found.message, _FIELDS.get(found.trouble, "base_url"), found.cure)]
    return try_vectors(models(config))
