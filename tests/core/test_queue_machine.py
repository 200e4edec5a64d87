"""Messages and jobs of two tenants in any order of asking, working, killing, forgetting and cancelling.

No accepted message or job is lost, none is answered or done twice, none crosses over, and in the end all is quiet.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import delete, select, update

from webchatagent.core import jobs
from webchatagent.core.accept import accept_turn
from webchatagent.core.bots import find_bot
from webchatagent.core.cancelling import cancel_jobs
from webchatagent.core.clock import now
from webchatagent.core.db.chats import Message, TurnRow
from webchatagent.core.db.records import BackgroundJob
from webchatagent.core.tenancy import system_scope
from webchatagent.core.turn import STALE_SECONDS
from webchatagent.core.turns import TurnRunner
from webchatagent.jobs import handlers, ledger
from webchatagent.jobs.worker import Worker
from webchatagent.testing.turns import collect, kinds

SIDES, WORKERS, NUMBERS = st.sampled_from([0, 1]), st.sampled_from(["one", "two"]), st.integers(0, 5)
KINDS = st.sampled_from([jobs.INDEX, jobs.SYNC, jobs.EMBED, jobs.DELETE])
QUESTION = "When does the shop open in the morning?"


class Killed(BaseException):
    """The process ends here."""


def test_in_any_order_nothing_is_lost_doubled_or_mixed_up(platform, bot, foreign_bot, scripted_model, monkeypatch):
    bots = [find_bot(platform, b.public_id) for b in (bot, foreign_bot)]
    done: list[tuple[int, str]] = []
    dying: list[str] = []

    def run(tenant, kind, arguments):
        if dying:
            how = dying.pop()
            if how == "killed after":
                done.append((tenant.id, arguments["number"]))
            raise Killed if how.startswith("killed") else RuntimeError(how)
        done.append((tenant.id, arguments["number"]))

    monkeypatch.setattr(handlers, "run", run)

    class Queue(RuleBasedStateMachine):
        @initialize()
        def empty(self):
            with system_scope("a new beginning"), platform.database.write() as db:
                for table in (BackgroundJob, TurnRow, Message):
                    db.execute(delete(table))
            done.clear()
            dying.clear()
            self.jobs, self.cancelled, self.repeats = {}, set(), Counter()
            self.asked, self.held, self.number = {}, {}, 0

        # -- jobs

        @rule(side=SIDES, kind=KINDS)
        def add(self, side, kind):
            self.number += 1
            with bots[side].tenant.write() as db:
                self.jobs[jobs.add_job(db, kind, number=self.number)] = (bots[side].tenant.id, self.number)

        @rule(how=st.sampled_from(["", "killed before", "killed after", "fails"]))
        def hear_a_bell(self, how):
            """One of many bells, perhaps one too many: a worker takes what is due."""
            if how:
                dying.append(how)
            try:
                Worker(platform).run_due()
            except Killed:
                self.repeats["killed"] += 1
                with system_scope("its leases run out"), platform.database.write() as db:
                    late = now() - timedelta(seconds=1)
                    db.execute(update(BackgroundJob).where(BackgroundJob.state == "running").values(lease_until=late))
            dying.clear()

        @rule(worker=WORKERS)
        def take_and_hold(self, worker):
            if worker not in self.held:
                self.held[worker] = ledger.take_jobs(platform.database, worker)

        @rule(worker=WORKERS)
        def end_what_is_held(self, worker):
            for job in self.held.pop(worker, ()):
                if ledger.begin_job(platform.database, worker, job):
                    done.append((job.tenant_id, job.arguments["number"]))
                    ledger.finish_jobs(platform.database, worker, [job.id])

        @rule(side=SIDES)
        def cancel(self, side):
            with bots[side].tenant.read() as db:
                waiting = list(db.scalars(select(BackgroundJob.id).where(BackgroundJob.state == "queued").limit(1)))
            if cancel_jobs(bots[side].tenant, waiting):
                self.cancelled |= set(waiting)

        @rule()
        def pass_time(self):
            with system_scope("turn the clock"), platform.database.write() as db:
                past = now() - timedelta(seconds=300)
                db.execute(update(BackgroundJob).where(BackgroundJob.state == "queued").values(run_at=past))

        # -- messages

        @rule(side=SIDES, number=NUMBERS, dies=st.booleans())
        def ask(self, side, number, dies):
            """The same message, perhaps again, at any process, which perhaps dies of it."""
            key, name = self.asked.get((side, number)), f"message-{number}"
            turn = accept_turn(bots[side], key, QUESTION, name)
            self.asked[side, number] = turn.session.key
            if turn.state == "running" or (dies and turn.state == "new"):
                self.repeats["left"] += 1  # in the hands of nobody, until it is stale
                return
            assert kinds(asyncio.run(collect(TurnRunner(), turn)))[-1] == "done"

        @rule()
        def let_turns_become_stale(self):
            with system_scope("turn the clock"), platform.database.write() as db:
                late = now() - timedelta(seconds=STALE_SECONDS + 1)
                db.execute(update(TurnRow).where(TurnRow.state != "done").values(updated_at=late))

        # -- what always holds

        @invariant()
        def no_question_has_two_answers_or_a_foreign_one(self):
            if not hasattr(self, "jobs"):
                return
            with system_scope("look"), platform.database.read() as db:
                turns = list(db.execute(select(TurnRow.tenant_id, TurnRow.answer_id, TurnRow.state)))
                said = list(db.execute(select(Message.tenant_id, Message.id).where(Message.role == "bot")))
                kept = {
                    i: (t, s)
                    for i, t, s in db.execute(select(BackgroundJob.id, BackgroundJob.tenant_id, BackgroundJob.state))
                }
            assert sorted(said) == sorted((t, a) for t, a, s in turns if s == "done")
            assert {i: t for i, (t, _) in self.jobs.items()} == {i: t for i, (t, _) in kept.items()}
            assert {i for i, (_, s) in kept.items() if s == "cancelled"} == self.cancelled
            assert not {self.jobs[i] for i in self.cancelled} & set(done) or self.repeats["killed"]

        def teardown(self):
            if not hasattr(self, "jobs"):
                return
            self.held.clear()  # whoever held something is gone
            with system_scope("its leases run out"), platform.database.write() as db:
                late = now() - timedelta(seconds=1)
                db.execute(update(BackgroundJob).where(BackgroundJob.state == "running").values(lease_until=late))
            for _ in range(4):
                self.pass_time()
                while Worker(platform).run_due():
                    pass
            self.let_turns_become_stale()
            for side, number in list(self.asked):
                self.ask(side, number, False)
            self.no_question_has_two_answers_or_a_foreign_one()
            with system_scope("look"), platform.database.read() as db:
                states = dict(db.execute(select(BackgroundJob.id, BackgroundJob.state)).all())
                answered = db.scalars(select(TurnRow.state)).all()
            assert answered == ["done"] * len(self.asked)  # no accepted message is lost
            assert set(states.values()) <= {"done", "failed", "cancelled"}  # quiet
            for job, (tenant_id, number) in self.jobs.items():
                times = done.count((tenant_id, number))
                assert times or states[job] != "done"
                assert times <= 1 + self.repeats["killed"]
            assert set(done) <= set(self.jobs.values())

    run_state_machine_as_test(
        Queue,
        settings=settings(
            max_examples=25, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
