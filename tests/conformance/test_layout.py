"""The rules of the folders; see docs/adr/0001."""

from __future__ import annotations

import configparser
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = {
    "platform": "webchatagent",
    "plugins": "webchatagent.plugins",
    "admin": "webchatagent.admin",
    "widget": "webchatagent.widget",
}
CODE = sorted(p for room in (*ROOMS, "tests", "docs") for p in (ROOT / room).rglob("*.py"))
TEXTS = sorted(
    {
        *CODE,
        *ROOT.glob("*.md"),
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "plugins").rglob("*.md"),
        *(ROOT / "plugins").rglob("*.toml"),
        ROOT / "setup.cfg",
        ROOT / "pyproject.toml",
    }
)
LONGEST = 500
# Put together here, so that this file does not break its own rule.
UNFINISHED = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")
MACHINE = re.compile(r"(?<![\w.])/(ho" + r"me|Us" + r"ers|ro" + r"ot|wo" + r"rk)/\w")


def name_of(path: Path) -> str:
    """A path as a test's id."""
    return path.relative_to(ROOT).as_posix()


def run(code: str, *, folder: Path = ROOT) -> str:
    """Run Python code in a process of its own, started in a folder, and give what it prints."""
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_platform_has_no_init():
    assert not (ROOT / "platform" / "__init__.py").exists()


def test_plugins_is_a_package():
    assert (ROOT / "plugins" / "__init__.py").is_file()


def test_modules_of_the_standard_library_stay_its_own():
    said = run(
        "import platform, calendar\nprint(platform.python_version(), platform.__file__, calendar.__file__, sep='\\n')"
    )
    assert said.splitlines()[0].startswith("3.")
    assert str(ROOT / "platform") not in said and str(ROOT / "plugins") not in said


def test_every_folder_with_code_is_packaged():
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    packaged = set(setup["options"]["packages"].split())
    found = set()
    for room, package in ROOMS.items():
        for path in (ROOT / room).rglob("*.py"):
            inner = path.parent.relative_to(ROOT / room).parts
            if "node_modules" not in inner and "tests" not in inner:
                found.add(".".join((package, *inner)))
    missing = {name for name in found if name not in packaged and name != "webchatagent.admin.migrations"}
    assert not missing
    assert {p for p in packaged if p not in found} <= {"webchatagent"}


def test_nothing_is_imported_twice():
    said = run(
        "import sys, webchatagent.app, webchatagent.web.app, webchatagent.admin.app, webchatagent.cli.main\n"
        "print([n for n in sys.modules if n.split('.')[0] in ('plugins', 'admin', 'widget', 'core')])"
    )
    assert said == "[]"


@pytest.mark.parametrize("path", CODE, ids=name_of)
def test_a_file_is_small_enough_to_be_read(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST


@pytest.mark.parametrize("path", TEXTS, ids=name_of)
def test_a_file_is_finished_and_names_no_machine(path):
    text = path.read_text(encoding="utf-8")
    assert not UNFINISHED.search(text)
    assert not MACHINE.search(text)
