"""The child process of `sandbox`: reads documents from standard input, answers in JSON, under limits it cannot lift.

Kept light on purpose: what it imports is imported again whenever a child is replaced.
"""

from __future__ import annotations

import importlib
import json
import math
import os
import resource
import signal
import struct
import sys
import traceback
from typing import Any

from .errors import DocumentProblem

HEAD = struct.Struct(">IQ")
REPLY = struct.Struct(">Q")
FILE_LIMIT = 4_000_000
_PR_SET_PDEATHSIG = 1
_FORBIDDEN = (
    "socket.",
    "subprocess.",
    "os.exec",
    "os.fork",
    "os.posix_spawn",
    "os.spawn",
    "os.system",
    "pty.",
    "ctypes.",
    "shutil.",
    "os.remove",
    "os.rename",
    "os.rmdir",
    "os.mkdir",
    "os.kill",
    "os.link",
    "os.symlink",
)
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_TRUNC


def _die_with(parent: int) -> None:
    """Linux ends this process when its parent ends; elsewhere the end of standard input does, between documents."""
    try:
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    except (ImportError, OSError, AttributeError):
        return
    if os.getppid() != parent:
        os._exit(0)


def _limit(memory: int) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_LIMIT, FILE_LIMIT))
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))


def _audit(event: str, args: tuple[Any, ...]) -> None:
    if event == "open":
        if isinstance(args[2], int) and args[2] & _WRITES:
            raise PermissionError("a document's reader may not write")
    elif event.startswith(_FORBIDDEN):
        raise PermissionError(f"a document's reader may not use {event}")


def _bound_time(seconds: float) -> None:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    soft = math.ceil(usage.ru_utime + usage.ru_stime + seconds)
    resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.getrlimit(resource.RLIMIT_CPU)[1]))
    # Also when the parent is gone and nobody waits: the kernel ends it, whatever C code is doing.
    signal.setitimer(signal.ITIMER_REAL, seconds + 1)


def _rss_mb() -> int:
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[1]) * resource.getpagesize() >> 20
    except OSError:
        return 0


def _where(error: BaseException) -> str:
    """The kind of error and where it was raised; never its text, which may quote the document."""
    frames = traceback.extract_tb(error.__traceback__)
    last = f" at {os.path.basename(frames[-1].filename)}:{frames[-1].lineno}" if frames else ""
    return type(error).__name__ + last


def answer(header: dict[str, Any], data: bytes) -> dict[str, Any]:
    """Run the function that the header names; the answer to send."""
    try:
        module, _, name = header["target"].partition(":")
        function = getattr(importlib.import_module(module), name)
        return {"result": function(header["name"], header["media_type"], data)}
    except DocumentProblem as problem:
        return {"problem": [problem.state, problem.message, problem.cure]}
    except MemoryError:
        return {"memory": True}
    except Exception as error:
        return {"error": _where(error)}


def main() -> None:
    """Serve documents until standard input ends."""
    memory, parent = int(sys.argv[1]), int(sys.argv[2])
    _die_with(parent)
    source = os.fdopen(0, "rb", closefd=False)
    sink = os.dup(1)
    os.dup2(2, 1)  # what a parser prints must not end up among the answers
    _limit(memory)
    sys.addaudithook(_audit)
    while len(head := source.read(HEAD.size)) == HEAD.size:
        header_length, data_length = HEAD.unpack(head)
        header = json.loads(source.read(header_length))
        data = source.read(data_length)
        _bound_time(header["seconds"])
        reply = answer(header, data)
        del data
        signal.setitimer(signal.ITIMER_REAL, 0)
        reply["rss_mb"] = _rss_mb()
        try:
            body = json.dumps(reply).encode()
        except (TypeError, ValueError, MemoryError) as error:
            body = json.dumps({"error": _where(error)}).encode()
        view = memoryview(REPLY.pack(len(body)) + body)
        while view:
            view = view[os.write(sink, view) :]


if __name__ == "__main__":
    main()
