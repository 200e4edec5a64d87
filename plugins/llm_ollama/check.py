"""Trying a configuration before it is saved."""

from __future__ import annotations

from webchatagent.core.api import Problem, missing_models, try_vectors

from .client import client, explain
from .config import Config
from .embed import models


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
    return missing_models(known, named, "run `ollama pull {name}` on the server") or try_vectors(models(config))
