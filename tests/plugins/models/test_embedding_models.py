"""The contract of embedding models, run over each provider's plugin."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import numpy as np
from pydantic import SecretStr

from webchatagent.plugins.llm_gemini import embed as gemini
from webchatagent.plugins.llm_gemini.config import Config as GeminiConfig
from webchatagent.plugins.llm_ollama import embed as ollama
from webchatagent.plugins.llm_ollama.config import Config as OllamaConfig
from webchatagent.plugins.llm_openai import embed as openai
from webchatagent.plugins.llm_openai.config import Config as OpenAIConfig
from webchatagent.testing.embedding_contract import EmbeddingContract


class OpenAIWire:
    def model(self, url: str, *, key: str, timeout: float) -> Any:
        config = OpenAIConfig(api_key=SecretStr(key), base_url=f"{url}/v1", embedding_model="test-embedding")
        return openai.models(config.model_copy(update={"timeout": timeout, "dimensions": 4}))[0]

    def body(self, vectors: Sequence[Sequence[float]]) -> dict[str, Any]:
        rows = [
            {"object": "embedding", "index": i, "embedding": base64.b64encode(np.array(v, "<f4").tobytes()).decode()}
            for i, v in enumerate(vectors)
        ]
        return {"object": "list", "model": "test-embedding", "data": rows[::-1]}

    def texts(self, body: Any) -> list[str]:
        found: list[str] = body["input"]
        return found


class PlainOpenAIWire(OpenAIWire):
    """A compatible service that knows no base64."""

    def body(self, vectors: Sequence[Sequence[float]]) -> dict[str, Any]:
        return {"data": [{"index": i, "embedding": list(v)} for i, v in enumerate(vectors)]}


class GeminiWire:
    def model(self, url: str, *, key: str, timeout: float) -> Any:
        config = GeminiConfig(api_key=SecretStr(key), base_url=url, embedding_model="test-embedding")
        return gemini.models(config.model_copy(update={"timeout": timeout, "dimensions": 4}))[0]

    def body(self, vectors: Sequence[Sequence[float]]) -> dict[str, Any]:
        return {"embeddings": [{"values": list(v)} for v in vectors]}

    def texts(self, body: Any) -> list[str]:
        return [r["content"]["parts"][0]["text"] for r in body["requests"]]


class OllamaWire:
    def model(self, url: str, *, key: str, timeout: float) -> Any:
        config = OllamaConfig(token=SecretStr(key), base_url=url, embedding_model="test-embedding")
        return ollama.models(config.model_copy(update={"timeout": timeout, "dimensions": 4}))[0]

    def body(self, vectors: Sequence[Sequence[float]]) -> dict[str, Any]:
        return {"model": "test-embedding", "embeddings": [list(v) for v in vectors]}

    def texts(self, body: Any) -> list[str]:
        found: list[str] = body["input"]
        return found


class TestOpenAI(EmbeddingContract):
    wire = OpenAIWire()


class TestPlainOpenAI(EmbeddingContract):
    wire = PlainOpenAIWire()


class TestGemini(EmbeddingContract):
    wire = GeminiWire()


class TestOllama(EmbeddingContract):
    wire = OllamaWire()
