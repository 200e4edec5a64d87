"""A provider fails in every way, seen by a visitor: a server process, its stream over HTTP, three providers.

Answers come from aimock through a proxy that breaks the connection, and refusals from a server that says them. The
table of outcomes and seconds is printed.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import urllib3

from webchatagent.core.bots import BotSettings, LiveBot, create_bot
from webchatagent.core.db.tenants import PluginSwitch
from webchatagent.core.documents import FoundDocument
from webchatagent.core.live import GRACE_SECONDS
from webchatagent.core.sources import add_text
from webchatagent.core.tenants import seal_config
from webchatagent.plugins.llm_gemini.config import Config as Gemini
from webchatagent.plugins.llm_ollama.config import Config as Ollama
from webchatagent.plugins.llm_openai.config import Config as OpenAI
from webchatagent.testing.fault_proxy import Fault, FaultProxy, fault_proxy
from webchatagent.testing.house import TRACES, House, house_in
from webchatagent.testing.scripted_server import ScriptedServer, head, scripted_server

from ..models.running import aimock
from ..plugins.models.test_chat_models import GeminiWire, OllamaWire, OpenAIWire

pytestmark = pytest.mark.service
SAID = "Lampen stehen größer auf Regal 1 [1]. नीले लैंप वहीं हैं। The blue lamps are on shelf 1."
SECOND = b" stehe"
"""The second piece of six signs: where the stream ends within it, the first one was said."""
QUESTION = "Where are the blue lamps?"
WIRES: dict[str, Any] = {"openai": OpenAIWire(), "gemini": GeminiWire(), "ollama": OllamaWire()}
CONFIGS: dict[str, Any] = {"openai": OpenAI, "gemini": Gemini, "ollama": Ollama}
PATIENCE = 2.0
TABLE: list[tuple[str, str, str, str, float]] = []


@dataclass(frozen=True)
class Case:
    """A fault, and what a visitor sees: `answer`, `cut` (words, then the offer to try again), or `failed` before any."""

    name: str
    seen: str
    fault: Fault = field(default_factory=Fault)
    trouble: str = ""
    seconds: float = 1.5

    @property
    def model(self) -> str:
        return self.name.lower().replace(" ", "-")


CASES = (
    Case("nothing", "answer"),
    Case("slices of 3 bytes", "answer", Fault(slice=3)),
    Case("refused", "failed", Fault(refuse=True)),
    Case("black hole", "failed", Fault(black_hole=True), seconds=2 * PATIENCE + 1.5),
    Case("stall before the first word", "failed", Fault(end="stall"), seconds=2 * PATIENCE + 1.5),
    Case("stall after it", "cut", Fault(end="stall", after=SECOND), seconds=PATIENCE + 1.5),
    Case("reset midway", "cut", Fault(end="reset", after=SECOND)),
    Case("closed midway", "cut", Fault(end="close", after=SECOND)),
    Case("half a character", "cut", Fault(end="close", after="größ".encode()[:-1])),
    Case("busy for 120 s", "failed", trouble="busy"),
    Case("key refused", "failed", trouble="key"),
    Case("too long", "failed", trouble="too_long"),
    Case("filtered", "failed", trouble="filtered"),
    Case("a page of HTML", "failed", trouble="html"),
    Case("server fault", "failed", trouble="unreachable"),
)
# A proxy of ours cannot close a port and open it again safely, so "refused" is a connection that is reset at once.


@dataclass
class Network:
    """The house, and per provider what stands between it and the house."""

    house: House
    proxies: dict[str, FaultProxy]
    scripted: dict[str, ScriptedServer]
    bots: dict[tuple[str, str], LiveBot]

    def ask(self, bot: LiveBot, **headers: str) -> tuple[int, list[dict[str, Any]], float]:
        """Status, events and seconds of a turn."""
        body = json.dumps({"message": QUESTION, "chatbotId": bot.public_id})
        began = time.monotonic()
        status, _, text = self.house.send("POST", "/api/chat", body, Accept="text/event-stream", **headers)
        assert not TRACES.search(text)
        events = [json.loads(line[5:]) for line in text.splitlines() if line.startswith("data:")]
        return status, events, time.monotonic() - began


def settings_of(name: str, case: Case) -> BotSettings:
    return BotSettings(chat_model=f"{name}:{case.model}")


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory, migrated_database: Any) -> Iterator[Network]:
    folder, work = tmp_path_factory.mktemp("data"), tmp_path_factory.mktemp("work")
    with (
        aimock(work, {"lamps": {"content": SAID}}, "--chunk-size", "6") as port,
        fault_proxy(port) as a,
        fault_proxy(port) as b,
        fault_proxy(port) as c,
        scripted_server() as x,
        scripted_server() as y,
        scripted_server() as z,
    ):
        proxies, scripted = dict(zip(WIRES, (a, b, c), strict=True)), dict(zip(WIRES, (x, y, z), strict=True))
        hosts = ",".join(f"127.0.0.1:{s.port}" for s in (*proxies.values(), *scripted.values()))
        with house_in(folder, work, migrated_database, private_hosts=hosts) as house:
            bots = {}
            # acme asks through the proxies, globex the servers that refuse: a plugin has one address for a tenant
            for home, servers in ((house.bot.tenant, proxies), (house.foreign.tenant, scripted)):
                for name, server in servers.items():
                    switch_on(home, name, server.url)
                for name in WIRES:
                    for case in CASES:
                        if bool(case.trouble) == (servers is scripted):
                            bots[name, case.name] = taught(home, f"{name}-{case.model}", settings_of(name, case))
            wait_searchable(house, bots)
            yield Network(house, proxies, scripted, bots)
    print("\n\n| provider | fault | seen | events | seconds |\n|---|---|---|---|---|")
    for row in TABLE:
        print("| {} | {} | {} | {} | {:.2f} |".format(*row))


def switch_on(tenant: Any, name: str, url: str) -> None:
    """Configure and enable a provider's plugin as it is stored, without asking the provider."""
    model = CONFIGS[name]
    secret = {"token": "k"} if name == "ollama" else {"api_key": "k"}
    address = f"{url}/v1" if name == "openai" else url
    names = [case.model for case in CASES] + ["fine"]
    config = model(base_url=address, chat_models=names, timeout=PATIENCE, **secret)
    with tenant.write() as db:
        sealed = seal_config(tenant, f"llm_{name}", config)
        db.add(PluginSwitch(plugin=f"llm_{name}", enabled=True, config=sealed))


