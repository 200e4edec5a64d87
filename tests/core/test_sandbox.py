"""The sandbox: whatever a parser does, the platform goes on and the document gets a state."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from webchatagent.core import sandbox
from webchatagent.core.documents import Blob
from webchatagent.core.errors import DocumentProblem
from webchatagent.core.sandbox import Sandbox

HERE = Path(__file__).parent


@pytest.fixture(autouse=True)
def samples(monkeypatch: pytest.MonkeyPatch) -> None:
    path = os.environ.get("PYTHONPATH", "")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(p for p in (str(HERE), path) if p))


@pytest.fixture
def box() -> Iterator[Sandbox]:
    box = Sandbox(size=1)
    yield box
    box.close()


def run(box: Sandbox, function: str, data: bytes = b"x", seconds: float = 20) -> Any:
    return box.run(f"sandbox_samples:{function}", Blob("a.txt", data, "text/plain"), seconds)


def test_document_goes_in_and_result_comes_back(box: Sandbox) -> None:
    data = os.urandom(3_000_000)
    got = run(box, "echo", data)
    assert (got["name"], got["media_type"], got["size"]) == ("a.txt", "text/plain", len(data))
    assert got["pid"] != os.getpid()


def test_child_is_reused(box: Sandbox) -> None:
    assert run(box, "echo")["pid"] == run(box, "echo")["pid"]
    assert box.started == 1


def test_document_problem_comes_back_as_itself(box: Sandbox) -> None:
    with pytest.raises(DocumentProblem) as caught:
        run(box, "encrypted")
    assert (caught.value.state, caught.value.message, caught.value.cure) == (
        "encrypted",
        "It has a password",
        "take it away",
    )


def test_other_exception_is_broken_and_its_text_is_not_logged(box: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    with pytest.raises(DocumentProblem) as caught:
        run(box, "bug")
    assert caught.value.state == "broken"
    assert "ValueError" in caplog.text and "secret content" not in caplog.text


@pytest.mark.parametrize(
    ("function", "state"),
    [
        ("hang", "too_large"),
        ("burn", "too_large"),
        ("eat", "too_large"),
        ("crash", "too_large"),
        ("segfault", "broken"),
        ("leave", "broken"),
        ("not_json", "broken"),
    ],
)
def test_misbehaving_parser_ends_in_a_state_and_the_next_document_works(
    box: Sandbox, function: str, state: str
) -> None:
    with pytest.raises(DocumentProblem) as caught:
        run(box, function, seconds=1 if function in ("hang", "burn") else 120)
    assert caught.value.state == state
    assert run(box, "echo")["size"] == 1


def test_child_has_no_network(box: Sandbox) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert "may not" in run(box, "call_out", str(server.getsockname()[1]).encode())


def test_child_starts_no_process(box: Sandbox) -> None:
    assert "may not" in run(box, "start")


def test_child_writes_no_file(box: Sandbox, tmp_path: Path) -> None:
    assert "may not" in run(box, "write", str(tmp_path / "x").encode())
    assert not (tmp_path / "x").exists()


def test_what_a_parser_prints_does_not_disturb(box: Sandbox) -> None:
    assert run(box, "talk") == "said"
    assert run(box, "echo")["size"] == 1


def test_child_sees_no_secret_of_the_environment(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEBCHATAGENT_MASTER_KEY", "k")
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    assert not [n for n in run(box, "environment") if "KEY" in n]


def test_child_is_replaced_after_a_number_of_documents(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "MAX_DOCUMENTS", 3)
    assert len({run(box, "echo")["pid"] for _ in range(6)}) == 2


def test_child_that_grew_is_replaced(box: Sandbox) -> None:
    grown = run(box, "grow")
    assert run(box, "echo")["pid"] != grown


def test_child_killed_between_documents_is_replaced_silently(box: Sandbox) -> None:
    pid = run(box, "echo")["pid"]
    os.kill(pid, signal.SIGKILL)
    time.sleep(0.1)
    assert run(box, "echo")["pid"] != pid


def test_many_threads_share_the_pool() -> None:
    box = Sandbox(size=2)
    results: list[Any] = []
    threads = [threading.Thread(target=lambda: results.append(run(box, "echo"))) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    box.close()
    assert len(results) == 12 and box.started <= 2


def test_child_dies_with_a_killed_parent() -> None:
    code = (
        "import os, signal\nfrom webchatagent.core.documents import Blob\n"
        "from webchatagent.core.sandbox import run_limited\n"
        "print(run_limited('sandbox_samples:echo', Blob('a', b''))['pid'], flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    pid = int(done.stdout)
    for _ in range(50):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        state = Path(f"/proc/{pid}/stat")
        if state.exists() and state.read_text().split()[2] == "Z":  # dead, only nobody asked yet
            return
        time.sleep(0.1)
    pytest.fail("the child outlived its parent")


def test_close_then_run_starts_anew() -> None:
    blob = Blob("a", b"")
    sandbox.close()  # children that another test left know nothing of our samples
    first = sandbox.run_limited("sandbox_samples:echo", blob)["pid"]
    sandbox.close()
    assert sandbox.run_limited("sandbox_samples:echo", blob)["pid"] != first
    sandbox.close()
