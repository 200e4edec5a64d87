"""Only a few requests compute at once; one that waits for the network, or is slow, lets another one go."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from webchatagent.core import slots
from webchatagent.core.slots import Slots, step_aside


class Gate:
    """Work that says when it runs and ends when it is told to."""

    def __init__(self, *, aside: bool = False) -> None:
        self.running, self.go = threading.Event(), threading.Event()
        self._aside = aside

    def __call__(self) -> str:
        if self._aside:
            step_aside()
        self.running.set()
        assert self.go.wait(10)
        return "done"


@pytest.fixture
def pool():
    with ThreadPoolExecutor(4) as pool:
        yield pool


def reached(event: threading.Event) -> asyncio.Future:
    return asyncio.wait_for(asyncio.to_thread(event.wait, 10), 11)


async def start(of: Slots, *gates: Gate) -> list[asyncio.Task]:
    tasks = [asyncio.ensure_future(of.run(gate)) for gate in gates]
    await reached(gates[0].running)
    return tasks


def test_the_second_waits_for_the_first(pool):
    async def main() -> None:
        one, two = Gate(), Gate()
        tasks = await start(Slots(pool, 1), one, two)
        assert not two.running.is_set()
        one.go.set()
        await reached(two.running)
        two.go.set()
        assert await asyncio.gather(*tasks) == ["done", "done"]

    asyncio.run(main())


@pytest.mark.parametrize("why", ["aside", "slow"])
def test_waiting_or_slow_work_lets_the_next_one_go(pool, monkeypatch, why):
    monkeypatch.setattr(slots, "LONG", 0.02 if why == "slow" else 60)

    async def main() -> None:
        one, two = Gate(aside=why == "aside"), Gate()
        of = Slots(pool, 1)
        tasks = await start(of, one, two)
        await reached(two.running)
        one.go.set()
        two.go.set()
        await asyncio.gather(*tasks)
        three, four = Gate(), Gate()  # the slot was given back once, not twice
        monkeypatch.setattr(slots, "LONG", 60)
        tasks = await start(of, three, four)
        assert not four.running.is_set()
        three.go.set()
        four.go.set()
        await asyncio.gather(*tasks)

    asyncio.run(main())


def test_failed_work_gives_its_slot_back(pool):
    async def main() -> None:
        of = Slots(pool, 1)
        with pytest.raises(ZeroDivisionError):
            await of.run(lambda: 1 / 0)
        assert await asyncio.wait_for(of.run(lambda: "next"), 10) == "next"

    asyncio.run(main())


def test_stepping_aside_outside_of_a_request_does_nothing():
    step_aside()
