"""Redis hangs, dies and forgets; workers and their processes are killed at every point of a job. Nothing is lost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

import pytest
import urllib3
from limits import parse
from sqlalchemy import select

from webchatagent.app import build_platform
from webchatagent.core.bots import create_bot
from webchatagent.core.chunks import Legs
from webchatagent.core.db.chats import Message, TurnRow
from webchatagent.core.db.records import BackgroundJob
from webchatagent.core.db.sources import Document
from webchatagent.core.documents import FoundDocument
from webchatagent.core.models import ModelFailed
from webchatagent.core.settings import load_settings
from webchatagent.core.sources import add_text, upload_file
from webchatagent.core.tenancy import system_scope
from webchatagent.core.tenants import create_tenant
from webchatagent.jobs import redis_queue, schedule
from webchatagent.jobs.worker import Worker
from webchatagent.testing.house import house_in
from webchatagent.testing.processes import COMMAND, by_words_only, free_port
from webchatagent.web.counters import Counters
from webchatagent.web.shared_breakers import SharedBreakers

pytestmark = [pytest.mark.service, pytest.mark.xdist_group("redis")]
WORKER = """
import os, signal, sys
from pathlib import Path
from webchatagent.app import build_platform, guard_egress
from webchatagent.core import ingest
from webchatagent.core.settings import load_settings
from webchatagent.jobs import ledger, redis_queue, redis_worker, worker

folder, url = sys.argv[1:3]
ledger.BACK_OFF = (0.05,)
redis_worker.PAUSE_SECONDS = 0.2

