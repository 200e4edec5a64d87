"""Run a parser in a warm child process with limits: memory, time, no network, no writing, no other process.

The child (`sandbox_child`) gets a document as raw bytes and answers in JSON, so nothing it sends can be code.
It is used for many documents, as starting one costs 100 ms and more, and is replaced when it grew, died or hung.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import logging
import os
import select
import signal
import struct
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from .documents import Blob
from .errors import DocumentProblem, Unavailable

log = logging.getLogger(__name__)
POOL_SIZE = 2
MAX_DOCUMENTS = 100
MAX_RSS_MB = 400
MEMORY_LIMIT = 1_500_000_000
HEAD = struct.Struct(">IQ")  # length of the JSON header, length of the data
REPLY = struct.Struct(">Q")
MAX_REPLY = 256_000_000
_KEPT_VARIABLES = ("PATH", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "SYSTEMROOT")
_SLOW = {-signal.SIGXCPU, -signal.SIGALRM, -signal.SIGKILL}


class _Died(Exception):
    """The child ended; `sent` tells whether it had got the whole document, `timeout` whether we ended it."""

    def __init__(self, sent: bool, timeout: bool = False) -> None:
        self.sent, self.timeout = sent, timeout


class _Worker:
    """One child process. Not thread-safe; the pool lends it to one thread at a time."""

    def __init__(self) -> None:
        environment = {k: os.environ[k] for k in _KEPT_VARIABLES if k in os.environ}  # no secret reaches a parser
        environment |= {"PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        self.process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-P", "-m", "webchatagent.core.sandbox_child", str(MEMORY_LIMIT), str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            bufsize=0,
        )
        assert self.process.stdin and self.process.stdout
        self._in, self._out = self.process.stdin.fileno(), self.process.stdout.fileno()
        os.set_blocking(self._in, False)
        os.set_blocking(self._out, False)
        self.documents, self.rss_mb = 0, 0

    @property
    def worn(self) -> bool:
        """Whether it should not be used again."""
        return self.documents >= MAX_DOCUMENTS or self.rss_mb > MAX_RSS_MB

    def run(self, target: str, blob: Blob, seconds: float) -> dict[str, Any]:
        """One document; the child's answer. Raises _Died."""
        end = time.monotonic() + seconds
        header = json.dumps(
            {"target": target, "name": blob.name, "media_type": blob.media_type, "seconds": seconds}
        ).encode()
        sent = False
        try:
            self._write(HEAD.pack(len(header), len(blob.data)) + header, end)
            self._write(blob.data, end)
            sent = True
            (length,) = REPLY.unpack(self._read(REPLY.size, end))
            if length > MAX_REPLY:
                raise _Died(sent)
            answer: dict[str, Any] = json.loads(self._read(length, end))
        except TimeoutError:
            raise _Died(sent, timeout=True) from None
        except (BrokenPipeError, EOFError):
            raise _Died(sent) from None
        self.documents += 1
        self.rss_mb = answer.get("rss_mb", 0)
        return answer

    def _wait(self, descriptor: int, event: int, end: float) -> None:
        poll = select.poll()
        poll.register(descriptor, event)
        if not poll.poll(max(0.0, end - time.monotonic()) * 1000):
            raise TimeoutError

    def _write(self, data: bytes, end: float) -> None:
        view = memoryview(data)
        while view:
            try:
                view = view[os.write(self._in, view[: 1 << 20]) :]
            except BlockingIOError:
                self._wait(self._in, select.POLLOUT, end)

    def _read(self, length: int, end: float) -> bytes:
        parts = bytearray()
        while len(parts) < length:
            try:
                part = os.read(self._out, min(length - len(parts), 1 << 20))
            except BlockingIOError:
                self._wait(self._out, select.POLLIN, end)
                continue
            if not part:
                raise EOFError
            parts += part
        return bytes(parts)

    def end(self) -> int:
        """End the child and give its return code (negative: the signal)."""
        for pipe in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(OSError):
                pipe.close()  # type: ignore[union-attr]
        try:
            return self.process.wait(0.2)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


