"""Where Meta calls: who is let in, what is kept, and that the same thing is taken once."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import replace
from datetime import timedelta

import pytest

from webchatagent.core import plugins
from webchatagent.core.clock import now
from webchatagent.core.tenants import load_tenant
from webchatagent.plugins.whatsapp import webhook
from webchatagent.plugins.whatsapp.webhook import is_signed, verify_token
from webchatagent.web.app import create_public

from .conftest import FOREIGN, Meta

VECTOR = b'{"id":"evt_test_webhook","object":"event"}'
SIGNED = "sha256=739edbe5cc4b2e580ca449270b6c299564e40b4a2fb6a30887de754f23966b16"


def test_a_signature_is_that_of_the_raw_body():
    assert is_signed("app-secret", VECTOR, SIGNED)
    assert not is_signed("app-secret", VECTOR + b" ", SIGNED)
    assert not is_signed("app-secret", VECTOR, SIGNED[:-1])
    assert not is_signed("", VECTOR, SIGNED) and not is_signed("app-secret", VECTOR, "")
    assert not is_signed("app-secret", VECTOR, "sha256=é")


@pytest.mark.seed("SR-133")
def test_the_handshake_gives_the_challenge_back_to_who_knows_the_word(here, there, meta, seen):
    def ask(word, slug="acme", mode="subscribe"):
        query = {"hub.mode": mode, "hub.verify_token": word, "hub.challenge": "<b>115</b>"}
        return meta.client.get(f"/x/whatsapp/{slug}/webhook", query_string=query)

    right = ask(verify_token(here))
    assert (right.status_code, right.text) == (200, "<b>115</b>")
    assert right.content_type.startswith("text/plain") and seen(here, "number")[0].verified_at
    assert verify_token(here) != verify_token(there)
    for wrong in (ask("guess"), ask(""), ask(verify_token(there)), ask(verify_token(here), mode="x")):
        assert wrong.status_code == 403 and "115" not in wrong.text
    with here.read() as db:
        from webchatagent.core.db.tenants import PluginSwitch

        stored = json.dumps(db.query(PluginSwitch).filter_by(plugin="whatsapp").one().config)
    assert "secret-of-acme" not in stored and "token-of-acme" not in stored


def test_wrong_signatures_replays_and_foreign_numbers_store_nothing(here, there, meta, seen):
    payload = meta.message("text", "Hello")
    body = meta.body(payload)
    pretty = json.dumps(payload, indent=1).encode()
    refused = [
        meta.post(body, secret="secret-of-globex"),
        meta.post(body, header=""),
        meta.post(body, header=meta.sign(body)[:-2]),
        meta.post(pretty, header=meta.sign(body)),
        meta.post(body, slug="globex"),
    ]
    assert [r.status_code for r in refused] == [401] * 5
    assert refused[0].json["error"]["code"] == "signature_wrong"
    foreign = Meta(meta.client, number=FOREIGN)
    answer = foreign.post(foreign.message("text", "Hello"))
    assert (answer.status_code, answer.json) == (200, {"taken": 0, "foreign": 1})
    assert seen(here, "incoming") == seen(there, "incoming") == seen(here, "person") == []
    assert seen(here, "session") == []


def test_a_wrong_signature_does_not_count_against_the_address_of_the_others(make_platform):
    client = create_public(make_platform("limited")).test_client()
    from webchatagent.core.tenants import create_tenant

    platform = client.application.extensions["webchatagent"].platform
    acme = create_tenant(platform, "acme", "Acme")
    with acme.write() as db:
        from webchatagent.core.db.tenants import PluginSwitch

        db.add(PluginSwitch(plugin="whatsapp", enabled=True, config={}))
    meta = Meta(client)
    codes = {meta.post(meta.message("text", "Hello"), secret="x").status_code for _ in range(70)}
    assert codes == {401}


def test_a_replay_on_the_next_day_and_after_the_ids_are_forgotten_changes_nothing(here, meta, seen, monkeypatch):
    payload = meta.message("text", "Hello")
    assert meta.post(payload).json["taken"] == 1
    for days in (1, 40):
        later = now() + timedelta(days=days)
        monkeypatch.setattr(webhook, "now", lambda later=later: later)
        if days == 40:
            from webchatagent.plugins.whatsapp import subject

            with here.write() as db:
                for row in db.query(subject.Incoming):
                    row.state = "done"
            subject.purge(here, later)
            assert seen(here, "incoming") == []
        meta.post(payload)
        assert [r.state for r in seen(here, "incoming")].count("waiting") <= 1
    assert [r.state for r in seen(here, "incoming")] == ["ignored"]


@pytest.mark.seed("SR-139")
def test_the_same_webhook_fifty_times_at_once_is_one_message_and_one_reply(here, meta, seen, graph, run_jobs):
    payload = meta.body(meta.message("text", "Hello"))
    barrier, codes = threading.Barrier(50), []

    def deliver():
        mine = Meta(meta.client.application.test_client())
        barrier.wait()
        codes.append(mine.post(payload).status_code)

    threads = [threading.Thread(target=deliver) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes == [200] * 50
    run_jobs()
    assert len(seen(here, "incoming")) == len(seen(here, "person")) == 1
    assert [m.role for m in seen(here, "message")] == ["visitor", "bot"]
    assert len(graph.sent) == 2, "the greeting and the answer"


def test_one_bad_item_harms_no_other_and_is_noted(here, meta, seen):
    payload = meta.message("text", "First")
    change = payload["entry"][0]["changes"][0]["value"]
    good = change["messages"][0]
    odd = [{**good, "id": f"wamid.many{n}"} for n in range(498)]
    bad = [{"id": "wamid.bad", "timestamp": "soon", "type": "text"}, "no object", None, {"from": 1, "id": []}]
    change["messages"] = [good, *bad, *odd]
    answer = meta.post(payload)
    assert answer.json["taken"] == 499
    states = [r.state for r in seen(here, "incoming")]
    assert states.count("waiting") == 499 and states.count("bad") == 4
    meta.post(payload)
    assert len(seen(here, "incoming")) == 503


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"1", b"{", b'{"entry": 3}', b'{"entry": [{"changes": [null]}]}', b"[" * 9000]
)
def test_what_is_no_payload_is_answered_and_stores_nothing(here, meta, seen, body):
    assert meta.post(body).status_code in (200, 422)
    assert seen(here, "incoming") == []


def test_three_megabytes_are_read_and_four_are_not(here, meta):
    filled = meta.message("text", "Hello", padding="x" * 3_000_000)
    assert meta.post(filled).status_code == 200
    assert meta.post(meta.message("text", "Hello", padding="x" * 4_100_000)).status_code == 413


@pytest.mark.seed("SR-130")
def test_with_the_queue_dead_the_answer_comes_at_once(here, meta, seen, figures, monkeypatch):
    from webchatagent.core.settings import load_settings
    from webchatagent.jobs.redis_queue import make_ring

    platform = here.platform
    settings = load_settings({}, data=str(platform.settings.folder), redis_url="redis://127.0.0.1:1/0")
    monkeypatch.setattr(platform, "ring", make_ring(replace(platform, settings=settings)))
    began = time.perf_counter()
    meta.say("Hello")
    figures.line("WhatsApp", f"200 with the queue dead after {(time.perf_counter() - began) * 1000:.0f} ms")
    assert [r.state for r in seen(here, "incoming")] == ["waiting"]


def test_a_tenant_without_a_bot_lets_meta_try_again(acme, switch, client, seen):
    tenant = switch(acme)
    meta = Meta(client)
    assert meta.post(meta.message("text", "Hello")).status_code == 503
    assert seen(tenant, "incoming") == []


def test_off_there_is_nothing(here, meta):
    plugins.disable(load_tenant(here.platform, slug="acme"), "whatsapp")
    assert meta.post(meta.message("text", "Hello")).status_code == 404
