"""A configuration is tried before it is saved, and names the field that is wrong."""

from __future__ import annotations

import pytest
from pydantic import SecretStr, ValidationError

from webchatagent.core import plugins
from webchatagent.core.errors import InvalidRequest
from webchatagent.plugins.llm_gemini import check as gemini
from webchatagent.plugins.llm_gemini.config import Config as GeminiConfig
from webchatagent.plugins.llm_ollama import check as ollama
from webchatagent.plugins.llm_ollama.config import Config as OllamaConfig
from webchatagent.plugins.llm_openai import check as openai
from webchatagent.plugins.llm_openai.config import Config as OpenAIConfig
from webchatagent.testing.scripted_server import scripted_server


@pytest.fixture
def server():
    with scripted_server() as server:
        yield server


def openai_config(server, **values):
    return OpenAIConfig(api_key=SecretStr("sk-x"), base_url=f"{server.url}/v1", chat_models=("good",), **values)


def listed(*names):
    return {"object": "list", "data": [{"id": n, "object": "model", "created": 1, "owned_by": "x"} for n in names]}


def test_openai_itself_needs_a_key():
    (problem,) = openai.problems(OpenAIConfig())
    assert problem.field == "api_key" and problem.cure


def test_openai_a_sound_configuration_has_no_problem(server):
    server.answer(listed("good", "other"))
    assert openai.problems(openai_config(server)) == []


def test_openai_a_model_that_is_not_there_is_named(server):
    server.answer(listed("other"))
    (problem,) = openai.problems(openai_config(server))
    assert "good" in problem.message and "other" in problem.cure and problem.field == "chat_models"


@pytest.mark.parametrize(("status", "field"), [(401, "api_key"), (404, "base_url"), (500, "base_url")])
def test_openai_a_refusal_names_the_field(server, status, field):
    server.answer({"error": {"message": "no"}}, status)
    (problem,) = openai.problems(openai_config(server))
    assert problem.field == field


def test_openai_the_embedding_model_is_tried(server):
    server.answer(listed("good", "vectors"))
    server.answer({"data": [{"index": 0, "embedding": [1, 0]}]})
    (problem,) = openai.problems(openai_config(server, embedding_model="vectors"))
    assert problem.field == "dimensions"


def test_gemini_asks_for_each_model(server):
    config = GeminiConfig(api_key=SecretStr("k"), base_url=server.url, chat_models=("good", "gone"))
    server.answer({"name": "models/good"})
    server.answer({"error": {"code": 404, "message": "no", "status": "NOT_FOUND"}}, 404)
    (problem,) = gemini.problems(config)
    assert problem.field == "chat_models" and "gone" in problem.message
    assert gemini.problems(GeminiConfig())[0].field == "api_key"


def test_ollama_a_missing_model_says_how_to_get_it(server):
    config = OllamaConfig(base_url=server.url, chat_models=("good", "gone"))
    server.answer({"models": [{"model": "good:latest"}]})
    (problem,) = ollama.problems(config)
    assert problem.cure == "run `ollama pull gone` on the server"


@pytest.mark.parametrize("config", [OpenAIConfig, GeminiConfig, OllamaConfig])
@pytest.mark.parametrize("address", ["ftp://x.test", "api.example.org", "javascript:alert(1)", ""])
def test_an_address_is_a_web_address(config, address):
    with pytest.raises(ValidationError):
        config(base_url=address)


@pytest.mark.seed("SR-113")
def test_a_key_is_stored_sealed_and_never_shown(acme, globex, server):
    server.answer(listed("good"))
    plugins.configure(
        acme, "llm_openai", {"api_key": "sk-secret", "base_url": f"{server.url}/v1", "chat_models": ["good"]}
    )
    from sqlalchemy import select

    from webchatagent.core.db.tenants import PluginSwitch

    with acme.read() as db:
        stored = db.scalar(select(PluginSwitch.config).where(PluginSwitch.plugin == "llm_openai"))
    assert "sk-secret" not in str(stored)
    config = acme.config(OpenAIConfig)
    assert config.api_key.get_secret_value() == "sk-secret" and "sk-secret" not in repr(config)
    assert globex.config(OpenAIConfig).api_key.get_secret_value() == ""


def test_a_configuration_that_does_not_work_is_not_saved(acme, server):
    server.answer({"error": {"message": "no"}}, 401)
    with pytest.raises(InvalidRequest) as caught:
        plugins.configure(acme, "llm_openai", {"api_key": "sk-bad", "base_url": f"{server.url}/v1"})
    assert caught.value.field == "api_key"
    assert acme.config(OpenAIConfig).base_url == "https://api.openai.com/v1"
