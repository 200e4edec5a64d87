"""The ledger of jobs: leases, retries, keys, priorities, and what happens to jobs of workers that are gone."""

from __future__ import annotations

import multiprocessing
import os
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from webchatagent.core import jobs
from webchatagent.core.clock import now
from webchatagent.core.db.records import BackgroundJob
from webchatagent.core.db.sources import Document
from webchatagent.core.documents import FoundDocument
from webchatagent.core.errors import Unavailable
from webchatagent.core.jobs import JobKind
from webchatagent.core.sources import ensure_source, take_findings
from webchatagent.core.tenancy import system_scope
from webchatagent.jobs import handlers, ledger, schedule
from webchatagent.jobs.worker import Worker
from webchatagent.jobs.workers import is_dead, release_dead, worker_name


def add(tenant, kind=jobs.PURGE, key="", **more):
    with tenant.write() as db:
        return jobs.add_job(db, kind, key, **more)


def rows(platform):
    with system_scope("look"), platform.database.read() as db:
        return list(db.scalars(select(BackgroundJob).order_by(BackgroundJob.created_at)))


def change(platform, **values):
    with system_scope("turn the clock"), platform.database.write() as db:
        db.execute(update(BackgroundJob).values(**values))


@pytest.fixture
def ran(monkeypatch):
    """What each job was called with; a job whose argument is an exception raises it."""
    seen = []

    def run(tenant, kind, arguments):
        seen.append((tenant.slug, kind, arguments))
        if "fail" in arguments:
            raise Unavailable("The moon is down.", "wait")
        if "bug" in arguments:
            raise RuntimeError("secret of the house")

    monkeypatch.setattr(handlers, "run", run)
    return seen


def test_a_job_can_be_seen_after_the_commit_only(platform, acme):
    with acme.write() as db:
        jobs.add_job(db, jobs.PURGE)
        db.flush()
        assert ledger.due_ids(platform.database) == []
    assert len(ledger.due_ids(platform.database)) == 1


def test_a_transaction_that_fails_takes_its_job_along(platform, acme):
    with pytest.raises(RuntimeError), acme.write() as db:
        jobs.add_job(db, jobs.PURGE)
        raise RuntimeError
    assert rows(platform) == []


def test_a_key_is_queued_once_per_tenant(platform, acme, globex):
    first = add(acme, key="k")
    assert add(acme, key="k") == first
    assert add(globex, key="k") != first
    ledger.take_jobs(platform.database, "w")
    assert add(acme, key="k") != first  # the first is running: what it missed needs another run


def test_the_most_urgent_runs_first_and_quick_ones_in_a_batch(platform, acme, globex, ran):
    for kind in (jobs.PURGE, jobs.EMBED, jobs.SYNC, jobs.INDEX, jobs.DELETE):
        add(acme, kind)
    add(globex, jobs.INDEX)
    worker = Worker(platform)
    assert worker.run_due()
    assert [(t, k) for t, k, _ in ran] == [
        ("acme", "delete_documents"),
        ("acme", "index_document"),
        ("globex", "index_document"),
    ]
    while worker.run_due():
        pass
    assert [k for _, k, _ in ran[3:]] == ["sync_source", "embed_document", "purge"]
    assert {r.state for r in rows(platform)} == {"done"} and all(r.attempts == 1 for r in rows(platform))


def test_a_job_for_later_waits(platform, acme):
    add(acme, delay=30)
    assert ledger.take_jobs(platform.database, "w") == []
    change(platform, run_at=now() - timedelta(seconds=1))
    assert len(ledger.take_jobs(platform.database, "w")) == 1


def test_a_lease_is_respected_until_it_ends(platform, acme):
    add(acme)
    assert len(ledger.take_jobs(platform.database, "one")) == 1
    assert ledger.take_jobs(platform.database, "two") == []
    change(platform, lease_until=now() - timedelta(seconds=1))
    (again,) = ledger.take_jobs(platform.database, "two")
    assert not ledger.begin_job(platform.database, "one", again)
    assert ledger.begin_job(platform.database, "two", again)
    ledger.finish_jobs(platform.database, "one", [again.id])  # too late: it is not his any more
    assert rows(platform)[0].state == "running"
    ledger.finish_jobs(platform.database, "two", [again.id])
    assert rows(platform)[0].state == "done"


def test_a_long_job_keeps_its_lease(platform, acme, monkeypatch):
    kind = JobKind("purge", lease_seconds=1)
    monkeypatch.setitem(ledger.KINDS, "purge", kind)
    monkeypatch.setattr(handlers, "run", lambda *_: __import__("time").sleep(1.3))
    add(acme)
    taken = []

    def try_to_take(name="two"):
        taken.extend(ledger.take_jobs(platform.database, name))

    import threading

    timer = threading.Timer(1.15, try_to_take)
    timer.start()
    Worker(platform).run_due()
    timer.join()
    assert taken == []


