"""Redis rings the workers: real redis-server, real RQ, and what happens when Redis forgets or is away."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import redis

from webchatagent.core.bots import create_bot
from webchatagent.core.sources import list_sources, upload_file
from webchatagent.core.tenants import create_tenant
from webchatagent.jobs.redis_queue import QUEUE, make_ring, reconcile

pytestmark = [pytest.mark.service, pytest.mark.xdist_group("redis")]


@pytest.fixture
def redis_url(tmp_path: Path):
    """A redis-server of this test's own."""
    binary = shutil.which("redis-server")
    if binary is None:
        if os.environ.get("CI"):
            pytest.fail("redis-server is not installed")
        pytest.skip("redis-server is not installed")
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    process = subprocess.Popen(
        [binary, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)],
        stdout=subprocess.DEVNULL,
    )
    client = redis.Redis(port=port)
    for _ in range(200):
        try:
            client.ping()
            break
        except redis.RedisError:
            time.sleep(0.02)
    yield f"redis://127.0.0.1:{port}/0"
    process.terminate()
    process.wait(10)
    client.close()


@pytest.fixture
def ringing(make_platform, redis_url):
    """A platform whose jobs are rung through Redis, and its bot."""
    platform = make_platform("ringing", redis_url=redis_url)
    platform.ring = make_ring(platform.settings)
    return platform, create_bot(create_tenant(platform, "acme", "Acme"), "bot", "Bot")


def burst(platform, redis_url):
    """Run a worker process until its queue is empty."""
    env = {
        **os.environ,
        "WEBCHATAGENT_REDIS_URL": redis_url,
        "WEBCHATAGENT_DATA": str(platform.settings.folder),
    }
    command = [sys.executable, "-m", "webchatagent.cli.main", "worker", "--burst"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def states(bot):
    """The states of the bot's documents."""
    return [d.state for _, documents in list_sources(bot.tenant, bot.id) for d in documents]


def test_an_upload_is_rung_and_indexed_by_an_rq_worker(ringing, redis_url):
    platform, bot = ringing
    upload_file(bot.tenant, bot.id, "a.txt", b"The lighthouse is green and stands on a rock.")
    queued = redis.Redis.from_url(redis_url).lrange(f"rq:queue:{QUEUE}", 0, -1)
    assert len(queued) == 1
    burst(platform, redis_url)
    assert states(bot) == ["searchable"]


def test_the_queue_holds_ids_and_json_only(ringing, redis_url):
    _, bot = ringing
    upload_file(bot.tenant, bot.id, "secret.txt", b"canary-5150 is nobody's business.")
    client = redis.Redis.from_url(redis_url)
    for key in client.scan_iter("*"):
        kind = client.type(key)
        values = client.hgetall(key).values() if kind == b"hash" else [client.dump(key) or b""]
        assert not any(b"canary-5150" in v or b"secret.txt" in v or v.startswith(b"\x80") for v in values), key


def test_what_a_flush_forgot_is_rung_again(ringing, redis_url):
    platform, bot = ringing
    upload_file(bot.tenant, bot.id, "a.txt", b"The lighthouse is green and stands on a rock.")
    client = redis.Redis.from_url(redis_url)
    client.flushall()
    assert reconcile(platform) == 1
    assert client.llen(f"rq:queue:{QUEUE}") == 1


def test_uploads_are_accepted_while_redis_is_away(make_platform):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    platform = make_platform("away", redis_url=f"redis://127.0.0.1:{port}/0")
    platform.ring = make_ring(platform.settings)
    bot = create_bot(create_tenant(platform, "acme", "Acme"), "bot", "Bot")
    upload_file(bot.tenant, bot.id, "a.txt", b"The lighthouse is green and stands on a rock.")
    assert states(bot) == ["queued"]
    from webchatagent.jobs.worker import Worker

    worker = Worker(platform)
    while worker.run_due():
        pass
    assert states(bot) == ["searchable"]
