"""The pytest plugin for plugin authors: a platform in a temporary folder with two tenants, and what drives it.

Vectors come from words (`fakes.WordVectors`), so that a test needs no model; `scripted_model` replaces the offline one.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from flask.testing import FlaskClient

    from ..core.bots import LiveBot
    from ..core.tenants import Platform, Tenant
    from ..core.tools import Tool
    from .fakes import RemoteVectors, ScriptedModel
    from .postgres import FolderDatabases, PostgresServer


def pytest_addoption(parser: pytest.Parser) -> None:
    """Say on which database the tests run."""
    parser.addoption(
        "--database", choices=("sqlite", "postgresql"), default="sqlite", help="the database of every test's platform"
    )


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A PostgreSQL server on a free port of this machine; skips where it is not installed, fails there with CI set."""
    from .postgres import PostgresServer, missing

    if missing():
        (pytest.fail if os.environ.get("CI") else pytest.skip)(missing())
    server = PostgresServer()
    try:
        yield server.start()
    finally:
        server.stop()


@pytest.fixture(scope="session")
def _folder_databases(postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> FolderDatabases:
    from ..app import build_platform, prepare_database
    from ..core.settings import load_settings
    from .postgres import TEMPLATE, FolderDatabases

    postgres_server.execute(f"create database {TEMPLATE} owner app")
    folder = tmp_path_factory.mktemp("postgres-template")
    platform = build_platform(load_settings({}, data=str(folder), database_url=postgres_server.url(TEMPLATE)))
    prepare_database(platform)
    platform.database.close()
    return FolderDatabases(postgres_server.port)


@pytest.fixture(scope="session", autouse=True)
def _database(request: pytest.FixtureRequest) -> Iterator[FolderDatabases | None]:
    """The databases of all tests with `--database=postgresql`."""
    if request.config.getoption("--database") == "sqlite":
        yield None
        return
    databases: FolderDatabases = request.getfixturevalue("_folder_databases")
    with pytest.MonkeyPatch.context() as patch:
        databases.install(patch)
        yield databases


@pytest.fixture(autouse=True)
def _drop_databases(request: pytest.FixtureRequest, _database: FolderDatabases | None) -> Iterator[None]:
    below = request.getfixturevalue("tmp_path") if _database and "tmp_path" in request.fixturenames else None
    yield
    if _database is not None and below is not None:
        _database.drop_below(below)


@pytest.fixture
def on_postgres(
    request: pytest.FixtureRequest, tmp_path: Path, _database: FolderDatabases | None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """The platforms of this test, and of the processes that it starts, are on PostgreSQL."""
    if _database is not None:
        yield
        return
    databases: FolderDatabases = request.getfixturevalue("_folder_databases")
    databases.install(monkeypatch)
    yield
    databases.drop_below(tmp_path)


@pytest.fixture(scope="session")
def migrated_database(tmp_path_factory: pytest.TempPathFactory, _database: FolderDatabases | None) -> Path:
    """An empty database with all tables, made once and copied for each test.

    On PostgreSQL it is an empty file: a folder that has a copy of it gets a copy of the migrated database there.
    """
    from ..app import build_platform, prepare_database
    from ..core.settings import load_settings

    folder = tmp_path_factory.mktemp("template")
    file = folder / "webchatagent.sqlite"
    if _database is not None:
        file.touch()
        return file
    platform = build_platform(load_settings({}, data=str(folder)))
    prepare_database(platform)
    platform.database.close()
    return file


@pytest.fixture
def make_platform(tmp_path: Path, migrated_database: Path) -> Iterator[Callable[..., Platform]]:
    """A function that builds a platform on a folder below the test's own; settings as keyword arguments."""
    from ..app import build_platform
    from ..core.registry import Registry
    from ..core.settings import load_settings
    from .fakes import embedding_plugin

    made: list[Platform] = []

    def make(name: str = "data", **settings: str) -> Platform:
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        if not (folder / "webchatagent.sqlite").exists():
            shutil.copy(migrated_database, folder / "webchatagent.sqlite")
        platform = build_platform(load_settings({}, data=str(folder), **settings))
        known = platform.registry
        plugins = {n: (m, known.module(n)) for n, m in known.manifests.items()}
        plugins["embeddings_local"] = (known.manifests["embeddings_local"], embedding_plugin())
        platform.registry = Registry(plugins, known._always, known.broken)
        made.append(platform)
        return platform

    yield make
    for platform in made:
        platform.database.close()
        platform.chunks.close()


@pytest.fixture
def platform(make_platform: Callable[..., Platform]) -> Platform:
    """A platform with the built-in plugins, without limits."""
    return make_platform(rate_limits="off")


@pytest.fixture
def acme(platform: Platform) -> Tenant:
    """The first tenant."""
    from ..core.tenants import create_tenant

    return create_tenant(platform, "acme", "Acme")


@pytest.fixture
def globex(platform: Platform) -> Tenant:
    """The second tenant, who must never see anything of the first."""
    from ..core.tenants import create_tenant

    return create_tenant(platform, "globex", "Globex", "de")


@pytest.fixture
def bot(acme: Tenant) -> LiveBot:
    """A bot of the first tenant."""
    from ..core.bots import create_bot

    return create_bot(acme, "bot", "Acme Help")


@pytest.fixture
def foreign_bot(globex: Tenant) -> LiveBot:
    """A bot of the second tenant."""
    from ..core.bots import create_bot

    return create_bot(globex, "bot", "Globex Hilfe")


@pytest.fixture
def run_jobs(platform: Platform) -> Callable[[], None]:
    """A function that runs every job that is due."""
    from ..jobs.worker import Worker

    def run() -> None:
        worker = Worker(platform)
        while worker.run_due():
            pass

    return run


@pytest.fixture
def add_texts(run_jobs: Callable[[], None]) -> Callable[..., int]:
    """A function `(bot, {external id: text})` that makes texts searchable; returns the source's id."""
    from ..core.documents import FoundDocument
    from ..core.sources import ensure_source, take_findings

    def add(bot: LiveBot, texts: dict[str, str], target: str = "texts") -> int:
        source_id = ensure_source(bot.tenant, bot.id, "file", target)
        take_findings(
            bot.tenant, source_id, [FoundDocument(name, title=name, text=text) for name, text in texts.items()]
        )
        run_jobs()
        return source_id

    return add


@pytest.fixture
def scripted_model(platform: Platform) -> ScriptedModel:
    """The chat model of every tenant, saying what the test enqueues."""
    from ..core.registry import Registry
    from .fakes import ScriptedModel, chat_plugin

    model = ScriptedModel()
    known = platform.registry
    plugins = {n: (m, known.module(n)) for n, m in known.manifests.items()}
    plugins["offline"] = (known.manifests["offline"], chat_plugin(model))
    platform.registry = Registry(plugins, known._always)
    return model


@pytest.fixture
def remote_vectors(platform: Platform) -> RemoteVectors:
    """A second embedding model of every tenant, remote; the first one answers until another is chosen."""
    from ..core.registry import Registry
    from .fakes import RemoteVectors, WordVectors, embedding_plugin

    model = RemoteVectors()
    known = platform.registry
    plugins = {n: (m, known.module(n)) for n, m in known.manifests.items()}
    plugins["embeddings_local"] = (known.manifests["embeddings_local"], embedding_plugin(WordVectors(), model))
    platform.registry = Registry(plugins, known._always)
    return model


@pytest.fixture
def tools(platform: Platform) -> dict[str, list[Tool]]:
    """Tools by the slug of the tenant, offered by a plugin `tester` that is on for every tenant read from now on."""
    from ..core.manifest import Manifest
    from ..core.registry import Registry
    from .fakes import tool_plugin

    offered: dict[str, list[Tool]] = {}
    known = platform.registry
    plugins = {n: (m, known.module(n)) for n, m in known.manifests.items()}
    manifest = Manifest(
        id="tester", name="Tester", summary="Tools of a test.", category="source", switched_by="operator", default=True
    )
    platform.registry = Registry({**plugins, "tester": (manifest, tool_plugin(offered))}, known._always)
    return offered


@pytest.fixture
def client(platform: Platform) -> FlaskClient:
    """A test client of the public app."""
    from ..web.app import create_public

    return create_public(platform).test_client(use_cookies=True)