def _take_all(folder, started, out):
    from webchatagent.app import build_platform
    from webchatagent.core.settings import load_settings

    platform = build_platform(load_settings({}, data=folder))
    started.wait()
    mine = []
    while taken := ledger.take_jobs(platform.database, worker_name()):
        mine += [t.id for t in taken]
    out.put(mine)


def test_jobs_of_one_key_run_one_after_another_where_their_kind_is_serial(platform, acme, globex, monkeypatch):
    kind = JobKind("purge", quick=False, serial=True)
    monkeypatch.setitem(ledger.KINDS, "purge", kind)
    for tenant, key in ((acme, "ann"), (acme, "ben"), (globex, "ann"), (acme, "")):
        add(tenant, kind, key)
    first = [ledger.take_jobs(platform.database, "w1")[0] for _ in range(4)]
    again = add(acme, kind, "ann")
    keyless = add(acme, kind, "")
    assert [j.id for j in ledger.take_jobs(platform.database, "w2")] == [keyless], "without a key nothing waits"
    assert ledger.take_jobs(platform.database, "w2") == []
    mine = next(j for j in first if j.tenant_id == acme.id)
    assert ledger.waiting_behind(platform.database, [mine.id]) == [again]
    ledger.finish_jobs(platform.database, "w1", [mine.id])
    assert [j.id for j in ledger.take_jobs(platform.database, "w2")] == [again]


def test_two_processes_take_each_job_once(platform, acme):
    ids = {add(acme, jobs.INDEX, document_id=n) for n in range(40)}
    context = multiprocessing.get_context("spawn")
    started, out = context.Barrier(2), context.Queue()
    children = [context.Process(target=_take_all, args=(str(platform.settings.folder), started, out)) for _ in range(2)]
    for child in children:
        child.start()
    lists = [out.get(timeout=60) for _ in children]
    for child in children:
        child.join(30)
    assert sorted(lists[0] + lists[1]) == sorted(ids)


def test_a_failed_job_is_tried_later_and_later_and_then_stays_failed(platform, acme, ran):
    add(acme, fail=True)
    delays = []
    for attempt in (1, 2, 3):
        assert Worker(platform).run_due()
        row = rows(platform)[0]
        assert row.attempts == attempt and row.error == "The moon is down. (wait)"
        delays.append((row.run_at - now()).total_seconds())
        assert not Worker(platform).run_due()
        change(platform, run_at=now() - timedelta(seconds=1))
    assert rows(platform)[0].state == "failed" and rows(platform)[0].finished_at
    assert delays[0] < delays[1] < delays[2]


def test_a_failure_of_ours_shows_no_details(platform, acme, ran):
    add(acme, bug=True)
    Worker(platform).run_due()
    assert rows(platform)[0].error == "RuntimeError"


def test_a_document_whose_indexing_fails_for_good_is_broken(platform, bot, monkeypatch):
    source = ensure_source(bot.tenant, bot.id, "file", "t")
    take_findings(bot.tenant, source, [FoundDocument("d", text="hello")])

    def fail(*_):
        raise RuntimeError

    monkeypatch.setattr(platform.chunks, "replace_document", fail)
    for _ in range(3):
        Worker(platform).run_due()
        change(platform, run_at=now() - timedelta(seconds=1))
    with bot.tenant.read() as db:
        document = db.scalar(select(Document))
    assert document.state == "broken" and "support" in document.error
    assert rows(platform)[0].state == "failed"


def test_one_bad_job_of_a_batch_does_not_harm_the_others(platform, acme, globex, ran):
    add(acme, jobs.INDEX, bug=True)
    add(globex, jobs.INDEX)
    Worker(platform).run_due()
    assert sorted(r.state for r in rows(platform)) == ["done", "queued"]


def test_a_killed_workers_jobs_are_free_at_once_and_only_the_begun_one_counts(platform, acme):
    for _ in range(3):
        add(acme, jobs.INDEX)
    dead = worker_name().replace(f":{os.getpid()}:", ":999999999:")
    taken = ledger.take_jobs(platform.database, dead)
    assert len(taken) == 3 and ledger.begin_job(platform.database, dead, taken[0])
    assert ledger.begin_job(platform.database, dead, taken[1], [taken[0].id])
    assert ledger.take_jobs(platform.database, "w") == []
    assert release_dead(platform.database) == 2
    again = [ledger.take_jobs(platform.database, "w") for _ in range(2)]  # the begun one alone: it may kill again
    assert [[t.attempts for t in batch] for batch in again] in ([[2], [1]], [[1], [2]])
    assert [r.state for r in rows(platform)].count("done") == 1


def test_living_and_foreign_workers_are_not_dead():
    assert not is_dead(worker_name())
    assert not is_dead("another-host:1:1:x") and not is_dead("") and not is_dead("x")
    assert is_dead(worker_name().replace(f":{os.getpid()}:", ":999999999:"))
    name = worker_name().split(":")
    assert is_dead(":".join([name[0], name[1], "1", name[3]]))  # the number was given to another process


