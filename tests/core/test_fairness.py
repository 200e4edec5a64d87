"""Jobs between tenants: taking turns, queues beside each other, and cancelling."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from webchatagent.core import jobs
from webchatagent.core.cancelling import cancel_jobs
from webchatagent.core.clock import now
from webchatagent.core.db.records import AuditEntry, BackgroundJob
from webchatagent.core.db.sources import Document
from webchatagent.core.documents import FoundDocument
from webchatagent.core.sources import ensure_source, take_findings
from webchatagent.core.tenancy import system_scope
from webchatagent.jobs import handlers, ledger, worker
from webchatagent.jobs.worker import Worker


def add(tenant, kind, count=1, **arguments):
    with tenant.write() as db:
        return [jobs.add_job(db, kind, **arguments) for _ in range(count)]


def states(platform):
    with system_scope("look"), platform.database.read() as db:
        return dict(db.execute(select(BackgroundJob.id, BackgroundJob.state)).all())


@pytest.fixture
def ran(monkeypatch):
    """Which tenant's job ran, in order."""
    seen = []
    monkeypatch.setattr(handlers, "run", lambda tenant, kind, arguments: seen.append((tenant.slug, kind)))
    return seen


def test_a_tenant_with_a_thousand_documents_does_not_delay_anothers_one(platform, acme, globex, ran):
    add(acme, jobs.INDEX, 1000)
    Worker(platform).run_due()
    add(globex, jobs.INDEX)
    Worker(platform).run_due()
    assert ("globex", "index_document") in ran and len(ran) <= 2 * ledger.BATCH


def test_long_jobs_of_two_tenants_take_turns(platform, acme, globex, ran):
    add(acme, jobs.SYNC, 3)
    add(globex, jobs.SYNC, 2)
    while Worker(platform).run_due():  # a worker of its own each time: nothing is remembered outside of the ledger
        pass
    assert [slug for slug, _ in ran] == ["acme", "globex", "acme", "globex", "acme"]


def test_who_has_jobs_running_waits_for_who_has_none(platform, acme, globex):
    add(acme, jobs.SYNC, 2)
    (first,) = ledger.take_jobs(platform.database, "one")
    add(globex, jobs.SYNC)
    (second,) = ledger.take_jobs(platform.database, "two")
    assert (first.tenant_id, second.tenant_id) == (acme.id, globex.id)


def test_a_worker_of_one_queue_leaves_the_others(platform, acme, ran):
    for kind in (jobs.SYNC, jobs.INDEX, jobs.EMBED, jobs.DELETE):
        add(acme, kind)
    while Worker(platform, queues=("documents", "soon")).run_due():
        pass
    assert [kind for _, kind in ran] == ["delete_documents", "index_document"]
    assert len(ledger.due_ids(platform.database, queues=("websites",))) == 1


def test_every_kind_has_a_queue_that_exists():
    assert {kind.queue for kind in jobs.KINDS.values()} == set(jobs.QUEUES)


def test_what_is_left_of_a_batch_that_takes_long_is_given_back(platform, acme, ran, monkeypatch):
    monkeypatch.setattr(worker, "BATCH_SECONDS", 0.0)
    ids = add(acme, jobs.INDEX, 5)
    Worker(platform).run_due()
    assert len(ran) == 1 and sorted(states(platform)[i] for i in ids) == ["done"] + ["queued"] * 4
    assert len(ledger.take_jobs(platform.database, "other")) == 4


def test_a_cancelled_job_does_not_run_and_another_tenants_stays(platform, acme, globex, ran):
    mine, foreign = add(acme, jobs.SYNC, source_id=1), add(globex, jobs.SYNC, source_id=1)
    assert cancel_jobs(acme, [*mine, *foreign]) == 1
    while Worker(platform).run_due():
        pass
    assert ran == [("globex", "sync_source")] and states(platform)[mine[0]] == "cancelled"
    with acme.read() as db:
        entry = db.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
    assert (entry.action, entry.detail) == ("jobs.cancelled", {"count": 1})


def test_what_deletes_is_not_cancelled(platform, acme):
    ids = [i for kind in (jobs.DELETE, jobs.ERASE, jobs.PURGE, jobs.SETTLE) for i in add(acme, kind)]
    assert cancel_jobs(acme, ids) == 0 and set(states(platform).values()) == {"queued"}


def test_a_running_job_stops_at_its_next_step_when_it_is_cancelled(platform, acme, monkeypatch):
    monkeypatch.setattr(worker, "LOOK_SECONDS", 0.01)
    (job,) = add(acme, jobs.SYNC, source_id=1)
    steps = []

    def long_work(tenant, kind, arguments):
        for n in range(100_000):
            if n == 3:
                cancel_jobs(acme, [job])
            steps.append(n)
            jobs.stop_if_cancelled()
            worker.threading.Event().wait(0.002)

    monkeypatch.setattr(handlers, "run", long_work)
    assert Worker(platform).run_due()
    assert 3 < len(steps) < 100_000 and states(platform)[job] == "cancelled"
    assert not Worker(platform).run_due()


def test_a_worker_that_was_slow_stops_when_another_has_its_job(platform, acme, monkeypatch):
    monkeypatch.setattr(worker, "LOOK_SECONDS", 0.01)
    (job,) = add(acme, jobs.SYNC, source_id=1)

    def long_work(tenant, kind, arguments):
        with system_scope("turn the clock"), platform.database.write() as db:
            db.execute(update(BackgroundJob).values(lease_until=now() - timedelta(seconds=1)))
        assert [t.id for t in ledger.take_jobs(platform.database, "other")] == [job]
        for _ in range(100_000):
            jobs.stop_if_cancelled()
            worker.threading.Event().wait(0.002)

    monkeypatch.setattr(handlers, "run", long_work)
    assert Worker(platform).run_due()
    assert states(platform)[job] == "running"  # in the other's hands


def test_a_document_whose_indexing_is_cancelled_says_so_and_can_be_sent_again(platform, bot, run_jobs):
    source = ensure_source(bot.tenant, bot.id, "file", "t")
    take_findings(bot.tenant, source, [FoundDocument("d", text="walrus")])
    with bot.tenant.read() as db:
        ids = list(db.scalars(select(BackgroundJob.id)))
    assert cancel_jobs(bot.tenant, ids) == 1
    with bot.tenant.read() as db:
        document = db.scalar(select(Document))
    assert document.state == "broken" and "cancelled" in document.error
    assert jobs.retry_jobs(bot.tenant, ids) == 1
    run_jobs()
    with bot.tenant.read() as db:
        assert db.scalar(select(Document.state)) == "searchable"


def test_a_job_that_was_begun_before_is_alone_in_its_batch(platform, acme):
    first, *_ = add(acme, jobs.INDEX, 3)
    with system_scope("as after a crash"), platform.database.write() as db:
        db.execute(update(BackgroundJob).where(BackgroundJob.id == first).values(attempts=1))
    batches = [[t.id for t in ledger.take_jobs(platform.database, "w")] for _ in range(2)]
    assert sorted(map(len, batches)) == [1, 2] and [first] in batches
