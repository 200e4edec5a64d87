"""Vectors from the embeddings interface."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import numpy as np

from webchatagent.core.api import EmbeddingModel, EmbeddingSpace, ModelFailed, Vectors, unit_vectors

from .client import client, explain
from .config import Config

MAX_TOKENS = 8191
THRESHOLD, CROSS_THRESHOLD, COSINE_WEIGHT = 1.35, 0.35, 3.0
"""The gate of these spaces: related texts have cosines of about 0.35 and more, others of about 0.1 to 0.25
(https://platform.openai.com/docs/guides/embeddings); not measured on our sets, which would need an account."""


def models(config: Config) -> list[EmbeddingModel]:
    """The embedding model, when one is named."""
    return [OpenAIEmbeddings(config)] if config.embedding_model else []


class OpenAIEmbeddings:
    """One model with one length of vectors: one space."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self.local = config.region == "house"
        self.region = config.region
        self.space = EmbeddingSpace(
            f"openai:{config.embedding_model}@{config.dimensions}",
            config.dimensions,
            MAX_TOKENS,
            cosine_weight=COSINE_WEIGHT,
            threshold=THRESHOLD,
            cross_threshold=CROSS_THRESHOLD,
        )

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """See EmbeddingModel.embed_documents. Raises ModelFailed."""
        body: dict[str, Any] = {
            "model": self._config.embedding_model,
            "input": [text or " " for text in texts],
            "dimensions": self.space.dimensions,
            "encoding_format": "base64",
        }
        try:
            raw = client(self._config).embeddings.with_raw_response.create(**body)
            found = raw.http_response.json()
        except Exception as error:
            raise explain(error) from error
        return unit_vectors(_rows(found), len(texts), self.space.dimensions)

    def embed_query(self, text: str) -> Vectors:
        """See EmbeddingModel.embed_query. Raises ModelFailed."""
        row: Vectors = self.embed_documents([text])[0]
        return row


def _rows(found: Any) -> list[Any]:
    """The vectors in the order of their texts: base64 of little-endian floats, or numbers where that is not known."""
    try:
        rows = [item["embedding"] for item in sorted(found["data"], key=lambda item: item["index"])]
        return [np.frombuffer(base64.b64decode(row), "<f4") if isinstance(row, str) else row for row in rows]
    except (KeyError, TypeError, ValueError) as error:
        raise ModelFailed("odd", "The provider sent something that is no vector.", "check the address") from error
