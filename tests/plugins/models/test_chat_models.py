"""The contract of chat models, run over each provider's plugin."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from pydantic import SecretStr

from webchatagent.plugins.llm_gemini import chat as gemini
from webchatagent.plugins.llm_gemini.config import Config as GeminiConfig
from webchatagent.plugins.llm_ollama import chat as ollama
from webchatagent.plugins.llm_ollama.config import Config as OllamaConfig
from webchatagent.plugins.llm_openai import chat as openai
from webchatagent.plugins.llm_openai.config import Config as OpenAIConfig
from webchatagent.testing.chat_model_contract import SAID, ChatModelContract, Failure, FilterContract


def sse(value: Any) -> bytes:
    return b"data: " + json.dumps(value, ensure_ascii=False).encode() + b"\n\n"


class OpenAIWire:
    kind = "text/event-stream"
    failures = (
        Failure(401, {"error": {"message": SAID, "code": "invalid_api_key"}}, "key"),
        Failure(429, {"error": {"message": SAID, "code": "rate_limit_exceeded"}}, "busy", (("Retry_After", "120"),)),
        Failure(429, {"error": {"message": SAID, "code": "insufficient_quota"}}, "quota"),
        Failure(400, {"error": {"message": SAID, "code": "context_length_exceeded"}}, "too_long"),
        Failure(400, {"error": {"message": SAID, "code": "content_filter"}}, "filtered"),
        Failure(404, {"error": {"message": SAID, "code": "model_not_found"}}, "odd"),
        Failure(400, {"error": {"message": SAID}}, "odd"),
        Failure(500, {"error": {"message": SAID}}, "unreachable"),
        Failure(503, {"oops": SAID}, "unreachable"),
    )

    def model(self, url: str, *, key: str, timeout: float) -> Any:
        config = OpenAIConfig(api_key=SecretStr(key), base_url=f"{url}/v1", chat_models=("test",))
        return openai.models(config.model_copy(update={"timeout": timeout}))[0]

    def pieces(self, texts: Sequence[str], tokens: tuple[int, int] = (0, 0)) -> list[bytes]:
        out = [sse({"choices": [{"index": 0, "delta": {"content": t}, "finish_reason": None}]}) for t in texts]
        end = sse({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        usage = sse({"choices": [], "usage": {"prompt_tokens": tokens[0], "completion_tokens": tokens[1]}})
        return [*out, end + usage + b"data: [DONE]\n\n"]

    def filtered(self) -> list[bytes]:
        return [sse({"choices": [{"index": 0, "delta": {}, "finish_reason": "content_filter"}]}), b"data: [DONE]\n\n"]

    def messages(self, body: Any) -> list[tuple[str, str]]:
        return [(m["role"], m["content"]) for m in body["messages"]]


class GeminiWire:
    kind = "text/event-stream"
    failures = (
        Failure(
            400, {"error": {"code": 400, "message": f"API key not valid. {SAID}", "status": "INVALID_ARGUMENT"}}, "key"
        ),
        Failure(403, {"error": {"code": 403, "message": SAID, "status": "PERMISSION_DENIED"}}, "key"),
        Failure(
            429,
            {"error": {"code": 429, "message": SAID, "status": "RESOURCE_EXHAUSTED"}},
            "busy",
            (("Retry_After", "120"),),
        ),
        Failure(
            400,
            {"error": {"code": 400, "message": f"The input token count exceeds {SAID}", "status": "INVALID_ARGUMENT"}},
            "too_long",
        ),
        Failure(404, {"error": {"code": 404, "message": SAID, "status": "NOT_FOUND"}}, "odd"),
        Failure(500, {"error": {"code": 500, "message": SAID, "status": "INTERNAL"}}, "unreachable"),
    )

    def model(self, url: str, *, key: str, timeout: float) -> Any:
        config = GeminiConfig(api_key=SecretStr(key), base_url=url, chat_models=("test",))
        return gemini.models(config.model_copy(update={"timeout": timeout}))[0]

    def pieces(self, texts: Sequence[str], tokens: tuple[int, int] = (0, 0)) -> list[bytes]:
        out = [sse({"candidates": [{"content": {"role": "model", "parts": [{"text": t}]}, "index": 0}]}) for t in texts]
        usage = {"promptTokenCount": tokens[0], "candidatesTokenCount": tokens[1]}
        return [*out, sse({"candidates": [{"finishReason": "STOP", "index": 0}], "usageMetadata": usage})]

    def filtered(self) -> list[bytes]:
        return [sse({"promptFeedback": {"blockReason": "SAFETY"}})]

    def messages(self, body: Any) -> list[tuple[str, str]]:
        roles = {"user": "user", "model": "assistant"}
        (system,) = body["systemInstruction"]["parts"]
        return [
            ("system", system["text"]),
            *[(roles[c["role"]], "".join(p["text"] for p in c["parts"])) for c in body["contents"]],
        ]


class OllamaWire:
    kind = "application/x-ndjson"
    failures = (
        Failure(401, {"error": SAID}, "key"),
        Failure(404, {"error": SAID}, "odd"),
        Failure(503, {"error": SAID}, "busy"),
        Failure(429, {"error": SAID}, "busy", (("Retry_After", "120"),)),
        Failure(500, {"error": SAID}, "unreachable"),
        Failure(400, {"error": SAID}, "odd"),
    )

    def model(self, url: str, *, key: str, timeout: float) -> Any:
        config = OllamaConfig(token=SecretStr(key), base_url=url, chat_models=("test",))
        return ollama.models(config.model_copy(update={"timeout": timeout}))[0]

    def _line(self, **values: Any) -> bytes:
        line = {"model": "test", "created_at": "2026-01-01T00:00:00Z", "done": False, **values}
        return json.dumps(line, ensure_ascii=False).encode() + b"\n"

    def pieces(self, texts: Sequence[str], tokens: tuple[int, int] = (0, 0)) -> list[bytes]:
        out = [self._line(message={"role": "assistant", "content": t}) for t in texts]
        end = {"done": True, "done_reason": "stop", "prompt_eval_count": tokens[0], "eval_count": tokens[1]}
        return [*out, self._line(message={"role": "assistant", "content": ""}, **end)]

    def messages(self, body: Any) -> list[tuple[str, str]]:
        return [(m["role"], m["content"]) for m in body["messages"]]


class TestOpenAI(FilterContract):
    wire = OpenAIWire()


class TestGemini(FilterContract):
    wire = GeminiWire()


class TestOllama(ChatModelContract):
    wire = OllamaWire()
