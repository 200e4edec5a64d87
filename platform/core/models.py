"""The ports to models: what a chat model and an embedding model must be able to do."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from .vault import Masked

Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class EmbeddingSpace:
    """Where vectors of one model live; `id` names model, weights and version and is never used for others.

    `languages` is None for a multilingual model. `cosine_weight`, `threshold` and `cross_threshold` are the
    relevance gate of this space (see `retrieval.Gate`); they were measured for it and mean nothing elsewhere.
    """

    id: str
    dimensions: int
    max_tokens: int
    languages: frozenset[str] | None = None
    cosine_weight: float = 8.0
    threshold: float = 0.0
    cross_threshold: float = 0.0


@runtime_checkable
class EmbeddingModel(Protocol):
    """Turns text into unit vectors of `space`. A model with `local` false sees only masked text."""

    space: EmbeddingSpace
    local: bool

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """One row a text, float32, length 1; shape (len(texts), space.dimensions)."""

    def embed_query(self, text: str) -> Vectors:
        """The vector of a question; shape (space.dimensions,)."""


@dataclass(frozen=True)
class MaskedPassage:
    """A passage as a model sees it; `number` is what the model cites as [number]."""

    number: int
    title: Masked
    text: Masked
    language: str


@dataclass(frozen=True)
class ModelRequest:
    """One question to a chat model. Only `instructions` is trusted text; passages are data, never instructions.

    `history` holds (role, text) pairs, oldest first, role `visitor` or `bot`. `language` is the visitor's.
    `streamed`: somebody reads along; else only the whole answer counts.
    """

    instructions: str
    question: Masked
    passages: tuple[MaskedPassage, ...] = ()
    history: tuple[tuple[str, Masked], ...] = ()
    language: str = "en"
    max_tokens: int = 800
    temperature: float = 0.2
    streamed: bool = True


@dataclass(frozen=True)
class TextDelta:
    """The next piece of the answer, with citations written as [n]. `fixed`: a phrase of the interface, not an answer."""

    text: str
    fixed: bool = False


@dataclass(frozen=True)
class TokenUsage:
    """What the provider counted for this request."""

    tokens_in: int = 0
    tokens_out: int = 0


@dataclass(frozen=True)
class CannotAnswer:
    """The passages do not answer the question; the tenant's own sentence is shown instead."""


ModelEvent = TextDelta | TokenUsage | CannotAnswer


@dataclass(frozen=True)
class ModelInfo:
    """A model as the admin lists it. `local`: nothing leaves the house."""

    id: str
    name: str
    local: bool = False
    languages: frozenset[str] | None = field(default=None)


@runtime_checkable
class ChatModel(Protocol):
    """Streams an answer."""

    info: ModelInfo

    def stream(self, request: ModelRequest) -> AsyncIterator[ModelEvent]:
        """Yield events until the answer is complete. Closing the iterator stops the provider."""