def taught(tenant: Any, slug: str, settings: BotSettings) -> LiveBot:
    bot = create_bot(tenant, slug, "Bot", settings=settings)
    add_text(tenant, bot.id, FoundDocument("lamps", title="Lamps", text="The blue lamps are on shelf 1."))
    return bot


def wait_searchable(house: House, bots: dict[tuple[str, str], LiveBot]) -> None:
    limit = time.monotonic() + 60
    while any(house.platform.chunks.stats(b.tenant.id, b.id).chunks == 0 for b in bots.values()):
        assert time.monotonic() < limit, house.server.log
        time.sleep(0.1)


def seen_in(events: list[dict[str, Any]]) -> tuple[str, str]:
    """What the visitor got, and its text."""
    text = "".join(e.get("delta", "") for e in events)
    last = events[-1]
    if last["type"] == "done":
        return "answer", text
    assert last["type"] == "error" and last["error"]["code"] == "try_again", last
    return ("cut" if text else "failed"), text


def can_say(name: str, case: Case) -> bool:
    """Whether a provider has such a refusal: Ollama cuts a question to fit, and filters nothing."""
    return name != "ollama" or case.trouble not in ("too_long", "filtered")


ROWS = [pytest.param(n, c, id=f"{n}: {c.name}") for c in CASES for n in WIRES if can_say(n, c)]


@pytest.mark.parametrize(("name", "case"), ROWS)
def test_what_a_visitor_sees(network: Network, name: str, case: Case) -> None:
    bot = network.bots[name, case.name]
    if case.trouble:
        script(network.scripted[name], WIRES[name], case)
    else:
        network.proxies[name].fault = case.fault
    status, events, seconds = network.ask(bot)
    seen, text = seen_in(events)
    TABLE.append((name, case.name, seen, "+".join(dict.fromkeys(e["type"] for e in events)), seconds))
    assert (status, seen) == (200, case.seen), events
    assert seconds < case.seconds
    if case.seen == "answer":
        assert text == SAID and events[-2]["type"] == "sources"
    elif case.seen == "cut":
        assert SAID.startswith(text) and "cut off" in events[-1]["error"]["message"]
    if case.trouble == "busy":  # it said how long to wait: it is not asked again
        asked = len(network.scripted[name].asked)
        _, again, quick = network.ask(bot)
        assert seen_in(again)[0] == "failed" and quick < 1 and len(network.scripted[name].asked) == asked


