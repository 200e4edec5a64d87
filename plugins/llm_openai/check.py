"""Trying a configuration before it is saved."""

from __future__ import annotations

from webchatagent.core.api import Problem, missing_models, try_vectors

from .client import client, explain
from .config import Config
from .embed import models

_FIELDS = {"key": "api_key", "quota": "api_key", "unreachable": "base_url", "odd": "base_url"}


def problems(config: Config) -> list[Problem]:
    """Ask for the list of models: it costs nothing, and shows that address, key and names are right."""
    if config.own and not config.api_key.get_secret_value():
        return [Problem("OpenAI needs a key.", "api_key", "make one at platform.openai.com and paste it here")]
    try:
        known = {model.id for model in client(config).models.list().data}
    except Exception as error:
        found = explain(error)
        return [Problem(found.message, _FIELDS.get(found.trouble, "base_url"), found.cure)]
    named = [(name, "chat_models") for name in config.chat_models]
    if config.embedding_model:
        named.append((config.embedding_model, "embedding_model"))
    cure = "it has: " + ", ".join(sorted(known)[:8]).replace("{", "").replace("}", "")
    return (missing_models(known, named, cure) if known else []) or try_vectors(models(config))
