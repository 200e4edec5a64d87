"""Streaming an answer from Ollama's chat interface."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

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

from .client import async_client, explain
from .config import Config

MOST_CALLS = 64


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
        messages: list[dict[str, Any]] = [{"role": role, "content": text} for role, text in chat_messages(request)]
        messages += [message for step in request.steps for message in _said(step)]
        tools = [] if request.closed else [_tool(spec) for spec in request.tools]
        calls: list[ToolCall] = []
        options = {"temperature": request.temperature, "num_predict": request.max_tokens}
        ended = False
        try:
            parts = await async_client(self._config).chat(
                self._name, messages, tools=tools or None, stream=True, think=False, options=options
            )
            async for part in parts:
                if text := part.message.content:
                    yield TextDelta(text)
                calls += _calls(part)
                if len(calls) > MOST_CALLS:
                    raise ModelFailed("odd", "The model asks for too many tools.")
                if part.done:
                    ended = True
                    yield TokenUsage(part.prompt_eval_count or 0, part.eval_count or 0)
        except (ModelFailed, GeneratorExit):
            raise
        except Exception as error:
            if not (tools and _knows_no_tools(error)):
                raise explain(error) from error
            async for event in self.stream(replace(request, tools=(), steps=())):
                yield event
            return
        if not ended:
            raise ModelFailed("cut", "The answer ended in the middle.", "try again")
        for call in calls:
            yield call


def _knows_no_tools(error: Exception) -> bool:
    """Whether the server says that this model cannot be given tools: it then answers without."""
    return getattr(error, "status_code", 0) == 400 and "does not support tools" in str(getattr(error, "error", ""))


def _tool(spec: ToolSpec) -> dict[str, Any]:
    function = {"name": spec.name, "description": spec.description, "parameters": spec.parameters}
    return {"type": "function", "function": function}


def _said(step: ToolStep) -> list[dict[str, Any]]:
    """A step as messages: the calls, then what came of each."""
    calls = [{"function": {"name": c.name, "arguments": c.sound_arguments}} for c in step.calls]
    results = [
        {"role": "tool", "content": text, "tool_name": c.name} for c, text in zip(step.calls, step.results, strict=True)
    ]
    return [{"role": "assistant", "content": step.text, "tool_calls": calls}, *results]


def _calls(part: Any) -> list[ToolCall]:
    """The tools that a part of the answer asks for; Ollama gives calls no ids."""
    return [
        ToolCall("", c.function.name, json.dumps(dict(c.function.arguments), ensure_ascii=False, default=str))
        for c in part.message.tool_calls or ()
    ]