def script(server: ScriptedServer, wire: Any, case: Case) -> None:
    """Let the server refuse as the provider does."""
    if case.trouble == "html":
        server.answer(b"<html><body>Sign in</body></html>", 200, "text/html")
        return
    if case.trouble == "filtered":
        server.script(head(200, wire.kind), *wire.filtered())
        return
    found = next(f for f in wire.failures if f.trouble == case.trouble)
    for _ in range(2 if case.trouble == "unreachable" else 1):
        server.answer(found.body, found.status, **{**dict(found.headers), **retry_after(case)})


def retry_after(case: Case) -> dict[str, str]:
    return {"Retry_After": "120"} if case.trouble == "busy" else {}


@pytest.mark.parametrize("name", list(WIRES))
def test_before_the_first_word_the_fallback_answers(network: Network, name: str) -> None:
    other = {"openai": "gemini", "gemini": "ollama", "ollama": "openai"}[name]
    settings = BotSettings(chat_model=f"{name}:fine", fallback_models=[f"{other}:fine"])
    bot = taught(network.house.bot.tenant, f"{name}-fallback", settings)
    wait_searchable(network.house, {(name, ""): bot})
    network.proxies[name].fault, network.proxies[other].fault = Fault(refuse=True), Fault()
    status, events, seconds = network.ask(bot)
    assert status == 200 and seen_in(events) == ("answer", SAID)
    TABLE.append(
        (name, f"refused, then {other}", "answer", "+".join(dict.fromkeys(e["type"] for e in events)), seconds)
    )


@pytest.mark.parametrize("name", list(WIRES))
def test_a_cut_answer_is_made_again_by_the_same_message(network: Network, name: str) -> None:
    bot = network.bots[name, "reset midway"]
    message = json.dumps({"message": QUESTION, "chatbotId": bot.public_id, "clientMessageId": f"again-{name}"})
    session = network.house.chat(QUESTION, network.bots[name, "nothing"])[1].get("X-Chat-Session-Id", "")
    proxy = network.proxies[name]

    def send() -> tuple[int, list[dict[str, Any]], str]:
        headers = {"Accept": "text/event-stream"} | ({"X-Chat-Session-Id": session} if session else {})
        status, sent, text = network.house.send("POST", "/api/chat", message, **headers)
        events = [json.loads(line[5:]) for line in text.splitlines() if line.startswith("data:")]
        return status, events, sent.get("X-Chat-Session-Id", "")

    proxy.fault = Fault(end="reset", after=SECOND)
    _, first, session = send()
    proxy.fault = Fault()
    status, second, _ = send()
    assert seen_in(first)[0] == "cut"
    assert status == 200 and seen_in(second) == ("answer", SAID)


@pytest.mark.parametrize("name", list(WIRES))
def test_a_visitor_who_leaves_for_good_stops_the_provider(network: Network, name: str) -> None:
    """The provider says a word every 0.3 s for half a minute; it sees the connection end soon after the visitor's did."""
    wire, server = WIRES[name], network.scripted[name]
    bot = network.bots[name, "filtered"]
    words = [step for piece in wire.pieces(["word "] * 100)[:100] for step in (piece, 0.3)]
    server.left.clear()
    server.script(head(200, wire.kind), *words)
    body = json.dumps({"message": QUESTION, "chatbotId": bot.public_id})
    headers = {"Accept": "text/event-stream", "Content-Type": "application/json"}
    url = network.house.server.url + "/api/chat"
    answer = urllib3.PoolManager().request("POST", url, body=body, headers=headers, preload_content=False)
    read = b""
    while b'"delta"' not in read:
        read += answer.read1(1000)
    began = time.monotonic()
    answer.close()
    assert server.left.wait(GRACE_SECONDS + 6)
    seconds = time.monotonic() - began
    TABLE.append((name, "the visitor leaves", "provider stopped", "", seconds))
    assert GRACE_SECONDS - 0.5 < seconds < GRACE_SECONDS + 1  # noticed within a second; then the visitor may come back


def test_the_log_tells_nothing_that_was_said(network: Network) -> None:
    log = network.house.server.log
    assert "lamps" not in log and not re.search(r"\b500\b", log)
