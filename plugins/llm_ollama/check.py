"""Trying a configuration before it is saved."""

from __future__ import annotations

from webchatagent.core.api import ModelFailed, Problem

from .client import client, explain
from .config import Config


def problems(config: Config) -> list[Problem]:
    """Ask for the list of models, and try the embedding model: its length must be right."""
    try:
        known = {str(model.model) for model in client(config).list().models}
    except Exception as error:
        found = explain(error)
        return [Problem(found.message, "token" if found.trouble == "key" else "base_url", found.cure)]
    known |= {name.removesuffix(":latest") for name in known}
    named = [(name, "chat_models") for name in config.chat_models]
    if config.embedding_model:
        named.append((config.embedding_model, "embedding_model"))
    missing = [
        Problem(f"The server has no model {name}.", field, f"run `ollama pull {name}` on it")
        for name, field in named
        if name not in known
    ]
    return missing or _try_vectors(config)


def _try_vectors(config: Config) -> list[Problem]:
    from .embed import models

    for model in models(config):
        try:
            model.embed_query("hello")
        except ModelFailed as error:
            return [Problem(error.message, "dimensions" if error.trouble == "odd" else "embedding_model", error.cure)]
    return []
