"""A Redis server of the tests' own, on a free port of this machine: it can be killed, hang, and come back empty."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .processes import free_port


def is_installed() -> bool:
    """Whether there is a `redis-server`."""
    return shutil.which("redis-server") is not None


class RedisServer:
    """Started by `start`, killed by `stop`; it keeps nothing on the disk."""

    def __init__(self, folder: Path) -> None:
        import redis

        self.folder, self.port = folder, free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.process: subprocess.Popen[bytes] | None = None
        self._away: Any = redis.RedisError
        self.client: Any = redis.Redis.from_url(self.url)

    def start(self) -> RedisServer:
        """Returns when it answers. Raises RuntimeError when it does not within ten seconds."""
        if self.process is None:
            program = shutil.which("redis-server") or "redis-server"
            options = f"--port {self.port} --bind 127.0.0.1 --dir {self.folder} --appendonly no --save".split()
            self.process = subprocess.Popen(  # noqa: S603 (the server's own program)
                [program, *options, ""],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        for _ in range(500):
            try:
                if self.client.ping():
                    return self
            except self._away:
                time.sleep(0.02)
        raise RuntimeError("redis-server does not answer")

    def stop(self) -> None:
        """Kill it; what it knew is gone."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    @contextlib.contextmanager
    def hanging(self) -> Iterator[None]:
        """It takes connections and says nothing, as on a machine that is stuck."""
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.process.pid, signal.SIGCONT)
