"""Which core a server's threads run on."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator

import pytest

from webchatagent.core import cores
from webchatagent.core.cores import all_cores, one_core, quieter_core

several = pytest.mark.skipif(
    not hasattr(os, "sched_setaffinity") or len(os.sched_getaffinity(0)) < 2, reason="needs Linux and two cores"
)


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """The runner's own bounds are never touched."""
    if not hasattr(os, "sched_getaffinity"):
        yield
        return
    bounds = os.sched_getaffinity(0)
    yield
    assert os.sched_getaffinity(0) == bounds


def _bounds_of_a_new_thread() -> set[int]:
    seen: list[set[int]] = []
    thread = threading.Thread(target=lambda: seen.append(os.sched_getaffinity(0)))
    thread.start()
    thread.join()
    return seen[0]


@several
def test_threads_that_are_started_inside_share_the_core() -> None:
    with one_core():
        mine = os.sched_getaffinity(0)
        assert len(mine) == 1
        assert _bounds_of_a_new_thread() == mine


@several
def test_work_that_wants_all_cores_gets_them_and_gives_them_back() -> None:
    everything = os.sched_getaffinity(0)
    with one_core():
        mine = os.sched_getaffinity(0)
        with all_cores():
            assert os.sched_getaffinity(0) == everything
            assert _bounds_of_a_new_thread() == everything
        assert os.sched_getaffinity(0) == mine


@several
def test_the_bounds_end_with_the_server_even_when_it_fails() -> None:
    everything = os.sched_getaffinity(0)
    with pytest.raises(RuntimeError), one_core():
        raise RuntimeError
    assert os.sched_getaffinity(0) == everything
    assert "cores" not in {t.name for t in threading.enumerate()}


@several
def test_all_bound_threads_move_together_and_free_ones_stay_free() -> None:
    everything = os.sched_getaffinity(0)
    go, seen = threading.Event(), {}

    def look(name: str) -> None:
        go.wait()
        seen[name] = os.sched_getaffinity(0)

    free = threading.Thread(target=look, args=("free",))
    free.start()
    with one_core():
        bound = threading.Thread(target=look, args=("bound",))
        bound.start()
        (here,) = os.sched_getaffinity(0)
        there = next(iter(everything - {here}))
        cores._move(cores._held[0], there)
        go.set()
        free.join()
        bound.join()
        assert os.sched_getaffinity(0) == {there}
    assert seen == {"free": everything, "bound": {there}}


def test_outside_of_a_server_nothing_is_bound() -> None:
    with all_cores():
        pass  # the fixture compares


@pytest.mark.parametrize(
    ("others", "wanted"),
    [
        ({0: 0.1, 1: 0.0}, None),  # it is quiet enough here
        ({0: 0.6, 1: 0.1}, 1),
        ({0: 0.6, 1: 0.5}, None),  # hardly better there
        ({0: 0.6, 1: 0.3, 2: 0.05}, 2),
        ({}, None),  # nothing is known
    ],
)
def test_a_quieter_core_is_taken_only_when_it_is_clearly_quieter(others: dict[int, float], wanted: int | None) -> None:
    assert quieter_core(0, [0, 1, 2], others) == wanted


def test_the_work_of_others_is_what_a_core_did_less_the_servers_own_threads() -> None:
    before = cores._Load({0: 100, 1: 0}, {0: 50}, {0: 1000, 1: 1000})
    after = cores._Load({0: 180, 1: 10}, {0: 110}, {0: 1100, 1: 1100})
    assert after.since(before) == {0: 0.2, 1: 0.1}


@several
def test_the_load_of_this_machine_can_be_read() -> None:
    before = cores._Load.now()
    threading.Event().wait(0.03)
    assert all(0.0 <= share <= 1.0 for share in cores._Load.now().since(before).values())
