"""One process leads the clock; when it is gone, another does."""

from __future__ import annotations

import subprocess
import sys
import threading

from webchatagent.core.cores import one_core
from webchatagent.core.db.database import Database
from webchatagent.jobs import schedule
from webchatagent.jobs.lead import make_lead

HOLD = """
import sys
from pathlib import Path
from webchatagent.core.db.database import Database
from webchatagent.jobs.lead import make_lead

lead = make_lead(Database(sys.argv[1]), Path(sys.argv[2]))
print(lead.holds(), flush=True)
sys.stdin.read()
"""


def one_after_another(url, folder):
    """Another process holds it, is killed, and this one has it; given back, a third one does."""
    other = subprocess.Popen(
        [sys.executable, "-c", HOLD, url, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    mine, third = (make_lead(Database(url), folder) for _ in range(2))
    try:
        assert other.stdout.readline() == "True\n"
        assert not mine.holds()
        other.kill()
        other.wait()
        limit = threading.Event()
        for _ in range(100):
            if mine.holds():
                break
            limit.wait(0.05)  # PostgreSQL sees the end of a connection a moment later
        assert mine.holds() and mine.holds() and not third.holds()
        mine.close()
        assert third.holds() and not mine.holds()
    finally:
        other.kill()
        other.communicate()
        mine.close()
        third.close()


def test_of_the_processes_of_one_folder_one_leads(tmp_path):
    one_after_another(f"sqlite:///{tmp_path / 'x.sqlite'}", tmp_path)


def test_of_the_processes_of_one_postgresql_one_leads(postgres_server, tmp_path):
    one_after_another(postgres_server.url("empty"), tmp_path)


def test_a_lead_whose_connection_was_cut_is_lost_and_had_again(postgres_server, tmp_path):
    lead = make_lead(Database(postgres_server.url("empty")), tmp_path)
    assert lead.holds()
    postgres_server.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = 'empty'")
    assert not lead.holds() and lead.holds()
    lead.close()


def test_who_does_not_lead_does_nothing_by_the_clock(platform, monkeypatch):
    done, looked = [], threading.Event()

    class Nobody:
        def holds(self):
            looked.set()
            return False

        def close(self):
            pass

    monkeypatch.setattr(schedule, "make_lead", lambda database, folder: Nobody())
    monkeypatch.setattr(schedule, "tick", lambda platform: done.append("tick"))
    monkeypatch.setattr(schedule, "ring_again", lambda platform: done.append("ring"))
    stop = threading.Event()
    thread = schedule.start_schedule(platform, stop)
    assert looked.wait(5)
    stop.set()
    thread.join(5)
    assert done == [] and not thread.is_alive()


def test_each_process_of_a_server_has_a_core_of_its_own(monkeypatch):
    import os

    if not hasattr(os, "sched_setaffinity") or len(os.sched_getaffinity(0)) < 2:
        return
    seen = []
    for place in (0, 1):
        with one_core(place):
            seen.append(os.sched_getaffinity(0))
    assert seen[0] != seen[1] and all(len(cores) == 1 for cores in seen)
