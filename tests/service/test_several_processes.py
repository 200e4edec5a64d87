"""`serve --processes 2`: one port, one conversation whoever answers it, and deaths that nobody else notices."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest
import urllib3
from sqlalchemy import select

from webchatagent.core.bots import BotSettings, create_bot
from webchatagent.core.db.chats import Message, TurnRow
from webchatagent.core.db.tenants import PluginSwitch
from webchatagent.core.documents import FoundDocument
from webchatagent.core.sources import add_text
from webchatagent.core.tenants import create_tenant, seal_config
from webchatagent.jobs.worker import Worker
from webchatagent.plugins.llm_openai.config import Config
from webchatagent.testing.processes import COMMAND, ServerProcess, by_words_only, free_port
from webchatagent.testing.scripted_server import head, scripted_server

from ..plugins.models.test_chat_models import OpenAIWire

pytestmark = [pytest.mark.service, pytest.mark.xdist_group("redis")]
QUESTION = "When does the walrus sleep?"


def wait_for(condition, seconds=20.0):
    limit = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < limit, "it did not come"
        time.sleep(0.02)
    return found


def children_of(pid):
    """The processes that a process started and that live."""
    return [int(n) for n in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


class Stream:
    """A visitor's stream over a connection of its own."""

    def __init__(self, port, bot, message_id, session=""):
        body = json.dumps({"message": QUESTION, "chatbotId": bot.public_id, "clientMessageId": message_id})
        headers = {"Accept": "text/event-stream", "Content-Length": str(len(body)), "Host": "x"}
        if session:
            headers["X-Chat-Session-Id"] = session
        lines = "".join(f"{k}: {v}\r\n" for k, v in headers.items())
        self.socket = socket.create_connection(("127.0.0.1", port), 20)
        self.socket.sendall(f"POST /api/chat HTTP/1.1\r\n{lines}\r\n{body}".encode())
        self._data = b""

    def until(self, mark):
        """Read until some bytes have come; returns all so far."""
        while mark not in self._data:
            part = self.socket.recv(65536)
            assert part, self._data
            self._data += part
        return self._data

    @property
    def session(self):
        lines = self.until(b"\r\n\r\n").decode().lower().splitlines()
        found = next(line.partition(":")[0] for line in lines if line.startswith("x-chat-session-id"))
        at = self._data.decode().lower().index(found)
        return self._data.decode()[at:].partition(":")[2].partition("\r")[0].strip()

    def events(self):
        """Everything to the end."""
        self.until(b"0\r\n\r\n")
        return [json.loads(p[5:]) for p in self._data.decode().split("\n") if p.startswith("data:")]


class Pair:
    """Two processes on one port, a worker's data, and a model whose words the test lets go."""

    def __init__(self, server, platform, bot, model):
        self.server, self.platform, self.bot, self.model = server, platform, bot, model

    @property
    def processes(self):
        return children_of(self.server.process.pid)

    def ask(self, message_id):
        body = json.dumps({"message": QUESTION, "chatbotId": self.bot.public_id, "clientMessageId": message_id})
        with urllib3.PoolManager(retries=False) as http:
            return http.request("POST", self.server.url + "/api/chat", body=body, timeout=20)

    def open(self, which, message_id, session=""):
        """A stream that this process takes: the other one holds still until the head of the answer is there."""
        with self.only(which):
            stream = Stream(self.server.port, self.bot, message_id, session)
            stream.until(b": open")
            return stream

    @contextlib.contextmanager
    def only(self, which):
        """The other processes hold still."""
        others = [pid for pid in self.processes if pid != which]
        for pid in others:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in others:
                os.kill(pid, signal.SIGCONT)

    def turn(self, message_id):
        with self.bot.tenant.read() as db:
            return db.scalar(select(TurnRow).where(TurnRow.client_message_id == message_id))

    def words(self, *steps):
        """Script one answer: its words, and events that are waited for."""
        wire, texts = OpenAIWire(), [s for s in steps if isinstance(s, str)]
        pieces = iter(wire.pieces(texts))
        out = [head()]
        for step in steps:
            out.append(next(pieces) if isinstance(step, str) else step)
        self.model.script(*out, *pieces)


def start(folder, work, redis_server, *options, **settings):
    own = {f"WEBCHATAGENT_{k.upper()}": v for k, v in {"redis_url": redis_server.url, **settings}.items()}
    return ServerProcess(folder, work / "server.log", {**by_words_only(work), **own}, "serve", *options)


