"""Streaming an answer from Ollama's chat interface."""

from __future__ import annotations

from collections.abc import AsyncIterator

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


def models(config: Config) -> list[ChatModel]:
    """One model for each name."""
    return [OllamaChat(config, name) for name in config.chat_models]


class OllamaChat:
    """One model of the server."""

    def __init__(self, config: Config, name: str) -> None:
        self._config, self._name = config, name
        self.info = ModelInfo(f"ollama:{name}", name, local=True, trains=False, most_tokens=config.max_tokens)

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelEvent]:
        """See ChatModel.stream. Raises ModelFailed."""
        messages = [{"role": role, "content": text} for role, text in chat_messages(request)]
        options = {"temperature": request.temperature, "num_predict": request.max_tokens}
        ended = False
        try:
            parts = await async_client(self._config).chat(
                self._name, messages, stream=True, think=False, options=options
            )
            async for part in parts:
                if text := part.message.content:
                    yield TextDelta(text)
                if part.done:
                    ended = True
                    yield TokenUsage(part.prompt_eval_count or 0, part.eval_count or 0)
        except (ModelFailed, GeneratorExit):
            raise
        except Exception as error:
            raise explain(error) from error
        if not ended:
            raise ModelFailed("cut", "The answer ended in the middle.", "try again")
