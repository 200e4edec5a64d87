"""Names of processes that tell whether they still live, as far as this machine can know."""

from __future__ import annotations

import os
import socket
from pathlib import Path

_names: dict[int, str] = {}


def process_name() -> str:
    """`host:pid:start` of this process; the start time tells a pid that was given out again. At most 43 characters."""
    pid = os.getpid()
    if pid not in _names:  # a forked process has a name of its own
        _names.clear()
        _names[pid] = f"{socket.gethostname()[:24]}:{pid}:{_started(pid)}"
    return _names[pid]


def _started(pid: int) -> str:
    """The kernel's start time of a process, or `0` where the kernel does not tell."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    except (OSError, IndexError):
        return "0"
    return "0" if fields[0] == "Z" else fields[19]  # one that ended and was not buried yet is dead


def is_dead(name: str) -> bool:
    """Whether a process of this machine is gone for certain; False for other machines and wherever in doubt."""
    host, pid, started, *_ = (*name.split(":"), "", "", "")
    if host != socket.gethostname()[:24] or not pid.isdigit() or not Path("/proc/self/stat").exists():
        return False
    return _started(int(pid)) != started
