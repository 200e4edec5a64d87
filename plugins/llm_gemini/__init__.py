"""Google's Gemini models."""

from __future__ import annotations

from typing import Any

from webchatagent.core.api import ChatModel, Disclosure, EmbeddingModel, Problem, Tenant, hookimpl

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
    """Whether the key is accepted and the models are there."""
    from .check import problems

    return problems(config)


@hookimpl
def privacy_disclosures(tenant: Tenant) -> list[Disclosure]:
    """What is sent for an answer, and for the index when its embedding model is used."""
    from .disclosures import disclosures

    return disclosures(tenant, tenant.config(Config))