@pytest.fixture
def pair(redis_server, make_platform, tmp_path):
    redis_server.start().client.flushall()
    platform = make_platform("pair", redis_url=redis_server.url)
    with scripted_server() as model:
        tenant = create_tenant(platform, "acme", "Acme")
        config = Config(base_url=f"{model.url}/v1", api_key="k", chat_models=["fine"], timeout=20)
        with tenant.write() as db:
            sealed = seal_config(tenant, "llm_openai", config)
            db.add(PluginSwitch(plugin="llm_openai", enabled=True, config=sealed))
        bot = create_bot(tenant, "bot", "Bot")
        with tenant.write() as db:
            from webchatagent.core.db.tenants import Bot

            db.get(Bot, bot.id).settings = BotSettings(chat_model="openai:fine").model_dump(exclude_defaults=True)
        add_text(tenant, bot.id, FoundDocument("w", title="Walrus", text="The walrus sleeps on the ice until noon."))
        worker = Worker(platform)
        while worker.run_due():
            pass
        options = {"rate_limits": "off", "private_hosts": f"127.0.0.1:{model.port}"}
        with start(platform.settings.folder, tmp_path, redis_server, "--processes", "2", **options) as server:
            made = Pair(server, platform, bot, model)
            wait_for(lambda: len(made.processes) == 2)
            for pid in made.processes:
                with made.only(pid):
                    fetch(server)  # waits in the queue of the port until this one is there
            yield made


def fetch(server):
    with urllib3.PoolManager(retries=False) as http:  # a connection of its own
        return http.request("GET", server.url + "/healthz", timeout=25).data.decode()


def test_a_visitor_who_comes_back_to_the_other_process_reads_on_there(pair, figures):
    first, second = pair.processes
    go = threading.Event()
    pair.words("At ", "noon", go, " it wakes [1].")
    stream = pair.open(first, "m1")
    session = stream.session
    stream.until(b"noon")
    stream.socket.close()
    again = pair.open(second, "m1", session)
    again.until(b"noon")  # from the row
    began = time.monotonic()
    go.set()
    found = again.events()
    figures.line("several processes", f"an answer ended {time.monotonic() - began:.2f} s later for who reads elsewhere")
    assert "".join(e.get("delta", "") for e in found) == "At noon it wakes [1]."
    assert found[-1]["type"] == "done" and len(pair.model.asked) == 1 and pair.turn("m1").state == "done"


def test_a_process_that_is_killed_is_replaced_and_its_visitor_is_answered_by_asking_again(pair, figures):
    first, _ = pair.processes
    pair.words("At ", "noon", threading.Event())
    stream = pair.open(first, "m1")
    session = stream.session
    stream.until(b"noon")
    os.kill(first, signal.SIGKILL)
    assert stream.socket.recv(65536) == b""  # the connection is gone
    pair.words("It sleeps [1].")
    assert pair.ask("m2").status == 200  # nobody else notices
    wait_for(lambda: len(pair.processes) == 2 and first not in pair.processes)
    pair.words("At noon it wakes [1].")

    def asked_again():
        found = Stream(pair.server.port, pair.bot, "m1", session).events()
        return found if found[-1]["type"] == "done" else None

    began = time.monotonic()
    found = wait_for(asked_again, 30)
    figures.line(
        "several processes", f"an answer of a killed process was made anew in {time.monotonic() - began:.2f} s"
    )
    with pair.bot.tenant.read() as db:
        said = [m.text for m in db.scalars(select(Message).where(Message.role == "bot"))]
    assert said == ["It sleeps [1].", "At noon it wakes [1]."] and found[-1]["type"] == "done"
    assert f"web process {first} ended with -9 and is replaced" in pair.server.log


def test_told_to_stop_it_lets_an_answer_end_and_takes_nothing_new(pair):
    go = threading.Event()
    pair.words("At ", "noon", go, " it wakes [1].")
    stream = pair.open(pair.processes[0], "m1")
    stream.until(b"noon")
    pair.server.process.terminate()

    def refused():
        try:
            socket.create_connection(("127.0.0.1", pair.server.port), 1).close()
        except OSError:
            return True
        return False

    wait_for(refused)
    assert pair.server.process.poll() is None
    go.set()
    assert stream.events()[-1]["type"] == "done"
    assert pair.server.process.wait(20) == 0


def test_when_the_one_that_started_them_is_killed_they_end_and_free_the_port(pair):
    processes = pair.processes
    pair.server.process.kill()
    pair.server.process.wait()
    wait_for(lambda: not any(Path(f"/proc/{pid}").exists() and not is_zombie(pid) for pid in processes))


def is_zombie(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


def test_more_than_one_process_without_redis_is_refused(tmp_path):
    done = subprocess.run(
        [*COMMAND, "serve", "--processes", "2", "--port", str(free_port()), "--data", str(tmp_path / "d")],
        env=by_words_only(tmp_path),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1 and done.stderr.startswith("error: 2 processes need Redis") and "(" in done.stderr


def test_a_process_that_cannot_start_ends_all_and_says_why_once(redis_server, tmp_path):
    keys = {"env": "production", "secret_key": "s" * 40, "master_key": "m" * 40, "public_url": "https://chat.example"}
    own = {f"WEBCHATAGENT_{k.upper()}": v for k, v in {**keys, "redis_url": redis_server.url}.items()}
    done = subprocess.run(
        [*COMMAND, "serve", "--processes", "2", "--port", str(free_port()), "--data", str(tmp_path / "d")],
        env={**by_words_only(tmp_path), **own},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1 and done.stderr.count("error: The database lacks") == 1, done.stderr
    assert "Traceback" not in done.stderr
