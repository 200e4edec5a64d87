"""What the plugins send is what the vendors' own specifications allow."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
import yaml
from google.ai.generativelanguage import BatchEmbedContentsRequest, GenerateContentRequest
from google.protobuf import json_format
from pydantic import SecretStr

from webchatagent.core.loop import run
from webchatagent.core.models import ToolCall, ToolStep
from webchatagent.core.vault import Vault
from webchatagent.plugins.llm_openai import chat as openai
from webchatagent.plugins.llm_openai import config as openai_config
from webchatagent.testing.chat_model_contract import SPEC, collect, make_request
from webchatagent.testing.scripted_server import head, scripted_server

from .test_chat_models import GeminiWire, OllamaWire, OpenAIWire
from .test_embedding_models import GeminiWire as GeminiVectors
from .test_embedding_models import OllamaWire as OllamaVectors
from .test_embedding_models import OpenAIWire as OpenAIVectors


def repair(node: Any) -> Any:
    """OpenAI's specification as JSON Schema: `nullable`, overlapping `oneOf`s and discriminators said in its words."""
    if isinstance(node, list):
        return [repair(item) for item in node]
    if not isinstance(node, dict):
        return node
    node = {k: repair(v) for k, v in node.items()}
    if "oneOf" in node:
        node["anyOf"] = node.pop("oneOf")
    chosen = node.pop("discriminator", None)
    if isinstance(chosen, dict) and "mapping" in chosen:
        node.pop("anyOf", None)
        node["allOf"] = [
            {"if": {"properties": {chosen["propertyName"]: {"const": value}}}, "then": {"$ref": ref}}
            for value, ref in chosen["mapping"].items()
        ]
    if node.pop("nullable", False) is True:
        return {"anyOf": [node, {"type": "null"}]}
    return node


def check(spec: dict[str, Any], schema: str, body: Any) -> None:
    """Raises ValidationError when a body is not of a schema of the specification."""
    root = {"components": spec["components"], "$ref": f"#/components/schemas/{schema}"}
    jsonschema.Draft202012Validator(root).validate(body)


@pytest.fixture(scope="session")
def openai_spec(specs):
    return repair(json.loads((specs / "openai.subset.json").read_text()))


@pytest.fixture(scope="session")
def ollama_spec(specs):
    return yaml.safe_load((specs / "ollama.openapi.yaml").read_text())


def sent_by(wire) -> Any:
    """The body of a chat request."""
    with scripted_server() as server:
        server.script(head(200, wire.kind), *wire.pieces(["Nine."]))
        run(collect(wire.model(server.url, key="k", timeout=2)))
        return server.asked[0].json


def with_tools(wire) -> Any:
    """The body of the second request of a turn in which the model called a tool twice."""
    with scripted_server() as server:
        model = wire.model(server.url, key="k", timeout=2)
        server.script(head(200, wire.kind), *wire.calls([(SPEC.name, {"order": "1"}), (SPEC.name, {})], "One moment."))
        calls = tuple(e for e in run(collect(model, make_request(tools=(SPEC,)))) if isinstance(e, ToolCall))
        step = ToolStep(calls, (Vault().mask("a"), Vault().mask("b")), "One moment.")
        server.script(head(200, wire.kind), *wire.pieces(["Sent."]))
        run(collect(model, make_request(tools=(SPEC,), steps=(step,))))
        return server.asked[1].json


def vectors_by(wire) -> Any:
    """The body of an embedding request."""
    with scripted_server() as server:
        server.answer(wire.body([[1, 0, 0, 0], [0, 1, 0, 0]]))
        wire.model(server.url, key="k", timeout=2).embed_documents(["a", "b"])
        return server.asked[0].json


def test_the_specification_refuses_what_is_wrong(openai_spec, ollama_spec):
    good = sent_by(OpenAIWire())
    for wrong in ({"messages": [{"role": "boss", "content": "x"}]}, {"temperature": 9}, {"messages": []}):
        with pytest.raises(jsonschema.ValidationError):
            check(openai_spec, "CreateChatCompletionRequest", {**good, **wrong})
    with pytest.raises(jsonschema.ValidationError):
        check(ollama_spec, "ChatRequest", {**sent_by(OllamaWire()), "messages": [{"role": "boss", "content": "x"}]})


@pytest.mark.parametrize("name", ["gpt-5-mini", "gpt-4.1"])
@pytest.mark.seed("SR-067")
def test_openai_chat_asks_that_nothing_is_kept(openai_spec, name):
    config = openai_config.Config(api_key=SecretStr("k"), chat_models=(name,))
    body = json.loads(json.dumps(openai.models(config)[0].body(make_request())))
    check(openai_spec, "CreateChatCompletionRequest", body)
    assert body["store"] is False and "metadata" not in body and "user" not in body


def test_a_compatible_service_gets_the_common_fields_only(openai_spec):
    body = sent_by(OpenAIWire())
    check(openai_spec, "CreateChatCompletionRequest", body)
    assert set(body) == {"model", "messages", "stream", "stream_options", "max_tokens", "temperature"}


def test_tools_and_their_results_are_as_each_provider_wants_them(openai_spec, ollama_spec):
    check(openai_spec, "CreateChatCompletionRequest", with_tools(OpenAIWire()))
    check(ollama_spec, "ChatRequest", with_tools(OllamaWire()))
    json_format.ParseDict(with_tools(GeminiWire()), GenerateContentRequest.pb(GenerateContentRequest()))


def test_openai_vectors(openai_spec):
    check(openai_spec, "CreateEmbeddingRequest", vectors_by(OpenAIVectors()))


def test_ollama(ollama_spec):
    check(ollama_spec, "ChatRequest", sent_by(OllamaWire()))
    check(ollama_spec, "EmbedRequest", vectors_by(OllamaVectors()))


def test_gemini():
    json_format.ParseDict(sent_by(GeminiWire()), GenerateContentRequest.pb(GenerateContentRequest()))
    body = vectors_by(GeminiVectors())
    json_format.ParseDict(body, BatchEmbedContentsRequest.pb(BatchEmbedContentsRequest()))
    with pytest.raises(json_format.ParseError):
        json_format.ParseDict({**body, "metadata": {}}, BatchEmbedContentsRequest.pb(BatchEmbedContentsRequest()))
