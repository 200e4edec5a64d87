"""stripe-mock, Stripe's own server of examples: it knows every parameter of the current interface, and nothing else."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import urllib3

from webchatagent.testing.processes import free_port

VERSION = "v0.203.0"
MODULE = f"github.com/stripe/stripe-mock@{VERSION}"


def program() -> Path:
    """The built program, made once for its version in the user's cache; skips where Go is missing, and fails in CI."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "webchatagent" / f"stripe-mock-{VERSION}"
    found = base / "stripe-mock"
    base.mkdir(parents=True, exist_ok=True)
    with open(base / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not found.exists():
            go = shutil.which("go")
            why = "Go is missing"
            if go:
                environment = {**os.environ, "GOBIN": str(base)}
                run = subprocess.run(
                    [go, "install", MODULE], env=environment, capture_output=True, text=True, check=False
                )
                why = run.stderr[-300:]
            if not found.exists():
                (pytest.fail if os.environ.get("CI") else pytest.skip)(f"stripe-mock cannot be built: {why}")
    return found


@contextlib.contextmanager
def running() -> Iterator[str]:
    """The address of a running one."""
    port = free_port()
    process = subprocess.Popen(
        [program(), "-http-addr", f"127.0.0.1:{port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    url, http = f"http://127.0.0.1:{port}", urllib3.PoolManager(retries=False)
    try:
        for _ in range(200):
            with contextlib.suppress(urllib3.exceptions.HTTPError):
                http.request("GET", url, timeout=1)
                break
            time.sleep(0.05)  # until the process listens
        yield url
    finally:
        process.kill()
        process.wait(10)
