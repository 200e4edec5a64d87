"""Vectors from Gemini's embedding models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from webchatagent.core.api import EmbeddingModel, EmbeddingSpace, ModelFailed, Vectors, unit_vectors

from .client import client, explain
from .config import Config

MAX_TOKENS = 2048
COSINE_WEIGHT, THRESHOLD, CROSS_THRESHOLD = 3.0, 2.2, 0.6
"""A first gate: cosines of this family lie between about 0.5 and 0.9; not measured on our sets, which would need an
account."""


def models(config: Config) -> list[EmbeddingModel]:
    """The embedding model, when one is named and there is a key."""
    return [GeminiEmbeddings(config)] if config.embedding_model and config.api_key.get_secret_value() else []


class GeminiEmbeddings:
    """One model with one length of vectors: one space. Passages and questions are embedded for their roles."""

    local = False

    def __init__(self, config: Config) -> None:
        self._config = config
        self.space = EmbeddingSpace(
            f"gemini:{config.embedding_model}@{config.dimensions}",
            config.dimensions,
            MAX_TOKENS,
            cosine_weight=COSINE_WEIGHT,
            threshold=THRESHOLD,
            cross_threshold=CROSS_THRESHOLD,
        )

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """See EmbeddingModel.embed_documents. Raises ModelFailed."""
        return self._embed(list(texts), "RETRIEVAL_DOCUMENT")

    def embed_query(self, text: str) -> Vectors:
        """See EmbeddingModel.embed_query. Raises ModelFailed."""
        row: Vectors = self._embed([text], "RETRIEVAL_QUERY")[0]
        return row

    def _embed(self, texts: list[str], role: str) -> Vectors:
        from google.genai import types

        options = types.EmbedContentConfig(task_type=role, output_dimensionality=self.space.dimensions)
        contents: Any = [types.Content(parts=[types.Part(text=text or " ")]) for text in texts]
        try:
            found = client(self._config).models.embed_content(
                model=self._config.embedding_model, contents=contents, config=options
            )
            rows = [row.values for row in found.embeddings or ()]
        except ModelFailed:
            raise
        except Exception as error:
            raise explain(error) from error
        return unit_vectors(rows, len(texts), self.space.dimensions)
