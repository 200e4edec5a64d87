"""Streaming an answer from Gemini."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from webchatagent.core.api import (
    ChatModel,
    ModelEvent,
    ModelFailed,
    ModelInfo,
    ModelRequest,
    TextDelta,
    TokenUsage,
    chat_messages,
)

from .client import async_client, explain
from .config import Config

_ROLES = {"user": "user", "assistant": "model"}
_FINE = ("STOP", "MAX_TOKENS")


def models(config: Config) -> list[ChatModel]:
    """One model for each name; none without a key."""
    return [GeminiChat(config, name) for name in config.chat_models] if config.api_key.get_secret_value() else []


class GeminiChat:
    """One model. It says a sentence at a time, so the SDK's objects cost little."""

    def __init__(self, config: Config, name: str) -> None:
        self._config, self._name = config, name
        self.info = ModelInfo(f"gemini:{name}", name, trains=not config.paid, most_tokens=config.max_tokens)

    def _arguments(self, request: ModelRequest) -> dict[str, Any]:
        from google.genai import types

        (_, instructions), *messages = chat_messages(request)
        return {
            "model": self._name,
            "contents": [types.Content(role=_ROLES[role], parts=[types.Part(text=text)]) for role, text in messages],
            "config": types.GenerateContentConfig(
                system_instruction=instructions,
                temperature=request.temperature,
                max_output_tokens=request.max_tokens,
                automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
            ),
        }

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelEvent]:
        """See ChatModel.stream. Raises ModelFailed."""
        reason = ""
        try:
            chunks = await async_client(self._config).models.generate_content_stream(**self._arguments(request))
            async for chunk in chunks:
                reason = _reason(chunk) or reason
                if text := _text(chunk):
                    yield TextDelta(text)
                if usage := chunk.usage_metadata:
                    yield TokenUsage(usage.prompt_token_count or 0, usage.candidates_token_count or 0)
        except (ModelFailed, GeneratorExit):
            raise
        except Exception as error:
            raise explain(error) from error
        if not reason:
            raise ModelFailed("cut", "The answer ended in the middle.", "try again")
        if reason not in _FINE:
            raise ModelFailed("filtered", "The provider refuses to answer this question.")


def _text(chunk: Any) -> str:
    """The words of a chunk, without a model's thoughts."""
    parts = [p for c in chunk.candidates or () if c.content for p in c.content.parts or ()]
    return "".join(p.text for p in parts if p.text and not p.thought)


def _reason(chunk: Any) -> str:
    """Why the answer ends here, or why there is none; empty in the middle."""
    if chunk.prompt_feedback and chunk.prompt_feedback.block_reason:
        return "BLOCKED"
    return next((str(c.finish_reason.value) for c in chunk.candidates or () if c.finish_reason), "")
