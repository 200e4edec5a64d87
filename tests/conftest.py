"""What all tests share: the data to measure with, where it is present, and the table of promises."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .figures import Figures, printed

if TYPE_CHECKING:
    from webchatagent.testing.redis import RedisServer

    from .elastic_node.running import Node
    from .identity.running import IdentityProvider

ROOT = Path(__file__).resolve().parents[1]


def pytest_configure(config: pytest.Config) -> None:
    """Write `reports/promises.md` at the end of the run."""
    from webchatagent.testing.promises import Promises

    config.pluginmanager.register(Promises(ROOT / "reports" / "promises.md"))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print what tests measured."""
    passed, failed = (terminalreporter.stats.get(kind, []) for kind in ("passed", "failed"))
    lines = printed(report for report in (*passed, *failed) if report.when == "call")
    if lines:
        terminalreporter.section("figures")
        terminalreporter.write_line("\n".join(lines))


@pytest.fixture
def figures(record_property: Any) -> Figures:
    """What a test measures, for the table at the end of the run."""
    return Figures(record_property)


@pytest.fixture(scope="session")
def evaldata() -> Path:
    """The folder of real files, pages and questions beside the repository; skips where it is absent."""
    folder = ROOT.parent / "shared" / "evaldata"
    if not folder.is_dir():
        pytest.skip("the evaluation data is not beside this repository")
    return folder


@pytest.fixture(scope="session")
def specs() -> Path:
    """The folder of vendors' specifications beside the repository; skips where it is absent."""
    folder = ROOT.parent / "shared" / "specs"
    if not folder.is_dir():
        pytest.skip("the vendors' specifications are not beside this repository")
    return folder


@pytest.fixture(scope="session")
def elastic_node(tmp_path_factory: pytest.TempPathFactory) -> Node:
    """One real Elasticsearch node for the whole run, also of several processes; skips where it cannot be built."""
    from .elastic_node import opened, running

    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "elastic"
    try:
        node = running.shared(folder)
    except running.Absent as missing:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"Elasticsearch cannot be started: {missing}")
    os.environ[opened.URL], os.environ[opened.DATA] = node.url, str(node.data)
    return node


@pytest.fixture(scope="module")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A Redis server of the module's own; skips where it is not installed."""
    from webchatagent.testing.redis import RedisServer, is_installed

    if not is_installed():
        reason = "redis-server is not installed (apt-get install redis-server)"
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    try:
        yield server.start()
    finally:
        server.stop()


@pytest.fixture(scope="session")
def provider_process() -> Iterator[IdentityProvider]:
    """A real OpenID Connect provider on a free port of this machine."""
    from .identity.running import running

    with running() as provider:
        yield provider


@pytest.fixture
def identity_provider(provider_process: IdentityProvider, monkeypatch: pytest.MonkeyPatch) -> IdentityProvider:
    """The provider, as a private host that may be called."""
    monkeypatch.setenv("WEBCHATAGENT_PRIVATE_HOSTS", provider_process.host)
    return provider_process
