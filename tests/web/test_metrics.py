"""Metrics and spans: what happened is counted, what was said is nowhere, and several processes count together."""

from __future__ import annotations

import os
import re
import subprocess
import sys

from webchatagent.core import observing
from webchatagent.core.jobs import PURGE, add_job
from webchatagent.core.settings import load_settings
from webchatagent.testing.scripted_server import ScriptedServer
from webchatagent.web import tracing

QUESTION = "Where is my secret parcel?"
RECORD = {
    "provider": "openai",
    "model": "gpt",
    "tokens_in": 7,
    "tokens_out": 5,
    "first_ms": 120,
    "total_ms": 900,
    "error": "",
}


def value(text, name):
    """The value of a line; 0.0 where there is none."""
    found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.M)
    return float(found[1]) if found else 0.0


def test_turns_requests_and_jobs_are_counted(client, bot, acme):
    before = client.get("/metrics").get_data(as_text=True)
    client.post("/api/chat", json={"message": QUESTION, "chatbotId": bot.public_id})
    client.post("/api/chat", json={"message": "", "chatbotId": bot.public_id})
    with acme.write() as db:
        add_job(db, PURGE)
    after = client.get("/metrics").get_data(as_text=True)
    for name, more in (
        ('webchatagent_turns_total{outcome="refused"}', 1),
        ("webchatagent_turn_seconds_count", 1),
        ('webchatagent_requests_total{route="/api/chat",status="2xx"}', 1),
        ('webchatagent_requests_total{route="/api/chat",status="4xx"}', 1),
        ('webchatagent_jobs{state="queued"}', 1),
    ):
        assert value(after, name) - value(before, name) == more, name
    assert value(after, "webchatagent_turns_running") == 0


def test_nobody_is_named(client, bot, acme):
    client.post("/api/chat", json={"message": QUESTION, "chatbotId": bot.public_id})
    text = client.get("/metrics").get_data(as_text=True)
    for secret in ("parcel", acme.slug, bot.public_id, bot.name):
        assert secret not in text
    assert "python_info" not in text and "process_" not in text


COUNTING = """
import sys
from pathlib import Path
import os
os.environ["PROMETHEUS_MULTIPROC_DIR"] = sys.argv[1]
from webchatagent.web import metrics
for _ in range(3):
    metrics.observe("answered", {"first_ms": 100, "total_ms": 400, "tokens_in": 1, "tokens_out": 2})
if sys.argv[2] == "show":
    from prometheus_client import CollectorRegistry, generate_latest, multiprocess
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)
    print(generate_latest(registry).decode())
"""


def test_several_processes_count_together(tmp_path):
    for what in ("count", "count", "show"):
        done = subprocess.run(
            [sys.executable, "-c", COUNTING, str(tmp_path), what], capture_output=True, text=True, check=True
        )
    assert value(done.stdout, 'webchatagent_turns_total{outcome="answered"}') == 9
    assert value(done.stdout, "webchatagent_first_word_seconds_count") == 9
    assert value(done.stdout, 'webchatagent_tokens_total{way="out"}') == 18


def test_sharing_begins_anew(tmp_path, monkeypatch):
    monkeypatch.delenv(observing.FOLDER, raising=False)
    (tmp_path / "metrics").mkdir()
    (tmp_path / "metrics" / "counter_1.db").write_bytes(b"old")
    observing.count_together(tmp_path)
    assert os.environ.pop(observing.FOLDER) == str(tmp_path / "metrics")
    assert list((tmp_path / "metrics").iterdir()) == [] and (tmp_path / "metrics").stat().st_mode & 0o077 == 0


def test_spans_of_turns_and_requests_are_sent_without_what_was_said(platform, bot, monkeypatch):
    from webchatagent.web.app import create_public

    monkeypatch.setattr(observing, "observers", [])
    server = ScriptedServer()
    try:
        app = create_public(platform)
        tracing.install(app, server.url)
        for _ in range(4):
            server.answer(b"", kind="application/x-protobuf")
        app.test_client().get("/healthz")
        observing.tell("answered", RECORD)
        app.extensions["wca_tracing"].shutdown()
        sent = b"".join(asked.body for asked in server.asked)
    finally:
        server.close()
    assert {asked.path for asked in server.asked} == {"/v1/traces"}
    assert b"GET /healthz" in sent and b"turn" in sent and b"tokens_out" in sent and b"http.route" in sent
    assert b"parcel" not in sent and bot.public_id.encode() not in sent


def test_a_watcher_that_fails_breaks_nothing(monkeypatch, caplog):
    def broken(outcome, record):
        raise RuntimeError("no")

    seen = []
    monkeypatch.setattr(observing, "observers", [broken, lambda outcome, record: seen.append(outcome)])
    observing.tell("cut", RECORD)
    assert seen == ["cut"] and "could not be counted" in caplog.text


def test_the_setting_is_off_by_default():
    assert load_settings({}).otlp_url == ""
