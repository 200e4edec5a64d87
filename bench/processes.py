"""One and two web processes, as `webchatagent serve` runs them over Redis: messages a second and first tokens."""

from __future__ import annotations

import asyncio
import os
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path

from corpus import questions
from load import closed_loop

TICKS = os.sysconf("SC_CLK_TCK")


def _cpu(pid: int) -> float:
    """CPU seconds of a process and its children so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return (int(fields[11]) + int(fields[12])) / TICKS + sum(_cpu(int(child)) for child in children)


def measure(data: str, bot: str, count: int, redis_url: str, limits: str, requests: int = 300) -> None:
    """Closed loops of 1, 16 and 64 visitors against so many processes on a folder that has a bot; prints a table."""
    from webchatagent.testing.processes import COMMAND, free_port

    port, own = free_port(), {"REDIS_URL": redis_url, "RATE_LIMITS": limits, "PRIVATE_HOSTS": os.environ["STUB"][7:]}
    server = subprocess.Popen(
        [*COMMAND, "serve", "--processes", str(count), "--port", str(port), "--data", data],
        env={**os.environ, **{f"WEBCHATAGENT_{name}": value for name, value in own.items()}},
        stderr=subprocess.DEVNULL,
    )
    try:
        ready, children = False, Path(f"/proc/{server.pid}/task/{server.pid}/children")
        while not ready or (count > 1 and len(children.read_text().split()) < count):
            try:
                ready = urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5).status == 200
            except OSError:
                time.sleep(0.1)
        asyncio.run(closed_loop(port, bot, questions(), 8, 80))  # both are warm
        print(f"\n{count} process(es), limits {limits}")
        for users in (1, 16, 64):
            before = _cpu(server.pid)
            figures = asyncio.run(closed_loop(port, bot, questions(), users, requests))
            each = (_cpu(server.pid) - before) / max(1, len(figures.whole)) * 1000
            print(f"  {users:3d} at once  {figures.line()}  CPU {each:5.1f} ms/msg")
    finally:
        server.terminate()
        server.wait(40)


def compare(data: str, bot: str) -> None:
    """One process, then two, on the same data."""
    from webchatagent.testing.redis import RedisServer

    with tempfile.TemporaryDirectory() as folder:
        redis = RedisServer(Path(folder)).start()
        try:
            for count in (1, 2):
                measure(data, bot, count, redis.url, "off")
        finally:
            redis.stop()
