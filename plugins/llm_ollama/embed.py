"""Vectors from Ollama's embed interface."""

from __future__ import annotations

from collections.abc import Sequence

from webchatagent.core.api import EmbeddingModel, EmbeddingSpace, Vectors, unit_vectors

from .client import client, explain
from .config import Config

MAX_TOKENS = 2048
COSINE_WEIGHT, THRESHOLD, CROSS_THRESHOLD = 3.0, 1.8, 0.5
"""A middle way: each model has its own range of cosines, so the gate leans on the words of the question."""


def models(config: Config) -> list[EmbeddingModel]:
    """The embedding model, when one is named."""
    return [OllamaEmbeddings(config)] if config.embedding_model else []


class OllamaEmbeddings:
    """One model with one length of vectors: one space."""

    local = True

    def __init__(self, config: Config) -> None:
        self._config = config
        self.space = EmbeddingSpace(
            f"ollama:{config.embedding_model}@{config.dimensions}",
            config.dimensions,
            MAX_TOKENS,
            cosine_weight=COSINE_WEIGHT,
            threshold=THRESHOLD,
            cross_threshold=CROSS_THRESHOLD,
        )

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """See EmbeddingModel.embed_documents. Raises ModelFailed."""
        try:
            found = client(self._config).embed(self._config.embedding_model, list(texts), truncate=True)
        except Exception as error:
            raise explain(error) from error
        return unit_vectors(found.embeddings, len(texts), self.space.dimensions)

    def embed_query(self, text: str) -> Vectors:
        """See EmbeddingModel.embed_query. Raises ModelFailed."""
        row: Vectors = self.embed_documents([text])[0]
        return row
