"""Streaming an answer from the chat completions interface, which every compatible service speaks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import orjson

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

from .client import explain, post
from .config import Config


def models(config: Config) -> list[ChatModel]:
    """One model for each name; none without a key at OpenAI itself."""
    if config.own and not config.api_key.get_secret_value():
        return []
    return [OpenAIChat(config, name) for name in config.chat_models]


class OpenAIChat:
    """One model. Its events are read raw: making an object of every delta costs five times as much."""

    def __init__(self, config: Config, name: str) -> None:
        self._config, self._name = config, name
        self.info = ModelInfo(
            f"openai:{name}",
            name,
            local=config.region == "house",
            region=config.region,
            trains=False if config.own else None,
            most_tokens=config.max_tokens,
        )

    def body(self, request: ModelRequest) -> dict[str, Any]:
        """What is sent: the request's text and its bounds, and nothing that names anybody."""
        body: dict[str, Any] = {
            "model": self._name,
            "messages": [{"role": role, "content": text} for role, text in chat_messages(request)],
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if self._config.own:  # others may not know these
            body |= {"store": False, "max_completion_tokens": request.max_tokens}
            if not self._name.startswith(("gpt-5", "o")):  # models that reason take no temperature
                body["temperature"] = request.temperature
        else:
            body |= {"max_tokens": request.max_tokens, "temperature": request.temperature}
        return body

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelEvent]:
        """See ChatModel.stream. Raises ModelFailed."""
        reader, response = _Reader(), None
        try:
            response = await post(self._config, "/chat/completions", self.body(request))
            if "text/event-stream" not in response.headers.get("content-type", ""):
                raise ModelFailed("odd", "The provider sent no stream.", "check the address")
            async for data in response.aiter_bytes():
                for event in reader.feed(data):
                    yield event
        except (ModelFailed, GeneratorExit):
            raise
        except Exception as error:
            raise explain(error) from error
        finally:
            if response is not None:
                await response.aclose()
        reader.check_end()


class _Reader:
    """Takes the bytes of a stream apart, however they were sliced."""

    def __init__(self) -> None:
        self._rest, self._ended = b"", False

    def feed(self, data: bytes) -> list[ModelEvent]:
        """The events that are whole now. Raises ModelFailed for what is no event of this interface."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > 1_000_000:
            raise ModelFailed("odd", "The provider sends a line without an end.")
        out: list[ModelEvent] = []
        for line in lines:
            if line.startswith(b"data:"):
                self._take(line[5:].strip(), out)
        return out

    def _take(self, data: bytes, out: list[ModelEvent]) -> None:
        if data == b"[DONE]":
            self._ended = True
            return
        try:
            chunk = orjson.loads(data)
            if "error" in chunk:
                raise ModelFailed("unreachable", "The provider broke the answer off.", "try again")
            if usage := chunk.get("usage"):
                out.append(TokenUsage(int(usage.get("prompt_tokens") or 0), int(usage.get("completion_tokens") or 0)))
            for choice in chunk.get("choices", ())[:1]:
                if text := choice["delta"].get("content"):
                    out.append(TextDelta(_text(text)))
                self._finish(choice.get("finish_reason"))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ModelFailed("odd", "The provider sent an event of a wrong shape.") from error

    def _finish(self, reason: str | None) -> None:
        if reason == "content_filter":
            raise ModelFailed("filtered", "The provider refuses to answer this question.")
        self._ended = self._ended or reason is not None

    def check_end(self) -> None:
        """Raises ModelFailed when the stream ended before the answer did."""
        if not self._ended:
            raise ModelFailed("cut", "The answer ended in the middle.", "try again")


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("text expected")
    return value
