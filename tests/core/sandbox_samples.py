"""Functions that misbehave in a sandbox, each in its own way."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from typing import Any

from webchatagent.core.errors import DocumentProblem


def echo(name: str, media_type: str, data: bytes) -> dict[str, Any]:
    return {"name": name, "media_type": media_type, "size": len(data), "pid": os.getpid()}


def encrypted(name: str, media_type: str, data: bytes) -> None:
    raise DocumentProblem("encrypted", "It has a password", "take it away")


def bug(name: str, media_type: str, data: bytes) -> None:
    raise ValueError("secret content")


def hang(name: str, media_type: str, data: bytes) -> None:
    time.sleep(60)


def burn(name: str, media_type: str, data: bytes) -> None:
    while True:
        pass


def eat(name: str, media_type: str, data: bytes) -> int:
    return len([bytearray(10_000_000) for _ in range(1000)])


def crash(name: str, media_type: str, data: bytes) -> None:
    os.abort()


def segfault(name: str, media_type: str, data: bytes) -> None:
    signal.raise_signal(signal.SIGSEGV)


def leave(name: str, media_type: str, data: bytes) -> None:
    os._exit(3)


def call_out(name: str, media_type: str, data: bytes) -> str:
    try:
        socket.create_connection(("127.0.0.1", int(data)))
    except PermissionError as error:
        return str(error)
    return "connected"


def start(name: str, media_type: str, data: bytes) -> str:
    try:
        subprocess.run(["true"], check=False)
    except PermissionError as error:
        return str(error)
    return "started"


def write(name: str, media_type: str, data: bytes) -> str:
    try:
        with open(data.decode(), "w") as file:
            file.write("x")
    except PermissionError as error:
        return str(error)
    return "written"


def talk(name: str, media_type: str, data: bytes) -> str:
    print("noise " * 1000)
    os.system  # noqa: B018
    return "said"


def grow(name: str, media_type: str, data: bytes) -> int:
    global kept
    kept = b"x" * 450_000_000
    return os.getpid()


def environment(name: str, media_type: str, data: bytes) -> list[str]:
    return sorted(os.environ)


def not_json(name: str, media_type: str, data: bytes) -> bytes:
    return b"bytes"
