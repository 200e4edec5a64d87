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
    ToolCall,
    ToolSpec,
    ToolStep,
    chat_messages,
)

from .client import explain, post
from .config import Config

MOST_CALLS = 64
MOST_ARGUMENTS = 200_000
"""Signs of all calls of one answer."""


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
            "messages": [
                *({"role": role, "content": text} for role, text in chat_messages(request)),
                *(message for step in request.steps for message in _said(step)),
            ],
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if request.tools:
            body["tools"] = [_tool(spec) for spec in request.tools]
            body["tool_choice"] = "none" if request.closed else "auto"
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
        for call in reader.calls.whole():
            yield call


def _tool(spec: ToolSpec) -> dict[str, Any]:
    function = {"name": spec.name, "description": spec.description, "parameters": spec.parameters}
    return {"type": "function", "function": function}


def _said(step: ToolStep) -> list[dict[str, Any]]:
    """A step as messages: the calls, then what came of each."""
    ids = [call.id or f"call_{n}" for n, call in enumerate(step.calls)]
    calls = [
        {
            "id": id,
            "type": "function",
            "function": {"name": call.name, "arguments": orjson.dumps(call.sound_arguments).decode()},
        }
        for id, call in zip(ids, step.calls, strict=True)
    ]
    results = [
        {"role": "tool", "tool_call_id": id, "content": text} for id, text in zip(ids, step.results, strict=True)
    ]
    return [{"role": "assistant", "content": step.text, "tool_calls": calls}, *results]


class _Reader:
    """Takes the bytes of a stream apart, however they were sliced."""

    def __init__(self) -> None:
        self._rest, self._ended = b"", False
        self.calls = _Calls()

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
                if pieces := choice["delta"].get("tool_calls"):
                    self.calls.take(pieces)
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


class _Calls:
    """Puts the pieces of tool calls together."""

    def __init__(self) -> None:
        self._made: list[dict[str, str]] = []
        self._at: dict[int, dict[str, str]] = {}
        self._size = 0

    def take(self, pieces: list[dict[str, Any]]) -> None:
        """Take the pieces of one event. A piece with another id begins another call, whatever its index says."""
        for piece in pieces:
            index, id = int(piece.get("index") or 0), _text(piece.get("id") or "")
            call = self._at.get(index)
            if call is None or (id and call["id"] and id != call["id"]):
                call = self._at[index] = {"id": "", "name": "", "arguments": ""}
                self._made.append(call)
            function = piece.get("function") or {}
            for name, text in (("id", id), ("name", function.get("name")), ("arguments", function.get("arguments"))):
                self._add(call, name, _text(text or ""))

    def _add(self, call: dict[str, str], name: str, text: str) -> None:
        if name == "arguments" or not call[name]:
            call[name] += text
            self._size += len(text)
        if self._size > MOST_ARGUMENTS or len(self._made) > MOST_CALLS:
            raise ModelFailed("odd", "The provider asks for too many tools.")

    def whole(self) -> list[ToolCall]:
        """The calls, in their order."""
        return [ToolCall(c["id"], c["name"], c["arguments"]) for c in self._made]


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("text expected")
    return value
