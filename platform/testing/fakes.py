"""Stand-ins for models: vectors from words, and a chat model that says what a test wrote."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from types import ModuleType

import numpy as np

from ..core.analysis import trigrams
from ..core.hookspecs import hookimpl
from ..core.models import (
    ChatModel,
    EmbeddingModel,
    EmbeddingSpace,
    ModelEvent,
    ModelInfo,
    ModelRequest,
    Region,
    TextDelta,
    Vectors,
)
from ..core.tenants import Tenant
from ..core.tools import Tool, ToolContext


class WordVectors:
    """Vectors of hashed trigrams: texts that share words are near each other. Good for tests, not for people."""

    space = EmbeddingSpace("test-words@1", 64, 512, cosine_weight=8.0, threshold=2.5, cross_threshold=0.3)
    local = True

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """One unit vector a text, shape (n, 64)."""
        out = np.zeros((len(texts), self.space.dimensions), np.float32)
        for row, text in enumerate(texts):
            for gram in trigrams(text):
                out[row, zlib.crc32(gram.encode()) % self.space.dimensions] += 1
        norms = np.linalg.norm(out, axis=1, keepdims=True)
        return np.asarray(out / np.maximum(norms, 1e-9), np.float32)

    def embed_query(self, text: str) -> Vectors:
        """The vector of a question."""
        row: Vectors = self.embed_documents([text])[0]
        return row


class RemoteVectors(WordVectors):
    """The same as a provider's model: it is remote, and can be made to fail. `seen` is what it was sent."""

    local = False
    region: Region = "world"

    def __init__(self, name: str = "remote@1", dimensions: int = 32, region: Region = "world") -> None:
        self.space = replace(WordVectors.space, id=name, dimensions=dimensions)
        self.region, self.seen, self.failures = region, list[str](), list[Exception]()

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """See WordVectors.embed_documents."""
        if self.failures:
            raise self.failures.pop(0)
        self.seen += texts
        return super().embed_documents(texts)


class ScriptedModel:
    """A chat model whose answers a test enqueues; `requests` keeps what it was asked.

    An answer is a list of pieces: text, an exception to raise, a model event, or an `asyncio.Event` to wait for.
    """

    info = ModelInfo("scripted", "Scripted", local=True)

    def __init__(self) -> None:
        self.requests: list[ModelRequest] = []
        self.answers: list[Sequence[object]] = []
        self.closed = 0

    def enqueue(self, *pieces: object) -> None:
        """The pieces of the next answer."""
        self.answers.append(pieces)

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelEvent]:
        """See ChatModel.stream."""
        self.requests.append(request)
        try:
            for piece in self.answers.pop(0) if self.answers else ["Yes [1]."]:
                if isinstance(piece, str):
                    yield TextDelta(piece)
                elif isinstance(piece, BaseException):
                    raise piece
                elif isinstance(piece, asyncio.Event):
                    await piece.wait()
                elif isinstance(piece, (int, float)):
                    await asyncio.sleep(piece)
                else:
                    yield piece  # type: ignore[misc]
        finally:
            self.closed += 1


def embedding_plugin(*models: EmbeddingModel) -> ModuleType:
    """A plugin module that offers some embedding models, or `WordVectors`."""
    module = ModuleType("embeddings_local")
    offered = list(models or [WordVectors()])

    def embedding_models(tenant: Tenant) -> list[EmbeddingModel]:
        return offered

    module.embedding_models = hookimpl(embedding_models)  # type: ignore[attr-defined]
    return module


def chat_plugin(model: ScriptedModel) -> ModuleType:
    """A plugin module that offers a scripted model, in place of the offline one."""
    module = ModuleType("offline")

    def chat_models(tenant: Tenant) -> list[ChatModel]:
        return [model]

    module.chat_models = hookimpl(chat_models)  # type: ignore[attr-defined]
    return module


def tool_plugin(tools: dict[str, list[Tool]]) -> ModuleType:
    """A plugin module that offers a tenant the tools that stand under its slug."""
    module = ModuleType("tester")

    def assistant_tools(tenant: Tenant, context: ToolContext) -> list[Tool]:
        return tools.get(tenant.slug, [])

    module.assistant_tools = hookimpl(assistant_tools)  # type: ignore[attr-defined]
    return module
