"""What the tests of the command line share: a data folder, two tenants, and functions that run a command."""

from __future__ import annotations

import json
import os
import re
import shutil

import pytest
from click.testing import CliRunner

from webchatagent.cli.main import main
from webchatagent.core import egress, sandbox
from webchatagent.plugins.embeddings_local import model as local_model

LINES = [
    {"id": "opening", "title": "Opening", "text": "The swimming pool opens at nine in the morning."},
    {"id": "returns", "title": "Returns", "text": "Goods can be returned within thirty days with the receipt."},
]


@pytest.fixture(autouse=True)
def by_words_only(monkeypatch):
    """No embedding model, and what commands do to the process is undone."""
    monkeypatch.setitem(local_model._state, "model", None)
    monkeypatch.setitem(
        local_model._state, "health", local_model.Health("degraded", "Search works by words only.", "install it")
    )
    for name in [n for n in os.environ if n.startswith("WEBCHATAGENT_")]:
        monkeypatch.delenv(name)
    yield
    egress.reset()


@pytest.fixture(scope="module", autouse=True)
def children_end():
    yield
    sandbox.close()


@pytest.fixture
def data(tmp_path, migrated_database):
    folder = tmp_path / "data"
    folder.mkdir()
    shutil.copy(migrated_database, folder / "webchatagent.sqlite")
    return folder


@pytest.fixture
def cli(data):
    """A function that runs one command on the test's data folder."""

    def run(*arguments, input=None):
        return CliRunner().invoke(main, [*map(str, arguments), "--data", str(data)], input=input)

    return run


@pytest.fixture
def ok(cli):
    """As `cli`, for a command that must work; gives what it printed."""

    def run(*arguments, input=None):
        result = cli(*arguments, input=input)
        assert result.exit_code == 0, (result.output, result.stderr, result.exception)
        return json.loads(result.stdout) if "--json" in arguments else result.stdout

    return run


@pytest.fixture
def refused(cli):
    """As `cli`, for a command that must be refused with one line that says how to repair it."""

    def run(*arguments, input=None):
        result = cli(*arguments, input=input)
        assert result.exit_code == 1, (result.output, result.exception)
        assert re.fullmatch(r"error: .+ \(.+\)\n", result.stderr), result.stderr
        return result.stderr

    return run


@pytest.fixture
def two(ok):
    """Two tenants with a bot each."""
    for slug in ("acme", "globex"):
        ok("tenant", "create", slug, "--name", slug.title())
        ok("bot", "create", slug, "bot", "--name", "Bot")


@pytest.fixture
def lines(tmp_path):
    path = tmp_path / "faq.jsonl"
    path.write_text("\n".join(json.dumps(line) for line in LINES))
    return path
