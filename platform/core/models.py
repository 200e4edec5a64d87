"""The ports to models: what a chat model and an embedding model must be able to do."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from .errors import WebChatAgentError
from .vault import Masked

Vectors = NDArray[np.float32]
Region = Literal["house", "eu", "world"]
Trouble = Literal["key", "quota", "busy", "too_long", "filtered", "unreachable", "odd", "cut"]


class ModelFailed(WebChatAgentError):
    """A model gave no answer, or not all of it. What it says is for the tenant; a visitor sees a sentence of ours.

    `trouble`: `key` (refused), `quota` (used up), `busy` (429, `retry_after` in seconds), `too_long` (for the model),
    `filtered` (by the provider), `unreachable` (no connection, a time-out, 5xx), `odd` (an answer of a wrong shape),
    `cut` (the stream ended before the answer did).
    """

    status, code = 503, "model_failed"

    def __init__(self, trouble: Trouble, message: str, cure: str = "", *, retry_after: int | None = None) -> None:
        super().__init__(message, cure, code=f"model_{trouble}", retry_after=retry_after)
        self.trouble = trouble
        self.by: Any = None
        """The `resolver.Candidate` that failed, once the resolver has seen it."""


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
    """Turns text into unit vectors of `space`. A model with `local` false sees only masked text.

    A remote model may have `region`: where it works, `world` unless it says so.
    """

    space: EmbeddingSpace
    local: bool

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """One row a text, float32, length 1; shape (len(texts), space.dimensions)."""

    def embed_query(self, text: str) -> Vectors:
        """The vector of a question; shape (space.dimensions,)."""


_WITHIN: dict[str, frozenset[Region]] = {
    "any": frozenset({"house", "eu", "world"}),
    "eu": frozenset({"house", "eu"}),
    "house": frozenset({"house"}),
}


def allows(region: Region, residency: str) -> bool:
    """Whether a rule of residency (`any`, `eu`, `house`) allows what works in a region."""
    return region in _WITHIN[residency]


def unit_vectors(rows: Sequence[object], count: int, dimensions: int) -> Vectors:
    """A provider's vectors as float32 of length 1, shape (count, dimensions). Raises ModelFailed for another shape."""
    try:
        vectors = np.array([np.asarray(row, np.float32) for row in rows])
        if vectors.shape != (count, dimensions) or not np.isfinite(vectors).all():
            raise ValueError(f"shape {vectors.shape}")
    except (TypeError, ValueError) as error:
        raise ModelFailed(
            "odd", "The provider sent vectors of a wrong shape.", "check the model and the length of its vectors"
        ) from error
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9), np.float32)


@dataclass(frozen=True)
class MaskedPassage:
    """A passage as a model sees it; `number` is what the model cites as [number]."""

    number: int
    title: Masked
    text: Masked
    language: str


@dataclass(frozen=True)
class ToolSpec:
    """A tool as a model sees it: its name, what it is for, and the JSON schema (an object) of its arguments."""

    name: str
    description: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True)
class ToolCall:
    """A model asks for a tool. A model yields its calls last, once its stream has ended well.

    `arguments` is the JSON text as the model wrote it, and nothing of it is trusted. `kept` is what the provider wants
    to have back with this call in the same turn (a signature of its thoughts); no other reads it.
    """

    id: str
    name: str
    arguments: str
    kept: bytes = b""

    @property
    def sound_arguments(self) -> dict[str, Any]:
        """The arguments as an object, as a provider wants them back; empty when they were none."""
        try:
            found = json.loads(self.arguments)
        except (ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}


@dataclass(frozen=True)
class ToolStep:
    """What a model said and asked for in one step of a turn, and what came of each call, in the order of the calls."""

    calls: tuple[ToolCall, ...]
    results: tuple[Masked, ...]
    text: str = ""


@dataclass(frozen=True)
class ModelRequest:
    """One question to a chat model. Only `instructions` is trusted text; passages are data, never instructions.

    `history` holds (role, text) pairs, oldest first, role `visitor` or `bot`. `language` is the visitor's.
    `streamed`: somebody reads along; else only the whole answer counts.
    `bare`: the question is all there is; nothing is said about passages that were not found.
    `tools` may be called unless `closed`; `steps` are the calls of this turn so far with their results.
    """

    instructions: str
    question: Masked
    passages: tuple[MaskedPassage, ...] = ()
    history: tuple[tuple[str, Masked], ...] = ()
    language: str = "en"
    max_tokens: int = 800
    temperature: float = 0.2
    streamed: bool = True
    tools: tuple[ToolSpec, ...] = ()
    steps: tuple[ToolStep, ...] = ()
    closed: bool = False
    bare: bool = False


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

    def __add__(self, other: TokenUsage) -> TokenUsage:
        return TokenUsage(self.tokens_in + other.tokens_in, self.tokens_out + other.tokens_out)


@dataclass(frozen=True)
class CannotAnswer:
    """The passages do not answer the question; the tenant's own sentence is shown instead."""


ModelEvent = TextDelta | TokenUsage | CannotAnswer | ToolCall


@dataclass(frozen=True)
class ModelInfo:
    """A model as the admin lists it. `local`: nothing leaves the house; else `region` says where its provider works.

    `trains`: whether the provider may learn from what is sent; None when it does not say. `most_tokens` and
    `hottest` bound what a tenant can set. `quotes`: it only repeats what passages say, and takes no instructions.
    """

    id: str
    name: str
    local: bool = False
    region: Region = "world"
    trains: bool | None = None
    most_tokens: int = 4000
    hottest: float = 2.0
    languages: frozenset[str] | None = field(default=None)
    quotes: bool = False


@runtime_checkable
class ChatModel(Protocol):
    """Streams an answer."""

    info: ModelInfo

    def stream(self, request: ModelRequest) -> AsyncIterator[ModelEvent]:
        """Yield events until the answer is complete. Closing the iterator stops the provider."""
