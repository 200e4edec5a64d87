"""Sources in any order of adding, replacing, deleting, failing, retrying and being killed: nothing lost, nothing half."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import delete, select, update

from webchatagent.core import ingest, retention, sandbox
from webchatagent.core.bots import create_bot
from webchatagent.core.chunks import Legs
from webchatagent.core.clock import now
from webchatagent.core.db.records import BackgroundJob
from webchatagent.core.db.sources import Document
from webchatagent.core.documents import Failed, FoundDocument
from webchatagent.core.sources import (
    delete_documents,
    delete_source,
    ensure_source,
    list_sources,
    retry_documents,
    take_findings,
)
from webchatagent.core.tenancy import system_scope
from webchatagent.jobs import ledger
from webchatagent.jobs.worker import Worker

SECTIONS = 3
NAMES = st.sampled_from(["ant", "bee", "cow", "dog"])
PLACES = st.sampled_from(["zoo", "farm"])
SIDES = st.sampled_from([0, 1])
EMPTY = 0
EDITIONS = st.integers(EMPTY, 4)


class Killed(BaseException):
    """The process ends here."""


def words(side, place, name, edition):
    """One word for each section of an edition of a document, found nowhere else."""
    letters = "abcdefghij"
    return [f"{place}{name}{letters[side]}x{letters[edition]}x{letters[part]}q" for part in range(SECTIONS)]


def text_of(side, place, name, edition):
    filler = "The keeper of the animals walks around and looks at all of them. " * 12
    return "" if edition == EMPTY else "\n\n".join(f"{w} {filler}" for w in words(side, place, name, edition))


class Machine(RuleBasedStateMachine):
    """`wanted` is what should be searchable in the end: edition by (side, place, name); a str is a state without text."""

    make = None  # a function that makes (platform, two tenants), set by the test

    @initialize()
    def begin(self):
        self.platform, tenants, number = self.make()
        self.bots = [create_bot(t, f"bot-{number}", "Bot") for t in tenants]
        self.wanted = {}
        self.failures = self.kills = 0
        with system_scope("begin anew"), self.platform.database.write() as db:
            db.execute(delete(BackgroundJob))

    def source(self, side, place):
        bot = self.bots[side]
        return ensure_source(bot.tenant, bot.id, "file", place)

    def rows(self, side, place=None):
        found = list_sources(self.bots[side].tenant, self.bots[side].id)
        return {(side, s.target, d.external_id): d for s, docs in found for d in docs if place in (None, s.target)}

    def finding(self, side, place, name, edition, as_bytes):
        text = text_of(side, place, name, edition)
        if as_bytes:
            return FoundDocument(name, name=f"{name}.txt", data=text.encode() or b" ")
        return FoundDocument(name, text=text)

    @rule(
        side=SIDES,
        place=PLACES,
        found=st.dictionaries(NAMES, EDITIONS, max_size=4),
        whole=st.booleans(),
        data=st.booleans(),
    )
    def take(self, side, place, found, whole, data):
        """A connector finds documents; with `whole` those that it did not find are gone."""
        findings = [self.finding(side, place, name, edition, data) for name, edition in found.items()]
        take_findings(self.bots[side].tenant, self.source(side, place), findings, complete=whole)
        if whole:
            for key in [k for k in self.wanted if k[:2] == (side, place) and k[2] not in found]:
                del self.wanted[key]
        for name, edition in found.items():
            self.wanted[side, place, name] = edition

    @rule(side=SIDES, place=PLACES, name=NAMES)
    def page_is_gone(self, side, place, name):
        failed = Failed(name, "gone", "The page is not there any more.")
        take_findings(self.bots[side].tenant, self.source(side, place), [failed], complete=False)
        self.wanted[side, place, name] = "gone"

    @rule(side=SIDES, place=PLACES, name=NAMES)
    def page_is_down(self, side, place, name):
        """What was searchable stays so."""
        key = (side, place, name)
        if self.wanted.get(key) == EMPTY:
            return
        failed = Failed(name, "unreachable", "The site does not answer.")
        take_findings(self.bots[side].tenant, self.source(side, place), [failed], complete=False)
        if not isinstance(self.wanted.get(key), int):
            self.wanted[key] = "unreachable"

    @rule(side=SIDES, place=PLACES, name=NAMES)
    def delete_one(self, side, place, name):
        """Also asked of the other tenant, where it must do nothing."""
        row = self.rows(side).get((side, place, name))
        if row is not None:
            delete_documents(self.bots[1 - side].tenant, [row.id])
            delete_documents(self.bots[side].tenant, [row.id])
            self.wanted.pop((side, place, name))

    @rule(side=SIDES, place=PLACES)
    def delete_all(self, side, place):
        delete_source(self.bots[side].tenant, self.source(side, place))
        for key in [k for k in self.wanted if k[:2] == (side, place)]:
            del self.wanted[key]

    @rule(side=SIDES)
    def retry(self, side):
        """Everything that ended otherwise than searchable and still has its content; nothing of the other tenant."""
        before = self.rows(side)
        ids = [d.id for d in before.values()] + [d.id for d in self.rows(1 - side).values()]
        count = retry_documents(self.bots[side].tenant, ids)
        assert count == sum(d.state == "no_text" and bool(d.blob) for d in before.values())

    @rule(batches=st.integers(1, 3))
    def work(self, batches):
        worker = Worker(self.platform)
        for _ in range(batches):
            worker.run_due()

    @precondition(lambda self: not self.failures)  # an exception at the third attempt ends a job, kills or not
    @rule(point=st.sampled_from(["begin", "extract", "index", "indexed", "end", "ended", "delete", "deleted"]))
    def killed(self, point):
        """A worker dies at a point of its next batch: what it holds is taken by another when its lease ends."""
        self.kills += 1
        with pytest.MonkeyPatch.context() as patch:
            die(patch, self.platform, point)
            patch.setattr(ledger, "finish_jobs", lambda *_: None)
            with contextlib.suppress(Killed):
                Worker(self.platform).run_due()
        self.leases_end()

    @precondition(lambda self: self.failures < 2 and not self.kills)
    @rule()
    def fails(self):
        """A job fails by a bug; it is tried again later."""
        self.failures += 1
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(ingest, "_extract", raiser(RuntimeError))
            Worker(self.platform).run_due()

    def leases_end(self):
        with system_scope("let time pass"), self.platform.database.write() as db:
            db.execute(update(BackgroundJob).where(BackgroundJob.state == "running").values(lease_until=now()))
            db.execute(update(BackgroundJob).where(BackgroundJob.state == "queued").values(run_at=now()))

    def found(self, asking, word):
        """Document ids whose chunks hold a word, for the bot of a side."""
        bot = self.bots[asking]
        hits = self.platform.chunks.search(bot.tenant.id, bot.id, Legs(stems=[word]), 50).get("stem", [])
        return [c.key.document_id for c in self.platform.chunks.get(bot.tenant.id, [h.ref for h in hits])]

    @invariant()
    def a_reader_never_sees_half_or_another_tenant(self):
        for side, place, name in self.wanted:
            whole = set()
            for edition in range(1, 5):
                parts = [bool(self.found(side, w)) for w in words(side, place, name, edition)]
                assert len(set(parts)) == 1, (name, edition, parts)
                whole |= {edition} if parts[0] else set()
                assert not self.found(1 - side, words(side, place, name, edition)[0])
            assert len(whole) <= 1

    def teardown(self):
        """When all work is done, everything is as it was wanted."""
        if not hasattr(self, "bots"):
            return
        worker = Worker(self.platform)
        self.leases_end()
        while worker.run_due():
            self.leases_end()
        for side, bot in enumerate(self.bots):
            rows = self.rows(side)
            assert {k: d.state for k, d in rows.items()} == {
                k: v if isinstance(v, str) else "searchable" if v else "no_text"
                for k, v in self.wanted.items()
                if k[0] == side
            }
            for key, row in rows.items():
                shown = row.state == "searchable"
                for edition in range(1, 5):
                    expected = [row.id] if shown and edition == self.wanted[key] else []
                    assert [self.found(side, w) for w in words(*key, edition)] == [expected] * SECTIONS
                assert bool(row.chunks) is shown and row.vectors == row.chunks
            kept = {d.blob.partition("/")[2] for d in rows.values() if d.blob}
            with bot.tenant.read() as db:
                kept |= {b.partition("/")[2] for b in db.scalars(select(Document.blob)) if b}
            retention.sweep_blobs(bot.tenant)
            folder = self.platform.settings.folder / "blobs" / str(bot.tenant.id)
            assert {p.name for p in folder.iterdir()} == kept if folder.exists() else not kept
        with system_scope("look"), self.platform.database.read() as db:
            assert set(db.scalars(select(BackgroundJob.state))) <= {"done"}


def raiser(error):
    def fail(*_, **__):
        raise error

    return fail


def die(patch, platform, point):
    """Let the process end before or after a step of indexing or deleting."""
    steps = {
        "extract": (ingest, "_extract", False),
        "index": (platform.chunks, "replace_document", False),
        "indexed": (platform.chunks, "replace_document", True),
        "end": (ingest, "_end", False),
        "ended": (ingest, "_end", True),
        "delete": (platform.chunks, "delete_documents", False),
        "deleted": (platform.chunks, "delete_documents", True),
        "begin": (ledger, "begin_job", True),
    }
    owner, name, after = steps[point]
    step = getattr(owner, name)

    def last(*arguments, **named):
        if after:
            step(*arguments, **named)
        raise Killed

    patch.setattr(owner, name, last)


def test_sources_in_any_order(platform, acme, globex, monkeypatch):
    monkeypatch.setattr(retention, "BLOB_SECONDS", -1)
    numbers = iter(range(10_000))

    class Here(Machine):
        make = staticmethod(lambda: (platform, (acme, globex), next(numbers)))

    try:
        run_state_machine_as_test(
            Here,
            settings=settings(
                max_examples=30, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
            ),
        )
    finally:
        sandbox.close()
