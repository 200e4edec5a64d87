"""Whatever readers, mail scanners, Mailchimp and lost messages do, in whatever order: nobody is subscribed without
proof, and nobody who left is subscribed again."""

from __future__ import annotations

import contextlib
import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import select

from webchatagent.core import plugins
from webchatagent.core.api import Subject, WebChatAgentError
from webchatagent.core.tenants import create_tenant, load_tenant
from webchatagent.plugins.newsletter import signup, subject, sync
from webchatagent.plugins.newsletter.models import Removal, Subscriber

from .conftest import Clock, subscribers, tokens
from .mailchimp_stub import AUDIENCE, KEY, digest_of, running_stub

PEOPLE = ("ada@example.org", "bob@example.org")
people = st.sampled_from(PEOPLE)


@pytest.mark.seed("SR-100", "SR-101")
def test_nobody_is_subscribed_without_proof_and_nobody_is_subscribed_again(platform, monkeypatch):
    clock, numbers = Clock(), itertools.count()
    for name in ("signup", "sync"):
        monkeypatch.setattr(f"webchatagent.plugins.newsletter.{name}.now", clock)

    class Newsletter(RuleBasedStateMachine):
        """`word` is the last word of each reader: yes by following a link, no by leaving anywhere."""

        @initialize()
        def begin(self):
            self.open = contextlib.ExitStack()
            self.stub = self.open.enter_context(running_stub())
            self.stub.clock, self.stub.lenient = clock, True
            tenant = create_tenant(platform, f"t{next(numbers)}", "T")
            known = {"api_key": KEY, "audience_id": AUDIENCE, "api_url": self.stub.url}
            plugins.configure(tenant, "newsletter", known)
            plugins.enable(tenant, "newsletter")
            self.tenant = load_tenant(platform, slug=tenant.slug)
            self.word = dict.fromkeys(PEOPLE, "")
            self.seen = 0

        def teardown(self):
            if not hasattr(self, "open"):
                return
            self.stub.faults = []
            for _ in range(3):
                self.carry(False)
                sync.reconcile(self.tenant)
            for email in PEOPLE:
                if self.word[email] == "no":
                    assert self.stub.status(email) not in ("subscribed", "pending"), "who left is out everywhere"
            self.nobody_without_proof()
            self.open.close()

        @rule(minutes=st.sampled_from([1, 20, 60 * 24, 60 * 24 * 8]))
        def time_passes(self, minutes):
            clock.pass_by(minutes=minutes)
            subject.purge(self.tenant, clock.at)

        @rule(email=people)
        def asks(self, email):
            signup.ask(self.tenant, email, True, language="en", channel="page")

        @rule(email=people, which=st.integers(0, 3))
        def follows_a_link(self, email, which):
            found = tokens(self.tenant, email=email)
            if found and signup.confirm(self.tenant, found[-1 - which % len(found)]) == "confirmed":
                self.word[email] = "yes"

        @rule(email=people)
        def comes(self, email):
            clock.pass_by(minutes=20)
            self.asks(email)
            self.follows_a_link(email, 0)
            self.carry(False)

        @rule(email=people)
        def leaves_here(self, email):
            found = tokens(self.tenant, "unsubscribe", email)
            if found and signup.leave(self.tenant, found[-1], "one_click"):
                self.word[email] = "no"

        @rule(email=people, status=st.sampled_from(["unsubscribed", "cleaned", "archived"]))
        def leaves_there_unheard(self, email, status):
            if self.stub.status(email) in ("subscribed", "pending"):
                clock.pass_by(minutes=1)
                self.stub.leave(email, status)
                clock.pass_by(minutes=1)
                self.word[email] = "no"
                self.a_stale_job_runs_again(email)

        @rule(fault=st.booleans())
        def carry(self, fault):
            self.stub.faults = [503] if fault else []
            for row in subscribers(self.tenant):
                if row.pushed != row.version:
                    with contextlib.suppress(WebChatAgentError):
                        sync.push(self.tenant, row.id)
            with self.tenant.read() as db:
                left = list(db.scalars(select(Removal.id)))
            for removal in left:
                with contextlib.suppress(WebChatAgentError):
                    sync.remove(self.tenant, removal)
            self.stub.faults = []

        @rule()
        def looks(self):
            sync.reconcile(self.tenant)

        @rule(email=people)
        def is_erased(self, email):
            subject.erase(self.tenant, Subject(email=email))
            self.word[email] = "no"

        @rule(email=people)
        def a_stale_job_runs_again(self, email):
            with self.tenant.read() as db:
                row = db.scalar(select(Subscriber.id).where(Subscriber.email == email))
            if row:
                with contextlib.suppress(WebChatAgentError):
                    sync.push(self.tenant, row)

        @invariant()
        def nobody_without_proof(self):
            if not hasattr(self, "stub"):
                return
            for email, before, after, by in self.stub.moves[self.seen :]:
                if after == "subscribed":
                    assert by == "api" and self.word[email] == "yes", "subscribed without the reader's yes"
                    assert before not in ("unsubscribed", "cleaned", "archived"), "subscribed again"
                if after == "pending":
                    assert self.word[email] == "yes", "asked without the reader's yes"
            self.seen = len(self.stub.moves)
            for row in subscribers(self.tenant):
                if row.state == "confirmed":
                    assert row.confirmed_at and row.wording, "no proof"
                elif row.state == "pending":
                    assert digest_of(row.email) not in self.stub.members or row.ended_at is None

    wanted = settings(max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(Newsletter, settings=wanted)
    assert datetime.now(UTC) - clock.at < timedelta(days=100_000)
