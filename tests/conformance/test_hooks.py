"""Every hook is well formed, documented with its exact signature, tested and used."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from webchatagent.core import hookspecs, own_hooks
from webchatagent.core.registry import SPECS

ROOT = Path(__file__).resolve().parents[2]
HOOKS = sorted(SPECS)
PAGE = (ROOT / "docs" / "hooks.md").read_text(encoding="utf-8")


def signature(name: str) -> str:
    """A hook's signature as its heading spells it."""
    found = inspect.signature(getattr(hookspecs, name))
    arguments = ", ".join(f"{a.name}: {a.annotation}" for a in found.parameters.values())
    return f"{name}({arguments}) -> {found.return_annotation}"


def section(name: str) -> str:
    """The section of a hook on the page."""
    parts = PAGE.split(f"\n## {signature(name)}\n")
    assert len(parts) == 2, f"docs/hooks.md lacks `## {signature(name)}`"
    return parts[1].split("\n## ")[0]


def implementers(name: str) -> set[str]:
    """Who implements a hook: plugin ids, and `core`."""
    found = {"core"} if hasattr(own_hooks, name) else set()
    for path in (ROOT / "plugins").glob("*/__init__.py"):
        if re.search(rf"^@hookimpl\ndef {name}\(", path.read_text(encoding="utf-8"), re.M):
            found.add(path.parent.name)
    return found


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_is_well_formed(name):
    function, spec = getattr(hookspecs, name), SPECS[name]
    found = inspect.signature(function)
    arguments = list(found.parameters.values())
    assert inspect.getdoc(function), "a hook says what it is for"
    assert all(a.annotation is not a.empty and a.default is a.empty for a in arguments)
    assert (spec.scope == "platform") == (not arguments or arguments[0].name != "tenant")
    if spec.kind == "notify":
        assert found.return_annotation == "None"
    if spec.kind == "collect":
        assert found.return_annotation.startswith("list[")
    if spec.fold:
        assert found.parameters[spec.fold].annotation == found.return_annotation


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_is_documented(name):
    text, spec = section(name), SPECS[name]
    assert f"- Kind and scope: {spec.kind}, {spec.scope}." in text
    assert "- Return: " in text and "- Failure: " in text
    for argument in inspect.signature(getattr(hookspecs, name)).parameters:
        assert argument in ("tenant", "subject") or f"- `{argument}`: " in text


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_is_used_by_those_that_the_page_names(name):
    match = re.search(r"- Implemented by: (.+)\.", section(name))
    assert match
    named = {n.strip("` ") for n in match[1].split(",")}
    assert named == implementers(name) and named


def test_the_page_documents_no_hook_that_is_gone():
    headed = set(re.findall(r"^## (\w+)\(", PAGE, re.M))
    assert headed == set(HOOKS)


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_has_a_test(name):
    pattern = re.compile(rf"def test_hook_{name}(\(|_)")
    assert any(pattern.search(p.read_text(encoding="utf-8")) for p in (ROOT / "tests").rglob("test_*.py"))
