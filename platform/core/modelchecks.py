"""What the plugins of providers try alike before a configuration is saved."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from .models import EmbeddingModel, ModelFailed
from .tenants import Problem


def missing_models(known: Collection[str], named: Sequence[tuple[str, str]], cure: str) -> list[Problem]:
    """A problem for each (name, field) that the provider does not know; `cure` may hold `{name}`."""
    return [
        Problem(f"The provider has no model {name}.", field, cure.format(name=name))
        for name, field in named
        if name not in known
    ]


def try_vectors(models: Sequence[EmbeddingModel]) -> list[Problem]:
    """Embed one word with each model: its name and the length of its vectors must be right."""
    for model in models:
        try:
            model.embed_query("hello")
        except ModelFailed as error:
            field = "dimensions" if error.trouble == "odd" else "embedding_model"
            return [Problem(error.message, field, error.cure)]
    return []
