"""Jobs over a real Redis: it rings and runs, and nothing depends on its memory."""

from __future__ import annotations

import json
import os
import subprocess
import time

import pytest
from sqlalchemy import select

from webchatagent.core.bots import create_bot
from webchatagent.core.chunks import Legs
from webchatagent.core.db.records import BackgroundJob
from webchatagent.core.db.sources import Document
from webchatagent.core.sources import delete_source, upload_file
from webchatagent.core.tenancy import system_scope
from webchatagent.core.tenants import create_tenant
from webchatagent.jobs import redis_queue, schedule
from webchatagent.testing.processes import COMMAND, by_words_only

pytestmark = [pytest.mark.service, pytest.mark.xdist_group("redis")]
TEXT = b"The walrus sleeps on the ice, and nobody wakes it before noon."
LINE = json.dumps({"id": "walrus", "text": TEXT.decode()}).encode()  # read without the sandbox, which takes a second


@pytest.fixture
def server(redis_server):
    redis_server.start().client.flushall()
    return redis_server


@pytest.fixture
def platform(make_platform, server):
    made = make_platform("over-redis", rate_limits="off", redis_url=server.url)
    made.ring = redis_queue.make_ring(made)
    return made


@pytest.fixture
def bots(platform):
    return [create_bot(create_tenant(platform, slug, slug.title()), "bot", "Bot") for slug in ("acme", "globex")]


def work(platform, server, tmp_path):
    """Run `webchatagent worker --burst` as its own process, by words only."""
    env = {**by_words_only(tmp_path), "WEBCHATAGENT_REDIS_URL": server.url}
    done = subprocess.run(
        [*COMMAND, "worker", "--burst", "--data", str(platform.settings.folder)],
        env=env,
        capture_output=True,
        text=True,
        timeout=90,
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    return done


def states(platform):
    with system_scope("look"), platform.database.read() as db:
        return [d.state for d in db.scalars(select(Document))], sorted(
            j.state for j in db.scalars(select(BackgroundJob))
        )


def found(platform, bot):
    hits = platform.chunks.search(bot.tenant.id, bot.id, Legs(stems=["walrus"]), 9).get("stem", [])
    return len(platform.chunks.get(bot.tenant.id, [h.ref for h in hits]))


def test_an_upload_is_rung_and_indexed_by_a_worker(platform, bots, server, tmp_path):
    for bot in bots:
        upload_file(bot.tenant, bot.id, "walrus.txt", TEXT)
    assert server.client.llen("rq:queue:webchatagent-documents") == 2
    work(platform, server, tmp_path)
    assert states(platform) == (["searchable"] * 2, ["done"] * 2)
    assert [found(platform, b) for b in bots] == [1, 1]
    assert server.client.llen("rq:queue:webchatagent-documents") == 0


def test_the_queue_holds_ids_only_and_no_pickle(platform, bots, server):
    upload_file(bots[0].tenant, bots[0].id, "secret-name.txt", TEXT)
    job_id = server.client.lrange("rq:queue:webchatagent-documents", 0, -1)[0].decode()
    stored = server.client.hgetall(f"rq:job:{job_id}")
    import zlib

    data = stored[b"data"]
    with_text = zlib.decompress(data) if data[:1] == b"x" else data
    assert json.loads(with_text) == ["webchatagent.jobs.redis_queue.run_ledgered", None, [job_id], {}]
    everything = (
        b"".join(str(server.client.dump(k)).encode() + with_text for k in server.client.keys("*"))
        + str(stored).encode()
    )
    assert b"walrus" not in everything and b"secret-name" not in everything
    assert not any(value.startswith(b"\x80") for value in stored.values())


def test_the_same_job_is_rung_once(platform, bots, server):
    upload_file(bots[0].tenant, bots[0].id, "walrus.jsonl", LINE)
    assert redis_queue.reconcile(platform) == 1 and redis_queue.reconcile(platform) == 1
    assert server.client.llen("rq:queue:webchatagent-documents") == 1


def test_what_a_flush_forgot_is_rung_by_the_schedule(platform, bots, server, tmp_path):
    upload_file(bots[0].tenant, bots[0].id, "walrus.jsonl", LINE)
    server.client.flushall()
    assert server.client.llen("rq:queue:webchatagent-documents") == 0
    schedule.tick(platform)
    assert server.client.llen("rq:queue:webchatagent-documents") >= 1
    work(platform, server, tmp_path)
    assert states(platform)[0] == ["searchable"] and found(platform, bots[0]) == 1


def test_an_upload_is_taken_while_redis_is_down_and_indexed_later(platform, bots, server, tmp_path):
    server.stop()
    began = time.monotonic()
    upload_file(bots[0].tenant, bots[0].id, "walrus.jsonl", LINE)
    assert time.monotonic() - began < 2
    assert states(platform) == (["queued"], ["queued"])
    schedule.tick(platform)  # must not fail either
    server.start()
    work(platform, server, tmp_path)
    assert found(platform, bots[0]) == 1


def test_a_redis_that_hangs_costs_half_a_second(platform, bots, server):
    with server.hanging():
        began = time.monotonic()
        upload_file(bots[0].tenant, bots[0].id, "walrus.jsonl", LINE)
        assert time.monotonic() - began < 2
    assert states(platform)[0] == ["queued"]


def test_a_job_rung_twice_and_one_that_is_done_do_no_harm(platform, bots, server, tmp_path):
    upload_file(bots[0].tenant, bots[0].id, "walrus.jsonl", LINE)
    work(platform, server, tmp_path)
    with system_scope("look"), platform.database.read() as db:
        job = db.scalar(select(BackgroundJob.id))
    platform.ring([job])
    work(platform, server, tmp_path)
    assert found(platform, bots[0]) == 1 and states(platform)[1].count("done") == 1


def test_a_job_of_a_worker_that_was_killed_is_run_by_the_next(platform, bots, server, tmp_path):
    from webchatagent.jobs import ledger
    from webchatagent.jobs.workers import worker_name

    upload_file(bots[0].tenant, bots[0].id, "walrus.jsonl", LINE)
    dead = worker_name().replace(f":{os.getpid()}:", ":999999999:")
    (taken,) = ledger.take_jobs(platform.database, dead)
    ledger.begin_job(platform.database, dead, taken)
    work(platform, server, tmp_path)
    assert found(platform, bots[0]) == 1 and states(platform)[1] == ["done"]


def test_deleting_goes_the_same_way(platform, bots, server, tmp_path):
    added = upload_file(bots[0].tenant, bots[0].id, "walrus.txt", TEXT)
    work(platform, server, tmp_path)
    delete_source(bots[0].tenant, added.source_id)
    work(platform, server, tmp_path)
    assert found(platform, bots[0]) == 0
    assert list((platform.settings.folder / "blobs" / str(bots[0].tenant.id)).iterdir()) == []