def die(point, who, times=1):
    for n in range(times):
        try:
            os.close(os.open(Path(folder, f"{point}-{n}"), os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            continue
        for pid in {"horse": [os.getpid()], "worker": [os.getppid()], "both": [os.getppid(), os.getpid()]}[who]:
            os.kill(pid, signal.SIGKILL)

def around(module, name, before="", after=""):
    real = getattr(module, name)
    def replaced(*args, **more):
        text = wanted((*args, *more.values()))
        if before and text.startswith(before + " "):
            die(text.split()[0], text.split()[1], 9 if text.startswith("poison") else 1)
        found = real(*args, **more)
        if after and text.startswith(after + " "):
            die(text.split()[0], text.split()[1])
        return found
    setattr(module, name, replaced)

def wanted(args):
    ids = [a for a in args if isinstance(a, int)] or [getattr(a, "arguments", {}).get("document_id") for a in args]
    ids += [i.document_id for i in args if hasattr(i, "document_id")]
    for row in args:
        if hasattr(row, "external_id"):
            return row.text
    number = next((i for i in ids if isinstance(i, int)), None)
    return texts.get(number, "")

platform = build_platform(load_settings({}, data=folder, redis_url=url))
from sqlalchemy import text
from webchatagent.core.tenancy import system_scope
with system_scope("which document dies where"), platform.database.read() as db:
    texts = dict(db.execute(text("select id, text from document")).all())
around(ledger, "begin_job", before="before-begin", after="after-begin")
around(ingest, "index_document", before="poison")
around(ingest, "_extract", before="before-read", after="after-read")
around(ingest, "_end", before="before-end", after="after-end")
worker.handlers.HANDLERS["index_document"] = ingest.index_document
real_finish = ledger.finish_jobs
def finish(database, name, ids):
    mine = [t for t in texts.values() if t.startswith("before-finish ")]
    if ids and mine:
        with system_scope("look"), database.read() as db:
            rows = db.execute(text("select arguments from background_job where state = 'running'")).all()
        if any(texts.get(i, "").startswith("before-finish ") for r in rows for i in __import__("json").loads(r[0]).values()):
            die("before-finish", mine[0].split()[1])
    real_finish(database, name, ids)
ledger.finish_jobs = finish
guard_egress(platform)
redis_worker.work(platform)
"""
POINTS = ("before-begin", "after-begin", "before-read", "after-read", "before-end", "after-end", "before-finish")


def wait_for(condition, platform, seconds=40.0, every=0.1):
    """Wait, and be the clock meanwhile that a web process is."""
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, states(platform)
        schedule.ring_again(platform)
        time.sleep(every)


def states(platform):
    with system_scope("look"), platform.database.read() as db:
        documents = {d.external_id: d.state for d in db.scalars(select(Document))}
        return documents, [(j.kind, j.state, j.attempts) for j in db.scalars(select(BackgroundJob))]


def found(platform, bot, name):
    hits = platform.chunks.search(bot.tenant.id, bot.id, Legs(stems=[word_of(name)]), 9).get("stem", [])
    return len(platform.chunks.get(bot.tenant.id, [h.ref for h in hits]))


@pytest.fixture
def platform(make_platform, redis_server):
    redis_server.start().client.flushall()
    made = make_platform("faults", rate_limits="off", redis_url=redis_server.url)
    made.ring = redis_queue.make_ring(made)
    return made


@pytest.fixture
def bots(platform):
    return [create_bot(create_tenant(platform, slug, slug.title()), "bot", "Bot") for slug in ("acme", "globex")]


@pytest.fixture
def worker(platform, redis_server, tmp_path):
    """A function that starts a worker process; all are ended after the test."""
    running = []

    def begin():
        log = open(tmp_path / "worker.log", "ab")  # noqa: SIM115 (closed with the process)
        command = [sys.executable, "-c", WORKER, str(platform.settings.folder), redis_server.url]
        running.append(subprocess.Popen(command, env=by_words_only(tmp_path), stdout=log, stderr=log))
        log.close()
        return running[-1]

    yield begin
    for process in running:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def word_of(name):
    """A word that only this document holds, and that no stemmer touches."""
    return f"walrus{sum(name.encode())}x{len(name)}"


def add(bot, name, who="horse"):
    add_text(bot.tenant, bot.id, FoundDocument(name, text=f"{name} {who} dies over {word_of(name)}."))


def test_a_process_that_is_killed_at_any_point_of_a_job_loses_and_doubles_nothing(platform, bots, worker):
    mine, other = bots
    for point in POINTS:
        add(mine, point)
    add(other, "calm")
    process = worker()
    wait_for(lambda: set(states(platform)[0].values()) == {"searchable"}, platform)
    wait_for(lambda: all(j[1] == "done" for j in states(platform)[1]), platform)
    assert process.poll() is None  # the same worker all the time
    for point in POINTS:
        assert (platform.settings.folder / f"{point}-0").exists(), point
        assert found(platform, mine, point) == 1, point
    assert found(platform, other, "calm") == 1
    assert platform.chunks.stats(mine.tenant.id).documents == len(POINTS)


@pytest.mark.parametrize("who", ["worker", "both"])
def test_a_worker_that_is_killed_is_followed_by_the_next(platform, bots, worker, who):
    add(bots[0], "after-read", who)
    first = worker()
    assert first.wait(30) == -9
    add(bots[1], "calm")
    worker()
    wait_for(lambda: set(states(platform)[0].values()) == {"searchable"}, platform)
    assert found(platform, bots[0], "after-read") == 1 and found(platform, bots[1], "calm") == 1


def test_a_job_that_kills_its_process_is_given_up_after_three_tries_and_others_go_on(platform, bots, worker):
    add(bots[0], "poison")
    for n in range(3):
        add(bots[1], f"calm{n}")
    process = worker()
    wait_for(lambda: "queued" not in states(platform)[0].values(), platform)
    wait_for(lambda: all(j[1] != "running" for j in states(platform)[1]), platform)
    documents, jobs = states(platform)
    assert documents == {"poison": "broken", "calm0": "searchable", "calm1": "searchable", "calm2": "searchable"}
    assert [j for j in jobs if j[1] == "failed"] == [("index_document", "failed", 3)]
    assert process.poll() is None
    with bots[0].tenant.read() as db:
        error = db.scalar(select(BackgroundJob.error).where(BackgroundJob.state == "failed"))
    assert "ended its process" in error


@pytest.mark.parametrize("how", ["dead", "hanging"])
def test_a_worker_goes_on_from_the_ledger_while_redis_is_away(platform, bots, worker, redis_server, how):
    worker()
    add(bots[0], "before")
    wait_for(lambda: states(platform)[0] == {"before": "searchable"}, platform)
    if how == "dead":
        redis_server.stop()
        add(bots[0], "meanwhile")
        wait_for(lambda: states(platform)[0]["meanwhile"] == "searchable", platform)
        redis_server.start()
    else:
        with redis_server.hanging():
            add(bots[0], "meanwhile")
            schedule.ring_again(platform)
    add(bots[1], "after")
    wait_for(lambda: set(states(platform)[0].values()) == {"searchable"}, platform)
    assert all(found(platform, bots[0], w) == 1 for w in ("before", "meanwhile"))
    assert sorted(j[0] for j in states(platform)[1]) == ["index_document"] * 3


def test_the_chat_goes_on_whatever_redis_does(redis_server, tmp_path, migrated_database, figures):
    """With limits on, as visitors have them: p95 rises by less than half a second, no answer fails, none comes twice."""
    redis_server.start().client.flushall()
    folder = tmp_path / "data"
    folder.mkdir()
    with house_in(
        folder, tmp_path, migrated_database, redis_url=redis_server.url, rate_limits="on", trusted_proxies="1"
    ) as house:
        numbers = iter(range(10_000))

        def ask():
            n = next(numbers)
            body = json.dumps({"message": "When?", "chatbotId": house.bot.public_id, "clientMessageId": f"m{n}"})
            began = time.monotonic()
            status, _, _ = house.send("POST", "/api/chat", body, **{"X-Forwarded-For": f"192.0.2.{n % 250}"})
            assert status == 200
            return time.monotonic() - began

        def round_of(name, count=12):
            times = sorted(ask() for _ in range(count))
            figures.line("chat over Redis, 12 questions", f"{name}: slowest {times[-1]:.2f} s, median {times[6]:.2f} s")
            return times

        calm = round_of("calm")
        with redis_server.hanging():
            hung = round_of("hanging")
            status, _, text = house.upload("one.txt", b"walrusone")
            assert status < 400, text
        redis_server.client.flushall()
        flushed = round_of("flushed")
        redis_server.stop()
        dead = round_of("dead")
        house.upload("two.txt", b"walrustwo")
        redis_server.start()
        back = round_of("back")
        for times in (hung, flushed, dead, back):
            assert times[-1] < calm[-1] + 0.5
        with house.bot.tenant.read() as db:
            asked = list(db.scalars(select(TurnRow.state)))
            answers = list(db.scalars(select(Message.id).where(Message.role == "bot")))
        assert asked == ["done"] * 60 and len(answers) == 60
        drainer = Worker(house.platform)
        while drainer.run_due():
            pass
        assert {d.state for d in house.documents().values()} == {"searchable"} and len(house.documents()) == 2
        assert "Traceback" not in house.server.log


def test_limits_are_one_for_all_processes_and_a_flush_begins_anew(redis_server):
    redis_server.start().client.flushall()
    one, two = Counters(redis_server.url, 2), Counters(redis_server.url, 2)
    limit = parse("4 per minute")
    assert sum(c.count([(limit, ("t1", "x"))]) is None for _ in range(5) for c in (one, two)) == 4
    assert 0 < one.is_passed(limit, ("t1", "x")) <= 60 and two.is_passed(limit, ("t2", "x")) is None
    ttl = [redis_server.client.ttl(key) for key in redis_server.client.keys("*")]
    assert ttl and all(0 < seconds <= 60 for seconds in ttl)  # nothing stays
    redis_server.client.flushall()
    assert one.count([(limit, ("t1", "x"))]) is None


def test_two_webs_and_two_workers_start_at_once_on_an_empty_database(redis_server, tmp_path, figures):
    redis_server.start().client.flushall()
    env = {**by_words_only(tmp_path), "WEBCHATAGENT_REDIS_URL": redis_server.url}
    data, ports = tmp_path / "data", [free_port(), free_port()]
    commands = [("serve", "--port", str(port)) for port in ports] + [("worker",), ("worker",)]
    logs = [open(tmp_path / f"{n}.log", "wb+") for n in range(4)]  # noqa: SIM115 (closed below)
    began = time.monotonic()
    running = [
        subprocess.Popen([*COMMAND, *command, "--data", str(data)], env=env, stdout=log, stderr=log)
        for command, log in zip(commands, logs, strict=True)
    ]
    try:
        limit = began + 60
        for port in ports:
            while True:
                try:
                    assert (
                        urllib3.request("GET", f"http://127.0.0.1:{port}/readyz", timeout=10, retries=False).status
                        == 200
                    )
                    break
                except urllib3.exceptions.HTTPError:
                    assert time.monotonic() < limit and all(p.poll() is None for p in running)
                    time.sleep(0.05)
        figures.line("start", f"two webs and two workers on an empty database: {time.monotonic() - began:.1f} s")
        platform = build_platform(load_settings({}, data=str(data), redis_url=redis_server.url))
        platform.ring = redis_queue.make_ring(platform)
        bot = create_bot(create_tenant(platform, "acme", "Acme"), "bot", "Bot")
        upload_file(bot.tenant, bot.id, "walrus.jsonl", json.dumps({"id": "w", "text": "walrus"}).encode())
        while set(states(platform)[0].values()) != {"searchable"}:
            assert time.monotonic() < limit + 30
            time.sleep(0.05)
        assert all(p.poll() is None for p in running)
        platform.database.close()
        platform.chunks.close()
    finally:
        for process in running:
            process.terminate()
        codes = [process.wait(30) for process in running]
        for log in logs:
            log.seek(0)
            assert b"Traceback" not in log.read()
            log.close()
    assert codes == [0, 0, 0, 0] and os.path.exists(data / "webchatagent.sqlite")


@pytest.fixture
def breakers(redis_server):
    """Those of two processes."""
    redis_server.start().client.flushall()
    made = [SharedBreakers(redis_server.url, 0.02) for _ in range(2)]
    yield made
    for one in made:
        one.close()


def test_a_breaker_that_opens_in_one_process_is_open_in_all(redis_server, breakers):
    def soon(condition):
        limit = time.monotonic() + 10
        while not condition():
            assert time.monotonic() < limit
            time.sleep(0.01)

    one, two = breakers
    mine, foreign = (1, "llm_openai", "openai:m"), (2, "llm_openai", "openai:m")
    assert all(b.allows(k) for b in (one, two) for k in (mine, foreign))
    one.failed(mine, ModelFailed("key", "refused"))
    soon(lambda: not two.allows(mine))
    assert not one.allows(mine) and two.allows(foreign)  # another tenant's key is another matter
    redis_server.stop()
    assert not two.allows(mine) and one.allows(foreign)  # nobody waits
    two.failed(foreign, ModelFailed("key", "refused"))
    assert not two.allows(foreign) and one.allows(foreign)  # each has its own meanwhile


def test_a_breaker_that_closes_early_closes_elsewhere_too(breakers):
    one, two = breakers
    key = (1, "llm_openai", "openai:m")
    assert one.allows(key) and two.allows(key)
    one.failed(key, ModelFailed("key", "refused"))
    limit = time.monotonic() + 10
    while two.allows(key):
        assert time.monotonic() < limit
        time.sleep(0.01)
    one.succeeded(key)
    while not two.allows(key):
        assert time.monotonic() < limit
        time.sleep(0.01)
