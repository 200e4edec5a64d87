"""A provider that does not answer is left alone for a while, and asked again once."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from webchatagent.core import breaker
from webchatagent.core.breaker import Breakers
from webchatagent.core.models import ModelFailed

DOWN = ModelFailed("unreachable", "down")


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def breakers(clock):
    return Breakers(clock)


def fail(breakers, key, times, error=DOWN):
    for _ in range(times):
        assert breakers.allows(key)
        breakers.failed(key, error)


def test_several_failures_open_it_and_a_pause_lets_one_try(breakers, clock):
    fail(breakers, "a", breaker.FAILURES)
    assert not breakers.allows("a")
    clock.now += breaker.PAUSE
    assert breakers.allows("a")
    assert not breakers.allows("a"), "one at a time"
    breakers.succeeded("a")
    assert breakers.allows("a") and breakers.allows("a")


def test_a_failed_try_opens_it_again_at_once(breakers, clock):
    fail(breakers, "a", breaker.FAILURES)
    clock.now += breaker.PAUSE
    fail(breakers, "a", 1)
    assert not breakers.allows("a")


def test_failures_that_are_far_apart_do_not_open_it(breakers, clock):
    for _ in range(3 * breaker.FAILURES):
        fail(breakers, "a", 1)
        clock.now += breaker.WINDOW / 2
    assert breakers.allows("a")


def test_another_tenant_is_not_touched(breakers):
    fail(breakers, (1, "openai", "m"), breaker.FAILURES)
    assert not breakers.allows((1, "openai", "m")) and breakers.allows((2, "openai", "m"))


@pytest.mark.parametrize(
    ("error", "pause"),
    [
        (ModelFailed("key", "no"), breaker.PAUSE_KEY),
        (ModelFailed("quota", "no"), breaker.PAUSE_KEY),
        (ModelFailed("busy", "no", retry_after=120), 120),
        (ModelFailed("busy", "no", retry_after=10**6), breaker.LONGEST),
    ],
)
def test_a_provider_that_says_so_is_left_alone_at_once(breakers, clock, error, pause):
    fail(breakers, "a", 1, error)
    clock.now += pause - 1
    assert not breakers.allows("a")
    clock.now += 1
    assert breakers.allows("a")


@pytest.mark.parametrize("trouble", ["too_long", "filtered"])
def test_what_is_wrong_with_a_question_does_not_count(breakers, trouble):
    fail(breakers, "a", 3 * breaker.FAILURES, ModelFailed(trouble, "no"))
    assert breakers.allows("a")


def test_a_visitor_who_leaves_during_the_try_does_not_block_it(breakers, clock):
    fail(breakers, "a", breaker.FAILURES)
    clock.now += breaker.PAUSE
    assert breakers.allows("a")
    breakers.gave_up("a")
    assert breakers.allows("a")


def test_memory_is_bounded(breakers, monkeypatch):
    monkeypatch.setattr(breaker, "MOST", 10)
    for n in range(50):
        breakers.failed(n, DOWN)
    assert len(breakers._states) == 10


class AnyHistory(RuleBasedStateMachine):
    """Whatever happens, nobody is asked during a pause, one at a time after it, and time always heals."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.breakers = Breakers(self.clock)
        self.running = 0

    @rule()
    def ask(self) -> None:
        self.running += self.breakers.allows("k")

    @rule(trouble=st.sampled_from(["unreachable", "key", "busy", "too_long", "odd"]), wait=st.integers(0, 999))
    def fail(self, trouble: str, wait: int) -> None:
        if self.running:
            self.running -= 1
            self.breakers.failed("k", ModelFailed(trouble, "no", retry_after=wait))

    @rule(verdict=st.booleans())
    def end(self, verdict: bool) -> None:
        if self.running:
            self.running -= 1
            (self.breakers.succeeded if verdict else self.breakers.gave_up)("k")

    @rule(seconds=st.floats(0, 700))
    def wait(self, seconds: float) -> None:
        self.clock.now += seconds

    @invariant()
    def heals(self) -> None:
        if not self.running:
            before, self.clock.now = self.clock.now, self.clock.now + breaker.LONGEST + 1
            assert self.breakers.allows("k")
            self.breakers.gave_up("k")
            self.clock.now = before


TestAnyHistory = AnyHistory.TestCase
