"""Open models on an Ollama server of the tenant's own."""

from __future__ import annotations

from typing import Any

from webchatagent.core.api import ChatModel, EmbeddingModel, Problem, Tenant, hookimpl

from .config import Config


@hookimpl
def chat_models(tenant: Tenant) -> list[ChatModel]:
    """The models that the tenant named."""
    from .chat import models

    return models(tenant.config(Config))


@hookimpl
def embedding_models(tenant: Tenant) -> list[EmbeddingModel]:
    """The embedding model, when the tenant named one."""
    from .embed import models

    return models(tenant.config(Config))


@hookimpl
def plugin_check(tenant: Tenant, config: Any) -> list[Problem]:
    """Whether the server answers and has the models."""
    from .check import problems

    return problems(config)
