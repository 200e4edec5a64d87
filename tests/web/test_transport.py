"""TLS is demanded of browsers, and of the widget's own address; known weaknesses are asked for in each check."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from webchatagent.admin.app import create_admin
from webchatagent.web.app import create_public

ROOT = Path(__file__).resolve().parents[2]
PRODUCTION = {
    "env": "production",
    "secret_key": "s" * 40,
    "master_key": "m" * 40,
    "public_url": "https://chat.example.org",
}


@pytest.mark.seed("SR-165")
@pytest.mark.parametrize("create", [create_public, create_admin])
@pytest.mark.parametrize("path", ["/", "/healthz", "/login/", "/nothing/here"])
def test_every_answer_of_production_demands_tls(create, path, make_platform):
    client = create(make_platform(**PRODUCTION)).test_client()
    answer = client.get(path, base_url="https://chat.example.org")
    seconds = answer.headers["Strict-Transport-Security"].split(";")[0].removeprefix("max-age=")
    assert int(seconds) >= 31_536_000


@pytest.mark.seed("SR-165")
def test_development_demands_none(make_platform):
    answer = create_public(make_platform()).test_client().get("/healthz")
    assert "Strict-Transport-Security" not in answer.headers


@pytest.mark.seed("SR-165")
def test_the_widget_takes_no_address_without_tls():
    node = shutil.which("node")
    if not node:
        pytest.skip("node is not installed")
    folder = ROOT / "widget"
    done = subprocess.run([node, "--test", "test/session.test.mjs"], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@pytest.mark.seed("SR-181")
@pytest.mark.parametrize(
    ("says", "code", "expected", "line"),
    [
        ("", 0, 0, "no known weakness"),
        ("Found 1 known vulnerability in 1 package", 1, 1, "Found 1 known"),
        ("ConnectionError: no route", 1, 0, "could not ask"),
    ],
)
def test_a_weakness_fails_the_check_and_a_service_that_is_away_is_said(says, code, expected, line, tmp_path):
    program = tmp_path / ".venv" / "bin" / "pip-audit"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\necho '{says}' >&2\nexit {code}\n")
    program.chmod(0o755)
    (tmp_path / "tests").mkdir()
    shutil.copy(ROOT / "tests" / "audit.sh", tmp_path / "tests")
    done = subprocess.run(["bash", "tests/audit.sh"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == expected and line in done.stdout
