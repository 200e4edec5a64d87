"""The containers: every part is there, has a look at itself, and gets only settings that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from webchatagent.cli.main import COMMANDS
from webchatagent.core.settings import PREFIX, SETTINGS

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "compose.yaml").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def services():
    yaml = pytest.importorskip("yaml")
    return yaml.safe_load(TEXT)["services"]


def test_every_part_is_there_and_looks_at_itself(services):
    assert set(services) == {"front", "migrate", "web", "admin", "worker", "postgres", "redis", "elasticsearch"}
    assert {name for name, s in services.items() if "healthcheck" not in s} == {"migrate"}


def test_only_the_front_is_open_to_the_world_and_it_says_hsts(services):
    assert [name for name, s in services.items() if "ports" in s] == ["front"]
    assert "Strict-Transport-Security" in (ROOT / "deploy" / "Caddyfile").read_text(encoding="utf-8")


def test_commands_and_settings_exist_and_what_they_wait_for_too(services):
    known = {PREFIX + s.name for s in SETTINGS}
    for name in ("migrate", "web", "admin", "worker"):
        assert services[name]["command"][0] in COMMANDS
        assert set(services[name]["environment"]) <= known
        assert set(services[name]["depends_on"]) <= set(services)


def test_every_variable_is_in_the_example(services):
    wanted = set(re.findall(r"\$\{([A-Z_]+):\?", TEXT))
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    assert wanted <= {line.partition("=")[0] for line in example.splitlines()}


def test_the_role_of_the_database_is_an_ordinary_one():
    script = (ROOT / "deploy" / "postgres.sh").read_text(encoding="utf-8")
    assert "nosuperuser nobypassrls" in script
