"""Leaving a provider alone that does not answer: one breaker for each tenant, plugin and model.

Closed while things go well; open for a while after several failures, or at once when the provider says that it must not
be asked (a refused key, a quota, Retry-After); then one attempt is let through, and its end decides.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

from .models import ModelFailed

FAILURES, WINDOW = 5, 30.0  # so many failures within so many seconds open it
PAUSE = 30.0  # seconds that it stays open
PAUSE_KEY = 60.0  # after a refused key or a used-up quota: a person has to do something
SHORT = 2  # a Retry-After of so many seconds is waited for; a longer one opens it
LONGEST = 600.0  # the longest Retry-After that is believed
MOST = 10_000


@dataclass
class _State:
    failures: list[float] = field(default_factory=list)
    open_until: float = 0.0
    trying: bool = False


class Breakers:
    """The breakers of a process. `clock` gives seconds that only grow.

    `changed(key, seconds)` is told when one opens here, for so long, and with 0 when it closes; it must not wait.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        changed: Callable[[Hashable, float], None] = lambda key, seconds: None,
    ) -> None:
        self._clock, self._changed = clock, changed
        self._states: dict[Hashable, _State] = {}

    def learn(self, key: Hashable, seconds: float) -> None:
        """Another process opened one, for so long; or closed it, with 0."""
        if not seconds:
            self._states.pop(key, None)
            return
        self._make_room()
        state = self._states.setdefault(key, _State())
        if not state.trying:
            state.open_until = max(state.open_until, self._clock() + min(seconds, LONGEST))

    def allows(self, key: Hashable) -> bool:
        """Whether to ask now. After a pause only one attempt is let through until it has ended."""
        state = self._states.get(key)
        if state is None or not state.open_until:
            return True
        if state.trying or self._clock() < state.open_until:
            return False
        state.trying = True
        return True

    def succeeded(self, key: Hashable) -> None:
        """The provider answered."""
        state = self._states.pop(key, None)
        if state is not None and state.open_until:
            self._changed(key, 0.0)

    def failed(self, key: Hashable, error: ModelFailed) -> None:
        """The provider did not answer. What is wrong with the question itself (`too_long`, `filtered`) does not count."""
        if error.trouble in ("too_long", "filtered"):
            self.gave_up(key)
            return
        self._make_room()
        at, state = self._clock(), self._states.setdefault(key, _State())
        state.failures = [t for t in state.failures if t > at - WINDOW] + [at]
        pause = self._pause(state, error)
        if pause:
            state.open_until, state.trying = at + pause, False
            self._changed(key, pause)

    def gave_up(self, key: Hashable) -> None:
        """The attempt ended without a verdict: the visitor left. The next one may try."""
        state = self._states.get(key)
        if state:
            state.trying = False

    def _make_room(self) -> None:
        if len(self._states) >= MOST:
            self._states.pop(next(iter(self._states)))

    @staticmethod
    def _pause(state: _State, error: ModelFailed) -> float:
        if error.trouble in ("key", "quota"):
            return PAUSE_KEY
        after = float(error.retry_after or 0)
        if error.trouble == "busy" and after > SHORT:
            return min(after, LONGEST)
        return PAUSE if state.trying or len(state.failures) >= FAILURES else 0.0
