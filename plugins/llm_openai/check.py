"""Trying a configuration before it is saved."""

from __future__ import annotations

from webchatagent.core.api import ModelFailed, Problem

from .client import client, explain
from .config import Config

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
    return [
        Problem(f"The provider has no model {name}.", field, f"it has: {', '.join(sorted(known)[:8])}")
        for name, field in named
        if known and name not in known
    ] + _try_vectors(config)


def _try_vectors(config: Config) -> list[Problem]:
    from .embed import models

    for model in models(config):
        try:
            model.embed_query("hello")
        except ModelFailed as error:
            return [Problem(error.message, "embedding_model", error.cure)]
    return []