def test_a_job_that_ends_its_process_every_time_is_given_up(platform, bot, ran):
    add(bot.tenant, jobs.INDEX, document_id=1)
    for n in range(ledger.CRASHES):
        (taken,) = ledger.take_jobs(platform.database, f"w{n}")
        assert ledger.begin_job(platform.database, f"w{n}", taken)
        change(platform, lease_until=now() - timedelta(seconds=1))
    assert Worker(platform).run_due()
    assert ran == [] and rows(platform)[0].state == "failed"
    assert not Worker(platform).run_due()


def test_a_kind_that_nobody_knows_does_not_block_the_others(platform, acme, ran):
    add(acme, JobKind("from_the_future", priority=-1))
    add(acme)
    assert Worker(platform).run_due()
    assert [k for _, k, _ in ran] == ["purge"] and len(ledger.due_ids(platform.database)) == 0


def test_an_older_version_never_ends_up_in_the_index(platform, bot, monkeypatch):
    """A worker that is slow with the first version finishes after one that was fast with the second."""
    from webchatagent.core import ingest

    source = ensure_source(bot.tenant, bot.id, "file", "t")
    take_findings(bot.tenant, source, [FoundDocument("d", text="old walrus")])
    replace, once = platform.chunks.replace_document, []

    def slow(tenant_id, key, chunks):
        if not once:
            once.append(1)
            take_findings(bot.tenant, source, [FoundDocument("d", text="new ostrich")])
            ingest.index_document(bot.tenant, key.document_id)
        return replace(tenant_id, key, chunks)

    monkeypatch.setattr(platform.chunks, "replace_document", slow)
    Worker(platform).run_due()
    found = [
        c.text
        for c in platform.chunks.get(
            bot.tenant.id, [r for r, _ in platform.chunks.missing_vectors(bot.tenant.id, "x", 9)]
        )
    ]
    assert found == ["new ostrich"]


def test_ids_of_deleted_documents_are_not_given_out_again(platform, bot, add_texts, run_jobs):
    """Else a deletion that is late deletes the next document's chunks."""
    from webchatagent.core.sources import delete_documents

    add_texts(bot, {"a": "walrus"})
    with bot.tenant.read() as db:
        first = db.scalar(select(Document.id))
    delete_documents(bot.tenant, [first])
    add_texts(bot, {"b": "ostrich"}, "more")
    with bot.tenant.read() as db:
        assert db.scalar(select(Document.id)) > first


def test_the_schedule_sweeps_bytes_that_no_document_names(platform, bot, foreign_bot, monkeypatch):
    from webchatagent.core import retention
    from webchatagent.core.sources import upload_file

    upload_file(bot.tenant, bot.id, "kept.txt", b"walrus")
    orphan = platform.blobs.put(bot.tenant.id, b"canary")
    part = platform.settings.folder / "blobs" / str(bot.tenant.id) / "abc.part"
    part.write_bytes(b"half")
    other = platform.blobs.put(foreign_bot.tenant.id, b"foreign")
    schedule.tick(platform)
    assert platform.blobs.get(bot.tenant.id, orphan) == b"canary"  # too young: its row may be on the way
    monkeypatch.setattr(retention, "BLOB_SECONDS", -1)
    assert retention.sweep_blobs(bot.tenant) == 2
    assert not part.exists() and platform.blobs.get(foreign_bot.tenant.id, other) == b"foreign"
    with pytest.raises(FileNotFoundError):
        platform.blobs.get(bot.tenant.id, orphan)
    with bot.tenant.read() as db:
        assert platform.blobs.get(bot.tenant.id, db.scalar(select(Document.blob))) == b"walrus"


def test_the_schedule_embeds_what_was_indexed_before_there_was_a_model(platform, bot, add_texts, run_jobs, monkeypatch):
    add_texts(bot, {"a": "walrus"})
    with bot.tenant.write() as db:
        db.execute(update(Document).values(vectors=0))
    change(platform, finished_at=now() - timedelta(hours=2))
    schedule.tick(platform)
    schedule.tick(platform)
    waiting = [r for r in rows(platform) if r.state == "queued" and r.kind == "embed_document"]
    assert len(waiting) == 1
    run_jobs()
    with bot.tenant.read() as db:
        assert db.scalar(select(Document.vectors)) == 1


def test_a_duty_of_the_schedule_that_fails_keeps_no_other_from_its_turn(platform, acme, monkeypatch):
    def fail(_):
        raise RuntimeError

    monkeypatch.setattr(schedule, "cut_stale_turns", fail)
    monkeypatch.setattr(schedule, "sweep_blobs", fail)
    schedule.tick(platform)
    assert {r.key.split(":")[0] for r in rows(platform)} == {"purge", "website.refresh"}


def test_the_purge_is_queued_once_a_day_for_each_tenant(platform, acme, globex):
    for _ in range(3):
        schedule.tick(platform)
        change(platform, state="done", finished_at=now())
    assert len([r for r in rows(platform) if r.kind == "purge"]) == 3  # two tenants and the operator's own
