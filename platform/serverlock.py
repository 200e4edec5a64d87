"""One embedded server per data folder: a lock file that the kernel releases with the process."""

from __future__ import annotations

import fcntl
import os
from typing import IO

from .core.errors import WebChatAgentError
from .core.settings import Settings


def _open(settings: Settings) -> IO[str]:
    return open(settings.folder / "server.lock", "a+", encoding="ascii")


def lock_server(settings: Settings) -> IO[str]:
    """Take the lock for this process's life. Raises WebChatAgentError when another server has it."""
    file = _open(settings)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        other = file.read().strip() or "?"
        file.close()
        raise WebChatAgentError(
            f"Another server (process {other}) uses {settings.folder}.",
            "stop it, or choose another folder with --data",
            code="folder_in_use",
        ) from None
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file


def server_is_running(settings: Settings) -> bool:
    """Whether a server uses the data folder now."""
    if not (settings.folder / "server.lock").exists():
        return False
    with _open(settings) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False
