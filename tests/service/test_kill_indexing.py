"""`kill -9` at any moment of indexing: afterwards everything accepted is searchable exactly once, and nothing is left over."""

from __future__ import annotations

import random
import subprocess
import sys
import time

import pytest
from sqlalchemy import func, select

from webchatagent.core import retention
from webchatagent.core.bots import create_bot
from webchatagent.core.chunks import Legs
from webchatagent.core.db.records import BackgroundJob
from webchatagent.core.db.sources import Document
from webchatagent.core.tenancy import system_scope
from webchatagent.core.tenants import create_tenant, load_tenant
from webchatagent.jobs.schedule import tick
from webchatagent.jobs.worker import Worker
from webchatagent.testing.processes import COMMAND, by_words_only

DOCUMENTS, SECTIONS, KILLS, SEED = 30, 24, 20, 20260


def write(folder, number, version):
    parts = [
        f"Section {i} of report{number} tells of walrus{number}x{i}, edition{version}. " + "It goes on. " * 50
        for i in range(SECTIONS)
    ]
    (folder / f"report{number}.txt").write_text("\n\n".join(parts))


def start(data, target, env):
    return subprocess.Popen(
        [
            *COMMAND,
            "source",
            "add",
            "acme/bot",
            str(target),
            "--wait",
            "--data",
            str(data),
        ],
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def prepare(make_platform, name):
    platform = make_platform(name)
    create_bot(create_tenant(platform, "acme", "Acme"), "bot", "Bot")
    create_bot(create_tenant(platform, "globex", "Globex"), "bot", "Bot")
    return platform


def states(platform):
    with system_scope("count"), platform.database.read() as db:
        rows = list(db.scalars(select(Document)))
        jobs = list(db.scalars(select(BackgroundJob.state)))
    return rows, jobs


def wait_for_progress(platform, process, jobs):
    """Wait until so many jobs are done, or the process ended."""
    limit = time.monotonic() + 20
    while process.poll() is None and time.monotonic() < limit:
        with system_scope("look"), platform.database.read() as db:
            if db.scalar(select(func.count(BackgroundJob.id)).where(BackgroundJob.state == "done")) >= jobs:
                return
        time.sleep(0.005)


def test_killed_at_twenty_moments(make_platform, tmp_path):
    """Each round changes some documents; three of four are killed while they are indexed, the fourth at any moment."""
    target, env, dice = tmp_path / "reports", by_words_only(tmp_path), random.Random(SEED)
    target.mkdir()
    editions = dict.fromkeys(range(DOCUMENTS), 0)
    for n in editions:
        write(target, n, 0)
    platform = prepare(make_platform, "killed")
    table = []
    for number in range(1, KILLS + 1):
        process = start(platform.settings.folder, target, env)
        moment = "anywhere" if number % 4 == 0 else f"{dice.randrange(10)} more done"
        if number % 4:
            wait_for_progress(platform, process, states(platform)[1].count("done") + int(moment.split()[0]) + 1)
        try:
            process.communicate(timeout=dice.uniform(0, 0.03) if number % 4 else dice.uniform(0.2, 2.0))
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
        rows, jobs = states(platform)
        found = [sum(r.state == s for r in rows) for s in ("searchable", "queued")]
        table.append(
            (
                number,
                moment,
                len(rows),
                *found,
                *(jobs.count(s) for s in ("queued", "running", "done")),
                process.returncode,
            )
        )
        for n in dice.sample(range(DOCUMENTS), 12):
            editions[n] = number
            write(target, n, number)
    last = start(platform.settings.folder, target, env)
    _, errors = last.communicate(timeout=60)
    print("\nkill  moment        rows searchable  to do | jobs queued running done  exit")
    for row in table:
        print("{:4d}  {:12s}  {:4d} {:10d} {:6d} | {:11d} {:7d} {:4d}  {:4d}".format(*row))
    assert last.returncode == 0, errors
    calm = prepare(make_platform, "calm")
    undisturbed = start(calm.settings.folder, target, env)
    _, errors = undisturbed.communicate(timeout=60)
    assert undisturbed.returncode == 0, errors
    worker = Worker(platform)  # adding again while a job runs queues another; it finds nothing to do
    while worker.run_due():
        pass
    rows, jobs = states(platform)
    assert len(rows) == DOCUMENTS and {r.state for r in rows} == {"searchable"}
    assert set(jobs) == {"done"}
    assert sum(row[-1] == -9 for row in table) >= KILLS // 2
    tenant_id = rows[0].tenant_id
    for n in range(DOCUMENTS):
        for i in range(SECTIONS):
            hits = platform.chunks.search(tenant_id, rows[0].bot_id, Legs(stems=[f"walrus{n}x{i}"]), 9)["stem"]
            assert len({c.key.document_id for c in platform.chunks.get(tenant_id, [h.ref for h in hits])}) == 1
    frequencies = platform.chunks.frequencies(tenant_id, [f"edition{e}" for e in range(KILLS + 1)])[1]
    assert set(frequencies) == {f"edition{e}" for e in editions.values()}  # nothing of an older edition is left
    wanted, found = calm.chunks.stats(tenant_id), platform.chunks.stats(tenant_id)
    assert (
        (found.documents, found.chunks) == (wanted.documents, wanted.chunks) == (DOCUMENTS, sum(r.chunks for r in rows))
    )
    kept = {p.name for p in (platform.settings.folder / "blobs" / str(tenant_id)).iterdir()}
    named = {r.blob.partition("/")[2] for r in rows}
    assert named <= kept
    young, retention.BLOB_SECONDS = retention.BLOB_SECONDS, -1
    try:
        orphans = retention.sweep_blobs(load_tenant(platform, slug="acme"))
    finally:
        retention.BLOB_SECONDS = young
    assert orphans == len(kept - named)
    assert {p.name for p in (platform.settings.folder / "blobs" / str(tenant_id)).iterdir()} == named


UPLOAD = """
import os, signal, sys
from webchatagent.app import build_platform
from webchatagent.core import sources
from webchatagent.core.bots import find_bot
from webchatagent.core.settings import load_settings

platform = build_platform(load_settings({}, data=sys.argv[1]))
bot = find_bot(platform, "acme/bot")
moment = sys.argv[2]
if moment == "before the name":
    os.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
elif moment == "before the row":
    sources._apply = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
else:
    platform.ring = lambda ids: ids and os.kill(os.getpid(), signal.SIGKILL)
sources.upload_file(bot.tenant, bot.id, "walrus.txt", b"The walrus sleeps.")
"""


@pytest.mark.parametrize(("moment", "rows"), [("before the name", 0), ("before the row", 0), ("after the commit", 1)])
def test_killed_while_uploading(make_platform, monkeypatch, moment, rows):
    platform = prepare(make_platform, "data")
    killed = subprocess.run([sys.executable, "-c", UPLOAD, str(platform.settings.folder), moment], capture_output=True)
    assert killed.returncode == -9, killed.stderr
    monkeypatch.setattr(retention, "BLOB_SECONDS", -1)
    tick(platform)
    worker = Worker(platform)
    while worker.run_due():
        pass
    documents, jobs = states(platform)
    assert [d.state for d in documents] == ["searchable"] * rows and set(jobs) == {"done"}
    folder = platform.settings.folder / "blobs"
    assert sorted(p.name for p in folder.rglob("*") if p.is_file()) == [d.blob.partition("/")[2] for d in documents]
