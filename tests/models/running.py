"""Starts aimock, which speaks as OpenAI, Gemini and Ollama do and is not ours."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from webchatagent.testing.processes import free_port

HERE = Path(__file__).resolve().parent
PROGRAM = HERE / "node_modules" / ".bin" / "llmock"


@contextlib.contextmanager
def aimock(folder: Path, answers: Mapping[str, Mapping[str, Any]], *options: str) -> Iterator[int]:
    """The server's port, until the block ends. `answers` maps what stands in a question to the answer.

    Skips where node or its packages are missing, and fails there in CI.
    """
    if not shutil.which("node") or not PROGRAM.exists():
        reason = "node and `npm ci --prefix tests/models` are needed"
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    fixtures = folder / "answers.json"
    found = [{"match": {"userMessage": text}, "response": answer} for text, answer in answers.items()]
    fixtures.write_text(json.dumps({"fixtures": found}, ensure_ascii=False), encoding="utf-8")
    port = free_port()
    command = [str(PROGRAM), "-h", "127.0.0.1", "-p", str(port), "-f", str(fixtures), "--log-level", "silent"]
    with subprocess.Popen([*command, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            limit = time.monotonic() + 30
            while True:
                with contextlib.suppress(OSError):
                    socket.create_connection(("127.0.0.1", port), 1).close()
                    break
                if process.poll() is not None or time.monotonic() > limit:
                    raise RuntimeError("aimock did not start")
                time.sleep(0.05)
            yield port
        finally:
            process.terminate()
