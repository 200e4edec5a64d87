"""Builds the node once into the user's cache folder, and starts it on a free port of this machine."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
VERSION = "9.2.2"
START_SECONDS = 90.0
_FLAGS = (
    "-Xms256m -Xmx768m -XX:+UseSerialGC --add-modules jdk.incubator.vector --enable-native-access=ALL-UNNAMED "
    "--add-opens java.base/java.io=ALL-UNNAMED --add-opens java.base/java.nio=ALL-UNNAMED "
    "-Dlog4j2.disable.jmx=true -Des.set.netty.runtime.available.processors=false -Dio.netty.noUnsafe=true"
).split()


class Absent(Exception):
    """What the node needs is not on this machine."""


@dataclass(frozen=True)
class Node:
    """A running node, the process it is, and where it keeps its data."""

    url: str
    pid: int
    data: Path


def java_home() -> Path:
    """The newest JDK of 21 or later. Raises Absent."""
    places = [Path(os.environ.get("JAVA_HOME", "/nowhere")), *Path("/usr/lib/jvm").glob("*")]
    java = shutil.which("java")
    if java:
        places.append(Path(java).resolve().parents[1])
    found = [(version, place) for place in places if (version := _release(place)) >= 21]
    if not found:
        raise Absent("no JDK 21 or later")
    return max(found)[1]


def _release(home: Path) -> int:
    if not (home / "bin" / "javac").exists():
        return 0
    said = subprocess.run([home / "bin" / "java", "-version"], capture_output=True, text=True, check=False).stderr
    match = re.search(r'version "(\d+)', said)
    return int(match[1]) if match else 0


def build() -> tuple[Path, Path]:
    """The JDK and the folder with the built node; made once for each state of the sources. Raises Absent."""
    home = java_home()
    sources = [HERE / "pom.xml", *sorted((HERE / "src").rglob("*.java"))]
    state = hashlib.sha256(b"".join(p.read_bytes() for p in sources) + str(_release(home)).encode()).hexdigest()[:12]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "webchatagent" / "elastic-node"
    built = cache / f"{VERSION}-{state}"
    cache.mkdir(parents=True, exist_ok=True)
    with locked(cache / "lock"):
        if not (built / "done").exists():
            if not shutil.which("mvn"):
                raise Absent("no Maven")
            shutil.rmtree(built, ignore_errors=True)
            shutil.copytree(HERE, built, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
            run = subprocess.run(
                ["mvn", "-B", "-q", f"-Des.version={VERSION}", "package"],
                cwd=built,
                env={**os.environ, "JAVA_HOME": str(home)},
                capture_output=True,
                text=True,
                check=False,
            )
            if run.returncode:
                raise Absent(f"Maven could not build the node: {(run.stdout + run.stderr)[-400:]}")
            (built / "done").touch()
    return home, built


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """A lock between processes."""
    with open(path, "w", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def start(folder: Path, port: int = 0) -> Node:
    """Start a node that keeps its data in a folder and lives no longer than this process. Raises Absent."""
    home, built = build()
    place = Path(tempfile.mkdtemp(dir=folder))
    shutil.copytree(built / "target" / "home", place / "home")  # a node writes to it
    users = folder / "users"
    join(folder)
    log = place / "log"
    with open(log, "wb") as out:
        process = subprocess.Popen(
            [
                *(str(home / "bin" / "java"), *_FLAGS, "-cp", f"{built}/target/classes:{built}/target/lib/*"),
                *(
                    "webchatagent.testnode.OneNode",
                    str(place / "home"),
                    str(folder / "data"),
                    str(users),
                    VERSION,
                    str(port),
                ),
            ],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        match = re.search(rb"^READY (\d+)", log.read_bytes(), re.M)
        if match:
            return Node(f"http://127.0.0.1:{int(match[1])}", process.pid, folder / "data")
        if process.poll() is not None:
            break
        time.sleep(0.1)
    process.kill()
    raise RuntimeError(f"the node did not start: {log.read_bytes()[-1000:].decode(errors='replace')}")


def join(folder: Path) -> None:
    """Say that this process uses the nodes of a folder."""
    (folder / "users").mkdir(parents=True, exist_ok=True)
    (folder / "users" / str(os.getpid())).touch()


def shared(folder: Path) -> Node:
    """The one node of a folder for several processes: the first one starts it. Raises Absent."""
    folder.mkdir(parents=True, exist_ok=True)
    note = folder / "node"
    with locked(folder / "lock"):
        join(folder)
        if not note.exists():
            node = start(folder)
            note.write_text(f"{node.url} {node.pid}", encoding="ascii")
        url, pid = note.read_text(encoding="ascii").split()
    return Node(url, int(pid), folder / "data")
