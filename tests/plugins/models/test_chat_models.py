"""The contract of chat models, run over each provider's plugin."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from pydantic import SecretStr

from webchatagent.core.loop import run
from webchatagent.core.models import ToolCall, ToolStep
from webchatagent.core.vault import Vault
from webchatagent.plugins.llm_gemini import chat as gemini
from webchatagent.plugins.llm_gemini.config import Config as GeminiConfig
from webchatagent.plugins.llm_ollama import chat as ollama
from webchatagent.plugins.llm_ollama.config import Config as OllamaConfig
from webchatagent.plugins.llm_openai import chat as openai
from webchatagent.plugins.llm_openai.config import Config as OpenAIConfig
from webchatagent.testing.chat_model_contract import (
    SAID,
    SPEC,
    ChatModelContract,
    Failure,
    FilterContract,
    collect,
    make_request,
    text_of,
)
from webchatagent.testing.scripted_server import head

SIGNATURE = "c2lnbmF0dXJl"


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

    def calls(self, calls: Sequence[tuple[str, dict[str, Any]]], said: str = "") -> list[bytes]:
        def event(delta: Any, finish: str | None = None) -> bytes:
            return sse({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})

        out = [event({"role": "assistant", "content": said})]
        for index, (name, _) in enumerate(calls):
            first = {"index": index, "id": f"call_{index}", "type": "function"}
            out.append(event({"tool_calls": [{**first, "function": {"name": name, "arguments": ""}}]}))
        texts = [json.dumps(arguments, ensure_ascii=False) for _, arguments in calls]
        for at in range(0, max(map(len, texts)), 3):  # parallel calls come in turns
            parts = [{"index": n, "function": {"arguments": t[at : at + 3]}} for n, t in enumerate(texts)]
            out.append(event({"tool_calls": parts}))
        usage = sse({"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 1}})
        return [*out, event({}, "tool_calls") + usage + b"data: [DONE]\n\n"]

    def tools(self, body: Any) -> list[tuple[str, Any]]:
        offered = [(t["function"]["name"], t["function"]["parameters"]) for t in body.get("tools", ())]
        return [] if body.get("tool_choice") == "none" else offered

    def results(self, body: Any) -> list[tuple[str, dict[str, Any], str]]:
        said = {m["tool_call_id"]: m["content"] for m in body["messages"] if m["role"] == "tool"}
        return [
            (c["function"]["name"], json.loads(c["function"]["arguments"]), said[c["id"]])
            for m in body["messages"]
            for c in m.get("tool_calls", ())
        ]

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

    def calls(self, calls: Sequence[tuple[str, dict[str, Any]]], said: str = "") -> list[bytes]:
        def event(*parts: Any, **more: Any) -> bytes:
            return sse({"candidates": [{"content": {"role": "model", "parts": list(parts)}, "index": 0, **more}]})

        made = [{"functionCall": {"name": name, "args": arguments}} for name, arguments in calls]
        made[0]["thoughtSignature"] = SIGNATURE
        text = [event({"text": said})] if said else []
        return [*text, *(event(part) for part in made), event({"text": ""}, finishReason="STOP")]

    def tools(self, body: Any) -> list[tuple[str, Any]]:
        declared = [f for t in body.get("tools", ()) for f in t["functionDeclarations"]]
        mode = body.get("toolConfig", {}).get("functionCallingConfig", {}).get("mode")
        return [] if mode == "NONE" else [(f["name"], f["parameters_json_schema"]) for f in declared]

    def results(self, body: Any) -> list[tuple[str, dict[str, Any], str]]:
        parts = [p for c in body["contents"] for p in c["parts"]]
        calls = [p["functionCall"] for p in parts if "functionCall" in p]
        given = [p["functionResponse"] for p in parts if "functionResponse" in p]
        assert [c["name"] for c in calls] == [g["name"] for g in given]
        return [(c["name"], c.get("args", {}), g["response"]["output"]) for c, g in zip(calls, given, strict=True)]

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

    def calls(self, calls: Sequence[tuple[str, dict[str, Any]]], said: str = "") -> list[bytes]:
        made = [{"function": {"name": name, "arguments": arguments}} for name, arguments in calls]
        text = [self._line(message={"role": "assistant", "content": said})] if said else []
        asked = [self._line(message={"role": "assistant", "content": "", "tool_calls": [call]}) for call in made]
        return [
            *text,
            *asked,
            self._line(message={"role": "assistant", "content": ""}, done=True, done_reason="stop"),
        ]

    def tools(self, body: Any) -> list[tuple[str, Any]]:
        return [(t["function"]["name"], t["function"]["parameters"]) for t in body.get("tools") or ()]

    def results(self, body: Any) -> list[tuple[str, dict[str, Any], str]]:
        said = [m["content"] for m in body["messages"] if m["role"] == "tool"]
        calls = [c["function"] for m in body["messages"] for c in m.get("tool_calls") or ()]
        return [(c["name"], c["arguments"], text) for c, text in zip(calls, said, strict=True)]


class TestOpenAI(FilterContract):
    wire = OpenAIWire()

    def test_a_server_that_gives_every_piece_the_same_index_is_understood(self, server, model):
        def piece(id, order):
            function = {"name": SPEC.name, "arguments": json.dumps({"order": order})}
            call = {"index": 0, "id": id, "type": "function", "function": function}
            return sse({"choices": [{"index": 0, "delta": {"tool_calls": [call]}, "finish_reason": None}]})

        end = sse({"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]})
        server.script(head(200, self.wire.kind), piece("a", "1"), piece("b", "2"), end)
        events = run(collect(model, make_request(tools=(SPEC,))))
        assert [(c.id, c.sound_arguments) for c in events] == [("a", {"order": "1"}), ("b", {"order": "2"})]

    def test_arguments_without_an_end_are_refused(self, server, model):
        call = {"index": 0, "id": "a", "function": {"name": SPEC.name, "arguments": "x" * 300_000}}
        server.script(head(200, self.wire.kind), sse({"choices": [{"index": 0, "delta": {"tool_calls": [call]}}]}))
        assert self._fails(model)[1].trouble == "odd"


class TestGemini(FilterContract):
    wire = GeminiWire()

    def test_the_signature_of_its_thoughts_goes_back_with_its_call(self, server, model):
        server.script(head(200, self.wire.kind), *self.wire.calls([(SPEC.name, {"order": "1"}), (SPEC.name, {})]))
        calls = tuple(e for e in run(collect(model, make_request(tools=(SPEC,)))) if isinstance(e, ToolCall))
        step = ToolStep(calls, (Vault().mask("a"), Vault().mask("b")))
        server.script(head(200, self.wire.kind), *self.wire.pieces(["Sent."]))
        run(collect(model, make_request(tools=(SPEC,), steps=(step,))))
        parts = [p for c in server.asked[1].json["contents"] for p in c["parts"] if "functionCall" in p]
        assert [p.get("thoughtSignature") for p in parts] == [SIGNATURE, None]

    def test_a_call_that_the_model_garbled_is_an_error_and_no_filter(self, server, model):
        server.script(
            head(200, self.wire.kind), sse({"candidates": [{"finishReason": "MALFORMED_FUNCTION_CALL", "index": 0}]})
        )
        assert self._fails(model)[1].trouble == "odd"


class TestOllama(ChatModelContract):
    wire = OllamaWire()

    def test_a_model_that_knows_no_tools_answers_without(self, server, model):
        server.answer({"error": "registry.ollama.ai/library/test does not support tools"}, 400)
        server.script(head(200, self.wire.kind), *self.wire.pieces(["Nine."]))
        assert text_of(run(collect(model, make_request(tools=(SPEC,))))) == "Nine."
        assert self.wire.tools(server.asked[1].json) == []
