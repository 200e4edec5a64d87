"""A small load generator for event streams over HTTP/1.1, on one event loop."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass, field


@dataclass
class Figures:
    """What one level showed; times in seconds."""

    first: list[float] = field(default_factory=list)
    whole: list[float] = field(default_factory=list)
    failed: int = 0
    seconds: float = 0.0

    def line(self) -> str:
        """messages/s, first token and whole answer at the median and at 95 %."""
        done = len(self.whole)
        rate = done / self.seconds if self.seconds else 0
        return (
            f"{done:5d} done {self.failed:4d} failed  {rate:7.1f} msg/s  first token p50 {1000 * at(self.first, 0.5):7.1f} "
            f"p95 {1000 * at(self.first, 0.95):7.1f} ms  whole p50 {at(self.whole, 0.5):6.3f} p95 {at(self.whole, 0.95):6.3f} s"
        )


def at(values: list[float], share: float) -> float:
    """The value at a share of the sorted list."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


async def ask(port: int, bot: str, question: str, figures: Figures, seconds: float = 60.0) -> None:
    """Ask once over a connection of its own and read the stream to its end."""
    body = json.dumps({"message": question, "chatbotId": bot}).encode()
    head = (
        f"POST /api/chat HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
        f"Accept: text/event-stream\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode()
    began, first = time.perf_counter(), 0.0
    try:
        async with asyncio.timeout(seconds):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(head + body)
            done = False
            while line := await reader.readline():
                if not first and b'"delta"' in line:
                    first = time.perf_counter() - began
                done = done or b'"done"' in line
            writer.close()
    except (OSError, TimeoutError):
        done = False
    if done and first:
        figures.first.append(first)
        figures.whole.append(time.perf_counter() - began)
    else:
        figures.failed += 1


async def closed_loop(port: int, bot: str, questions: list[str], users: int, requests: int) -> Figures:
    """`users` ask one question after another until `requests` were asked."""
    figures, left = Figures(), iter(range(requests))

    async def user() -> None:
        for n in left:
            await ask(port, bot, questions[n * 7919 % len(questions)], figures)

    began = time.perf_counter()
    await asyncio.gather(*(user() for _ in range(users)))
    figures.seconds = time.perf_counter() - began
    return figures


async def hold(port: int, bot: str, questions: list[str], streams: int, ramp: float) -> Figures:
    """`streams` users ask once each, spread over `ramp` seconds."""
    figures = Figures()

    async def user(n: int) -> None:
        await asyncio.sleep(ramp * n / streams)
        await ask(port, bot, questions[n % len(questions)], figures, 120)

    began = time.perf_counter()
    await asyncio.gather(*(user(n) for n in range(streams)))
    figures.seconds = time.perf_counter() - began
    return figures
