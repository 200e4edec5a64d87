"""`make bench`: speed in one run, beside bare Flask apps, so that ratios count and not the machine."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import processes  # noqa: E402
from corpus import documents, questions  # noqa: E402
from load import at, closed_loop, hold  # noqa: E402

TICKS = os.sysconf("SC_CLK_TCK")


class Server:
    """A server process, its bot, its CPU seconds and its memory."""

    def __init__(self, kind: str, data: str) -> None:
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self._process = subprocess.Popen(
            [sys.executable, str(HERE / "serve.py"), kind, str(self.port), data], stdout=subprocess.PIPE, text=True
        )
        self.bot = "-" if kind in ("bare", "relay") else self._process.stdout.readline().strip()  # type: ignore[union-attr]
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=2)
                break
            except urllib.error.HTTPError:
                break
            except OSError:
                time.sleep(0.1)

    def cpu(self) -> float:
        """CPU seconds so far."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def memory(self) -> float:
        """Resident memory in MB."""
        line = next(
            x for x in Path(f"/proc/{self._process.pid}/status").read_text().split("\n") if x.startswith("VmRSS")
        )
        return int(line.split()[1]) / 1024

    def stop(self) -> None:
        """End the process."""
        self._process.terminate()
        self._process.wait(30)


def chat(kind: str, data: str, levels: tuple[int, ...] = (1, 16, 64), requests: int = 400) -> dict[int, float]:
    """Closed loop at several levels; returns messages/s per level."""
    server = Server(kind, data)
    asked, rates = questions()[:40] if kind == "local" else questions(), {}
    asyncio.run(closed_loop(server.port, server.bot, asked, 4, 40))
    print(f"\n{kind}: {server.memory():.0f} MB idle")
    for users in levels:
        before = server.cpu()
        figures = asyncio.run(closed_loop(server.port, server.bot, asked, users, requests))
        each = (server.cpu() - before) / max(1, len(figures.whole)) * 1000
        rates[users] = len(figures.whole) / figures.seconds
        print(f"  {users:3d} at once  {figures.line()}  CPU {each:5.1f} ms/msg")
    print(f"  {server.memory():.0f} MB under load")
    server.stop()
    return rates


@contextlib.contextmanager
def stub() -> Iterator[None]:
    """A provider on a port of its own, named by the variable STUB; one that is given already is used."""
    if "STUB" in os.environ:
        yield
        return
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    process = subprocess.Popen([sys.executable, str(HERE / "stub.py"), str(port)])
    os.environ["STUB"] = f"http://127.0.0.1:{port}"
    try:
        yield
    finally:
        del os.environ["STUB"]
        process.terminate()
        process.wait(30)


def compare(base: str, kind: str, data: str) -> None:
    """Both kinds at all levels, and the rate of `kind` as a share of that of `base`."""
    floor, found = chat(base, "-"), chat(kind, data)
    print(f"\nratio to {base}: " + "  ".join(f"{n} at once {found[n] / floor[n]:.2f}" for n in floor))


def held(data: str, streams: int = 2000) -> None:
    """Hold slow streams open and compare their time with the model's own."""
    server = Server("paced", data)
    ideal = 0.5 + 49 * 0.2
    before = server.cpu()
    figures = asyncio.run(hold(server.port, server.bot, questions(), streams, 8.0))
    print(f"\npaced, {streams} streams of 50 tokens at 5/s (ideal {ideal:.1f} s): {figures.line()}")
    print(
        f"  whole p95 / ideal {at(figures.whole, 0.95) / ideal:.3f}  CPU {(server.cpu() - before) / streams * 1000:.1f} ms/stream"
        f"  {server.memory():.0f} MB"
    )
    server.stop()


def index(folder: Path) -> None:
    """Time until 200 documents are searchable by words, with a worker of one thread."""
    from webchatagent.app import build_platform, prepare_database
    from webchatagent.core.bots import create_bot
    from webchatagent.core.registry import Registry
    from webchatagent.core.settings import load_settings
    from webchatagent.core.sources import add_source
    from webchatagent.core.tenants import create_tenant
    from webchatagent.jobs.worker import Worker

    files = folder / "files"
    files.mkdir()
    for name, text in documents():
        (files / name).write_text(text, encoding="utf-8")
    platform = build_platform(load_settings(data=str(folder / "index")))
    prepare_database(platform)
    known = platform.registry
    plugins = {n: (m, known.module(n)) for n, m in known.manifests.items() if n != "embeddings_local"}
    platform.registry = Registry(plugins, known._always)
    tenant = create_tenant(platform, "index", "Index")
    bot = create_bot(tenant, "bot", "Index")
    worker = Worker(platform)
    began, cpu = time.perf_counter(), time.process_time() + _children()
    add_source(tenant, bot.id, str(files))
    while worker.run_due():
        pass
    seconds, used = time.perf_counter() - began, time.process_time() + _children() - cpu
    stats = platform.chunks.stats(tenant.id)
    size = sum(len(text) for _, text in documents())
    print(
        f"\nindexing: {stats.documents} documents, {size / 1e6:.2f} M characters, {stats.chunks} chunks searchable by words "
        f"in {seconds:.2f} s ({used:.2f} s CPU without the parser's child)"
    )


def _children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def several(data: str) -> None:
    """One and two processes over Redis, on data with the provider's stub."""
    server = Server("provider", data)  # makes the data
    bot = server.bot
    server.stop()
    processes.compare(data, bot)


def main(wanted: list[str]) -> None:
    """Run the parts that are named (index, offline, provider, processes, local, held), or all."""
    wanted = wanted or ["index", "offline", "provider", "processes", "local", "held"]
    folder = Path(tempfile.mkdtemp(prefix="webchatagent-bench-"))
    try:
        if "index" in wanted:
            index(folder)
        if "offline" in wanted:
            compare("bare", "offline", str(folder / "offline"))
        if "provider" in wanted:
            with stub():
                compare("relay", "provider", str(folder / "provider"))
        if "processes" in wanted:
            with stub():
                several(str(folder / "several"))
        if "local" in wanted:
            chat("local", str(folder / "local"), requests=200)
        if "held" in wanted:
            held(str(folder / "offline"))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(sys.argv[1:])
