"""The one that watches several processes: one that hangs or dies is replaced, one that never starts ends all."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import os, signal, sys, threading, time
from pathlib import Path
from webchatagent.cli import processes

folder, how = Path(sys.argv[1]), sys.argv[2]
processes.SILENT_SECONDS = 1.0
over = threading.Event()

def work(place, beat):
    signal.signal(signal.SIGTERM, lambda *_: over.set())
    life = len(list(folder.glob(f"{place}-*")))
    (folder / f"{place}-{life}").touch()
    if how == "never":
        raise processes.WebChatAgentError("It cannot start.", "repair it")
    beat()
    if place == 1 and life == 0:
        if how == "dies":
            os._exit(3)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.kill(os.getpid(), signal.SIGSTOP)
    if place == 1:
        os.kill(os.getppid(), signal.SIGTERM)  # it came back: enough
    while not over.wait(0.1):
        beat()
    (folder / f"{place}-ended").touch()

processes.Processes(2, work, (), 5.0).run()
"""


def run(folder, how):
    return subprocess.run([sys.executable, "-c", SCRIPT, str(folder), how], capture_output=True, text=True, timeout=60)


def test_one_that_hangs_is_killed_and_replaced_and_all_end_in_good_order(tmp_path):
    done = run(tmp_path, "hangs")
    assert done.returncode == 0, done.stderr
    assert sorted(p.name for p in tmp_path.iterdir()) == ["0-0", "0-ended", "1-0", "1-1", "1-ended"]
    assert "gives no sign and is killed" in done.stderr and "Traceback" not in done.stderr


def test_one_that_dies_is_replaced_and_the_other_one_stays(tmp_path):
    done = run(tmp_path, "dies")
    assert done.returncode == 0, done.stderr
    assert sorted(p.name for p in tmp_path.iterdir()) == ["0-0", "0-ended", "1-0", "1-1", "1-ended"]
    assert "ended with 3 and is replaced" in done.stderr


def test_when_the_first_cannot_start_no_other_is_started(tmp_path):
    done = run(tmp_path, "never")
    assert done.returncode == 1 and done.stderr == "error: It cannot start. (repair it)\n"
    assert [p.name for p in tmp_path.iterdir()] == ["0-0"]
