"""A PostgreSQL server of the tests' own, on a free port of this machine, and a database in it for each data folder."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.settings import Settings
from .processes import free_port

if TYPE_CHECKING:
    import pytest

VARIABLE = "POSTGRES_OF_TESTS"
"""Where processes that a test starts find the server of the test."""
FAST = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c shared_buffers=64MB -c max_connections=200"
TEMPLATE = "migrated"
HOOK = "import webchatagent.testing.postgres as p\np.follow()\n"


def programs() -> Path | None:
    """The folder of the server's programs, or None where PostgreSQL is not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda p: int(p.parts[-3]))
    on_path = shutil.which("postgres")
    return found[-1].parent if found else Path(on_path).parent if on_path else None


class PostgresServer:
    """A server with an ordinary role `app` that owns what it makes. Started by `start`, ended by `stop`."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="postgres-"))
        self._bin = programs()
        self._process: subprocess.Popen[bytes] | None = None
        self._own: dict[str, Any] = {}
        if os.geteuid() == 0:  # the server refuses to run as root
            self._own = {"user": "postgres", "group": "postgres", "extra_groups": []}
            shutil.chown(self._folder, "postgres", "postgres")
        self.port = free_port()

    def start(self) -> PostgresServer:
        """Make the cluster and start the server; returns when it answers."""
        assert self._bin is not None
        data = self._folder / "data"
        made = subprocess.run(  # noqa: S603 (the server's own program)
            [self._bin / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N"],
            capture_output=True,
            cwd=self._folder,
            **self._own,
        )
        if made.returncode:
            raise RuntimeError(made.stderr.decode())
        self.run()
        self.execute("create role app login", "create database empty owner app")
        return self

    def run(self) -> None:
        """Start the server on its cluster, also again after `kill` or `stop_server`."""
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -k {self._folder} {FAST}".split()
        assert self._bin is not None
        with open(self._folder / "log", "ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 (the server's own program)
                [self._bin / "postgres", "-D", self._folder / "data", *options],
                stdout=log,
                stderr=log,
                cwd=self._folder,
                **self._own,
            )
        self._wait()

    def _wait(self) -> None:
        import psycopg

        assert self._process is not None
        for _ in range(600):
            try:
                psycopg.connect(self.admin(), connect_timeout=1).close()
                return
            except psycopg.OperationalError:
                try:
                    self._process.wait(0.05)
                except subprocess.TimeoutExpired:
                    continue
                break
        raise RuntimeError((self._folder / "log").read_text(errors="replace"))

    def end_server(self, how: int = signal.SIGINT) -> None:
        """End the server: SIGINT cuts every connection in order, SIGQUIT at once and with recovery at the next start."""
        assert self._process is not None
        self._process.send_signal(how)
        self._process.wait(30)

    def stop(self) -> None:
        """End the server and delete its cluster."""
        if self._process is not None and self._process.poll() is None:
            self.end_server()
        shutil.rmtree(self._folder, ignore_errors=True)

    def admin(self, database: str = "postgres") -> str:
        """The address for the superuser."""
        return f"host=127.0.0.1 port={self.port} user=postgres dbname={database}"

    def url(self, database: str, role: str = "app") -> str:
        """The address of a database for the platform."""
        return f"postgresql+psycopg://{role}@127.0.0.1:{self.port}/{database}"

    def execute(self, *statements: str, database: str = "postgres") -> list[Any]:
        """Run statements as the superuser, each in a transaction of its own; returns the rows of the last."""
        return execute(self.admin(database), *statements)


def execute(address: str, *statements: str) -> list[Any]:
    """Run statements at an address of libpq, each in a transaction of its own; returns the rows of the last."""
    import psycopg

    with psycopg.connect(address, autocommit=True) as connection:
        for statement in statements:
            found = connection.execute(statement.encode())
        return found.fetchall() if found.description else []


class FolderDatabases:
    """A database for each data folder that names none: empty, or a copy of the migrated one, as the folder would be."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._known: dict[Path, str] = {}

    def url(self, folder: Path) -> str:
        """The address of a folder's database, which is made when it is missing."""
        if folder not in self._known:
            self._known[folder] = self._make(folder)
        return f"postgresql+psycopg://app@127.0.0.1:{self._port}/{self._known[folder]}"

    def _make(self, folder: Path) -> str:
        import psycopg

        name = "t" + hashlib.sha256(str(folder).encode()).hexdigest()[:24]
        template = TEMPLATE if (folder / "webchatagent.sqlite").exists() else "empty"
        with psycopg.connect(self._admin, autocommit=True) as connection:
            if not connection.execute("select 1 from pg_database where datname = %s", [name]).fetchone():
                with contextlib.suppress(psycopg.errors.DuplicateDatabase):  # another process was faster
                    connection.execute(f"create database {name} owner app template {template}".encode())
        return name

    @property
    def _admin(self) -> str:
        return f"host=127.0.0.1 port={self._port} user=postgres dbname=postgres"

    def drop_below(self, folder: Path) -> None:
        """Drop the databases of folders below one."""
        for known in [k for k in self._known if k.is_relative_to(folder)]:
            execute(self._admin, f"drop database if exists {self._known.pop(known)} with (force)")

    def install(self, patch: pytest.MonkeyPatch) -> None:
        """From here on, settings that name no database mean a folder's own here: in this process and what it starts."""
        hook = Path(tempfile.mkdtemp(prefix="postgres-hook-"))
        (hook / "sitecustomize.py").write_text(HOOK)
        patch.setenv(VARIABLE, json.dumps({"port": self._port, "hook": str(hook / "sitecustomize.py")}))
        patch.setenv("PYTHONPATH", os.pathsep.join([str(hook), *filter(None, [os.environ.get("PYTHONPATH")])]))
        patch.setattr(Settings, "database_url", property(self._of_settings))

    def _of_settings(self, settings: Settings) -> str:
        return settings._values["DATABASE_URL"] or self.url(settings.folder)


def follow() -> None:
    """In a process that a test started: use the databases of the test's server."""
    known = os.environ.get(VARIABLE)
    if known:
        databases = FolderDatabases(json.loads(known)["port"])
        Settings.database_url = property(databases._of_settings)  # type: ignore[assignment]


def missing() -> str:
    """What a test says that needs PostgreSQL where it is not installed; empty where it is."""
    if programs() is not None and importlib.util.find_spec("psycopg") is not None:
        return ""
    return "PostgreSQL or psycopg is not installed"
