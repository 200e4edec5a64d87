"""Streaming an answer from Gemini."""

from __future__ import annotations

import json
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
    ToolCall,
    ToolStep,
    chat_messages,
)

from .client import async_client, explain
from .config import Config

_ROLES = {"user": "user", "assistant": "model"}
_FINE = ("STOP", "MAX_TOKENS")
_BROKEN = ("MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL")
MOST_CALLS = 64


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
        contents = [types.Content(role=_ROLES[role], parts=[types.Part(text=text)]) for role, text in messages]
        return {
            "model": self._name,
            "contents": [*contents, *(c for step in request.steps for c in _said(step))],
            "config": types.GenerateContentConfig(
                system_instruction=instructions,
                temperature=request.temperature,
                max_output_tokens=request.max_tokens,
                automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
                **_tools(request),
            ),
        }

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelEvent]:
        """See ChatModel.stream. Raises ModelFailed."""
        reason, calls = "", []
        try:
            chunks = await async_client(self._config).models.generate_content_stream(**self._arguments(request))
            async for chunk in chunks:
                reason = _reason(chunk) or reason
                if text := _text(chunk):
                    yield TextDelta(text)
                calls += _calls(chunk)
                if len(calls) > MOST_CALLS:
                    raise ModelFailed("odd", "The provider asks for too many tools.")
                if usage := chunk.usage_metadata:
                    yield TokenUsage(usage.prompt_token_count or 0, usage.candidates_token_count or 0)
        except (ModelFailed, GeneratorExit):
            raise
        except Exception as error:
            raise explain(error) from error
        if not reason:
            raise ModelFailed("cut", "The answer ended in the middle.", "try again")
        if reason in _BROKEN:
            raise ModelFailed("odd", "The model called a tool in a way that cannot be read.", "try again")
        if reason not in _FINE:
            raise ModelFailed("filtered", "The provider refuses to answer this question.")
        for call in calls:
            yield call


def _tools(request: ModelRequest) -> dict[str, Any]:
    """The tools of a request, as the SDK wants them."""
    from google.genai import types

    if not request.tools:
        return {}
    declared = [
        types.FunctionDeclaration(name=t.name, description=t.description, parameters_json_schema=t.parameters)
        for t in request.tools
    ]
    mode = types.FunctionCallingConfigMode.NONE if request.closed else types.FunctionCallingConfigMode.AUTO
    return {
        "tools": [types.Tool(function_declarations=declared)],
        "tool_config": types.ToolConfig(function_calling_config=types.FunctionCallingConfig(mode=mode)),
    }


def _said(step: ToolStep) -> list[Any]:
    """A step as contents. The signature of the model's thoughts goes back where it stood."""
    from google.genai import types

    said = [types.Part(text=step.text)] if step.text else []
    calls = [
        types.Part(
            function_call=types.FunctionCall(id=c.id or None, name=c.name, args=c.sound_arguments),
            thought_signature=c.kept or None,
        )
        for c in step.calls
    ]
    results = [
        types.Part(function_response=types.FunctionResponse(id=c.id or None, name=c.name, response={"output": text}))
        for c, text in zip(step.calls, step.results, strict=True)
    ]
    return [types.Content(role="model", parts=[*said, *calls]), types.Content(role="user", parts=results)]


def _calls(chunk: Any) -> list[ToolCall]:
    """The tools that a chunk asks for."""
    parts = [p for c in chunk.candidates or () if c.content for p in c.content.parts or ()]
    return [
        ToolCall(
            p.function_call.id or "",
            p.function_call.name or "",
            json.dumps(p.function_call.args or {}, ensure_ascii=False),
            p.thought_signature or b"",
        )
        for p in parts
        if p.function_call
    ]


def _text(chunk: Any) -> str:
    """The words of a chunk, without a model's thoughts."""
    parts = [p for c in chunk.candidates or () if c.content for p in c.content.parts or ()]
    return "".join(p.text for p in parts if p.text and not p.thought)


def _reason(chunk: Any) -> str:
    """Why the answer ends here, or why there is none; empty in the middle."""
    if chunk.prompt_feedback and chunk.prompt_feedback.block_reason:
        return "BLOCKED"
    return next((str(c.finish_reason.value) for c in chunk.candidates or () if c.finish_reason), "")