class Sandbox:
    """A pool of at most `size` children, started when they are needed. Thread-safe."""

    def __init__(self, size: int = POOL_SIZE) -> None:
        self._room = threading.BoundedSemaphore(size)
        self._idle: list[_Worker] = []
        self._lock = threading.Lock()
        # A child is told to die with the thread that started it, so one thread that lives as long as we starts all.
        self._starter = ThreadPoolExecutor(1, "sandbox-starter")
        self.started = 0

    def run(self, target: str, blob: Blob, seconds: float = 60) -> Any:
        """See `run_limited`."""
        with self._room:
            for attempt in range(2):
                worker = self._take()
                try:
                    answer = worker.run(target, blob, seconds)
                except _Died as died:
                    code = self._bury(worker, died)
                    if attempt == 0 and not died.sent and not died.timeout:
                        continue  # it had died before, between two documents
                    raise _explain(code, died, seconds) from None
                except BaseException:  # whatever ends the wait, a worker in the middle of a file cannot be used again
                    worker.process.kill()
                    worker.end()
                    raise
                self._give_back(worker)
                return _unpack(answer, blob)
        raise Unavailable("The reader of documents does not start")

    def _take(self) -> _Worker:
        with self._lock:
            if self._idle:
                return self._idle.pop()
            self.started += 1
        return self._starter.submit(_Worker).result()

    def _give_back(self, worker: _Worker) -> None:
        if worker.worn:
            worker.end()
            return
        with self._lock:
            self._idle.append(worker)

    @staticmethod
    def _bury(worker: _Worker, died: _Died) -> int:
        if died.timeout:
            worker.process.kill()
        return worker.end()

    def close(self) -> None:
        """End all idle children; those at work end with their document."""
        with self._lock:
            idle, self._idle = self._idle, []
        for worker in idle:
            worker.end()
        self._starter.shutdown(wait=False)


def _explain(code: int, died: _Died, seconds: float) -> DocumentProblem:
    if died.timeout or code in _SLOW:
        return DocumentProblem(
            "too_large", f"Reading the document took longer than {seconds:g} seconds", "split it into smaller documents"
        )
    if code == -signal.SIGABRT:  # what native parsers do when memory ends
        return _out_of_memory()
    return DocumentProblem(
        "broken",
        "The document made its reader crash; it is damaged or made to do harm",
        "open it in its program and save it anew",
    )


def _out_of_memory() -> DocumentProblem:
    return DocumentProblem(
        "too_large", "Reading the document needs more memory than is allowed", "split it into smaller documents"
    )


def _unpack(answer: dict[str, Any], blob: Blob) -> Any:
    if "result" in answer:
        return answer["result"]
    if "problem" in answer:
        raise DocumentProblem(*answer["problem"])
    if "memory" in answer:
        raise _out_of_memory()
    log.info(
        "document of type %s cannot be read: %s", blob.media_type or os.path.splitext(blob.name)[1], answer.get("error")
    )
    raise DocumentProblem(
        "broken", "The document cannot be read; it seems to be damaged", "open it in its program and save it anew"
    )


_pool: Sandbox | None = None
_pool_lock = threading.Lock()


def run_limited(target: str, blob: Blob, seconds: float = 60) -> Any:
    """Call `target` ("package.module:function") as `function(name, media_type, data)` in a limited child process.

    What it returns must be JSON. A DocumentProblem that it raises is raised here; any other exception and a crash
    become DocumentProblem `broken`; running out of memory (1.5 GB) or of time (`seconds`) becomes `too_large`.
    """
    global _pool
    with _pool_lock:
        if _pool is None:
            _pool = Sandbox()
        pool = _pool
    return pool.run(target, blob, seconds)


def close() -> None:
    """End the children of `run_limited`; the next call starts new ones."""
    global _pool
    with _pool_lock:
        pool, _pool = _pool, None
    if pool is not None:
        pool.close()


def _forget() -> None:
    """After a fork the children belong to the parent; sharing their pipes would mix up answers."""
    global _pool, _pool_lock
    _pool, _pool_lock = None, threading.Lock()


atexit.register(close)
os.register_at_fork(after_in_child=_forget)
