"""One server to measure: `python bench/serve.py KIND PORT DATA`.

KIND is `offline`, `local`, `paced`, `bare`, `relay` or `provider`. For the last two the environment variable STUB is the
address of a server with OpenAI's interface that answers chats and embeddings, such as `bench/stub.py`.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
os.environ.setdefault("WEBCHATAGENT_RATE_LIMITS", "off")

import uvicorn
from corpus import documents

FIRST_SECONDS, GAP_SECONDS, TOKENS = 0.5, 0.2, 50


class PacedModel:
    """Says fifty words at five a second, as a provider would, and costs nothing itself."""

    def __init__(self) -> None:
        from webchatagent.core.models import ModelInfo

        self.info = ModelInfo("paced", "Paced", local=True)

    async def stream(self, request: object) -> AsyncIterator[object]:
        """See ChatModel.stream; the pace follows the clock, so that being late once does not make all later ones late."""
        from webchatagent.core.models import TextDelta

        began = asyncio.get_running_loop().time() + FIRST_SECONDS
        for n in range(TOKENS):
            await asyncio.sleep(max(0.0, began + n * GAP_SECONDS - asyncio.get_running_loop().time()))
            yield TextDelta(f"word{n} ")


def bare_app(port: int) -> None:
    """A bare Flask app behind the same bridge that sends as many bytes, in as many events, as an answer has."""
    import orjson
    from flask import Flask, Response, request

    from webchatagent.web.bridge import Bridge, stream

    app = Flask("bare")

    @app.post("/api/chat")
    def chat() -> Response:
        request.get_json()

        async def body() -> AsyncIterator[bytes]:
            for n in range(34):
                yield b"data: " + orjson.dumps({"type": "delta", "delta": f"word{n} "}) + b"\n\n"
            yield b'data: {"type":"done"}\n\n'

        return stream(body(), {"Content-Type": "text/event-stream"})

    _run(Bridge(app, lambda path: 100_000), port)


def relay_app(port: int) -> None:
    """The least that a chat with a provider can be: Flask behind the same bridge, the SDK's stream sent on as it comes.

    No sources, no search, no session, nothing stored.
    """
    import httpx2
    import openai
    import orjson
    from flask import Flask, Response, request

    from webchatagent.web.bridge import Bridge, stream

    app, clients = Flask("relay"), []

    @app.post("/api/chat")
    def chat() -> Response:
        question = request.get_json()["message"]

        async def body() -> AsyncIterator[bytes]:
            if not clients:
                limits = httpx2.Limits(max_connections=None, max_keepalive_connections=200)
                http = httpx2.AsyncClient(limits=limits)
                clients.append(openai.AsyncOpenAI(base_url=os.environ["STUB"] + "/v1", api_key="-", http_client=http))
            messages: Any = [{"role": "user", "content": question}]
            async for chunk in await clients[0].chat.completions.create(model="stub", messages=messages, stream=True):
                if chunk.choices and (text := chunk.choices[0].delta.content):
                    yield b"data: " + orjson.dumps({"type": "delta", "delta": text}) + b"\n\n"
            yield b'data: {"type":"done"}\n\n'

        return stream(body(), {"Content-Type": "text/event-stream"})

    _run(Bridge(app, lambda path: 100_000), port)


def _run(app: object, port: int) -> None:
    from webchatagent.cli.serving import server_config
    from webchatagent.core.cores import one_core

    with one_core():
        uvicorn.Server(server_config(app, "127.0.0.1", port)).run()


def platform_app(kind: str, port: int, data: str) -> None:
    """The platform with the corpus; `offline` has vectors of words, `local` those of the local model, `provider` the
    stub's."""
    from webchatagent.app import build_platform, build_server, prepare_database
    from webchatagent.core.bots import create_bot, list_bots
    from webchatagent.core.documents import FoundDocument
    from webchatagent.core.errors import NotFound
    from webchatagent.core.registry import Registry
    from webchatagent.core.settings import load_settings
    from webchatagent.core.sources import ensure_source, take_findings
    from webchatagent.core.tenants import create_tenant, load_tenant
    from webchatagent.jobs.worker import Worker
    from webchatagent.plugins.offline import model as offline
    from webchatagent.testing.fakes import chat_plugin, embedding_plugin

    offline.PACE_SECONDS = 0.0
    platform = build_platform(load_settings(data=data))
    prepare_database(platform)
    known = platform.registry
    plugins = {n: (m, known.module(n)) for n, m in known.manifests.items()}
    if kind == "provider":
        del plugins["embeddings_local"]
    elif kind != "local":
        plugins["embeddings_local"] = (known.manifests["embeddings_local"], embedding_plugin())
    if kind == "paced":
        plugins["offline"] = (known.manifests["offline"], chat_plugin(PacedModel()))  # type: ignore[arg-type]
    platform.registry = Registry(plugins, known._always)
    try:
        tenant = load_tenant(platform, slug="bench")
    except NotFound:
        tenant = create_tenant(platform, "bench", "Bench")
        if kind == "provider":
            tenant = use_stub(platform, tenant)
        bot = create_bot(tenant, "bot", "Bench")
        source = ensure_source(tenant, bot.id, "file", "corpus")
        found = [FoundDocument(name, name=name, text=text, media_type="text/markdown") for name, text in documents()]
        take_findings(tenant, source, found[:40] if kind == "local" else found)
        worker = Worker(platform)
        while worker.run_due():
            pass
    app, _ = build_server(platform)
    print(list_bots(tenant)[0].public_id, flush=True)
    _run(app, port)


def use_stub(platform: Any, tenant: Any) -> Any:
    """Let the tenant use the stub for answers of 32 tokens, sent as fast as it can, and for vectors."""
    from webchatagent.core import plugins
    from webchatagent.core.tenants import load_tenant

    values = {
        "base_url": os.environ["STUB"] + "/v1",
        "api_key": "sk-stub",
        "chat_models": ["stub-t0-r0-n32"],
        "embedding_model": "stub-embedding",
        "dimensions": int(os.environ.get("STUB_DIMENSIONS", "64")),
    }
    plugins.check = lambda tenant, plugin, values=None: []  # type: ignore[assignment] (the stub lists other names)
    plugins.configure(tenant, "llm_openai", values)
    plugins.enable(tenant, "llm_openai")
    return load_tenant(platform, slug="bench")


if __name__ == "__main__":
    kind, port, data = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    if kind in ("bare", "relay"):
        (bare_app if kind == "bare" else relay_app)(port)
    else:
        platform_app(kind, port, data)
