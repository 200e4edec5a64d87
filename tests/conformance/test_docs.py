"""The docs say what is true: generated pages are fresh, commands exist, links resolve, the example plugin works."""

from __future__ import annotations

import asyncio
import gettext
import importlib.util
import re
import shlex
import sys
from pathlib import Path

import click
import pytest

from webchatagent.cli.main import main as command_line

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(
    [*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *(ROOT / "plugins").rglob("README.md"), ROOT / "widget" / "README.md"]
)
DECISIONS = sorted((DOCS / "adr").glob("0*.md"))
QUICK_STARTS = [DOCS / "quick-start.md", DOCS / "de" / "schnellstart.md", DOCS / "hi" / "quick-start.md"]
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"```\w*\n(.*?)```|`([^`\n]+)`", re.S)
PLACES = r"BOT-ID|ACTION-ID|TENANT|PLUGIN|loader\.js"
"""What stands for a part of an address on the page of the API."""
FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.S | re.M)


def name_of(value: object) -> str:
    """A path as a test's id; other values as they are."""
    return value.relative_to(ROOT).as_posix() if isinstance(value, Path) else str(value)


def commands(path: Path, first: str) -> list[str]:
    """The commands in a page's code that begin with a word, one a line."""
    found = []
    for block, inline in CODE.findall(path.read_text(encoding="utf-8")):
        for line in (block or inline).splitlines():
            if re.match(rf"{first}( (?!=)|$)", line.strip()):
                found.append(line.strip())
    return found


def generator():
    """The script that makes the generated pages."""
    spec = importlib.util.spec_from_file_location("generate_docs", DOCS / "generate.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", ["settings.md", "command-line.md", "api.md"])
def test_a_generated_page_is_fresh(page):
    assert (DOCS / page).read_text(encoding="utf-8") == generator().PAGES[page](), "run `make docs`"


def resolve(words: list[str]) -> tuple[click.Command, list[str]]:
    """The click command that words name, and the words after it."""
    command: click.Command = command_line
    rest = words[1:]
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        found = command.get_command(click.Context(command), rest[0])
        assert found is not None, f"there is no command {' '.join(words)}"
        command, rest = found, rest[1:]
    return command, rest


COMMANDS = [(page, line) for page in PAGES for line in commands(page, "webchatagent")]


def test_the_docs_name_commands():
    assert len(COMMANDS) > 50
    assert any(page == DOCS / "quick-start.md" for page, _ in COMMANDS)


@pytest.mark.parametrize(("page", "line"), COMMANDS, ids=name_of)
def test_a_command_of_the_docs_exists_with_its_options(page, line):
    words = shlex.split(line)
    command, rest = resolve(words)
    known = {name for p in command.params for name in p.opts}
    if page.name == "command-line.md" or not rest:
        return  # a usage line, or the name of a command
    assert not isinstance(command, click.Group), f"{line} names a group"
    for word in rest:
        assert not word.startswith("-") or word.split("=")[0] in known or word == "-", f"{line}: {word}"
    placeholders = [w for w in rest if w.isupper() or w.startswith("KEY=")]
    if not placeholders:  # complete enough to be parsed as it stands
        command.make_context(command.name, rest)


@pytest.mark.parametrize("path", [p for p, _ in generator().commands()])
def test_every_command_has_its_section_and_says_what_its_options_do(path):
    assert f"\n## {path}\n" in (DOCS / "command-line.md").read_text(encoding="utf-8")
    command, _ = resolve(path.split())
    assert command.help
    assert all(p.help for p in command.params if isinstance(p, click.Option))


def test_every_make_target_of_the_docs_exists():
    makefile = ROOT / "Makefile"
    if not makefile.exists():
        pytest.skip("there is no Makefile yet")
    targets = set(re.findall(r"^([a-z]+):", makefile.read_text(encoding="utf-8"), re.M))
    named = {
        line.split()[1]
        for page in PAGES
        for line in commands(page, "make")
        if len(line.split()) > 1 and "=" not in line.split()[1]
    }
    assert {"demo", "test", "docs", "check"} <= named <= targets


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings."""
    heads = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in heads}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_resolve(page):
    for link in LINK.findall(FENCED.sub("", page.read_text(encoding="utf-8"))):
        if link.startswith(("http://", "https://", "mailto:")):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_every_page_can_be_reached_from_the_readme():
    seen, todo = set(), [ROOT / "README.md"]
    while todo:
        page = todo.pop()
        if page in seen or page.suffix != ".md":
            continue
        seen.add(page)
        for link in LINK.findall(page.read_text(encoding="utf-8")):
            target = (page.parent / link.partition("#")[0]).resolve()
            if target.suffix == ".md" and target.exists():
                todo.append(target)
    assert set(DOCS.rglob("*.md")) <= seen


@pytest.mark.parametrize("page", DECISIONS, ids=name_of)
def test_a_decision_is_short_and_says_what_would_reopen_it(page):
    lines = page.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 40
    assert re.fullmatch(r"# \d{4} .+", lines[0]) and lines[0][2:6] == page.name[:4]
    heads = [line for line in lines if line.startswith("## ")]
    assert heads == ["## Context", "## Decision", "## Rejected", "## What would reopen it"]


def test_decisions_are_numbered_without_a_gap():
    assert [int(p.name[:4]) for p in DECISIONS] == list(range(1, len(DECISIONS) + 1))
    index = (DOCS / "adr" / "README.md").read_text(encoding="utf-8")
    assert all(f"]({p.name})" in index for p in DECISIONS)


def test_the_quick_start_is_the_same_in_three_languages():
    shapes = []
    for page in QUICK_STARTS:
        text = page.read_text(encoding="utf-8")
        shapes.append(
            (
                [line.split(" ")[0] for line in text.splitlines() if line.startswith("#")],
                len(re.findall(r"^- ", text, re.M)),
                len(FENCED.findall(text)),
            )
        )
    assert shapes[0] == shapes[1] == shapes[2]


def test_the_changelog_begins_with_what_is_not_released():
    heads = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.M)
    assert heads[0] == "Unreleased"


def test_the_readme_has_the_two_commands_and_one_picture():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "\n```\nmake demo\n```\n" in text and "\n```\nmake test\n```\n" in text
    assert re.findall(r"!\[[^\]]+\]\(([^)]+)\)", text) == ["docs/images/demo.png"]


def test_every_endpoint_of_the_docs_exists(platform):
    from webchatagent.web.app import create_public

    app = create_public(platform)
    rules = {
        (method, re.sub(r"<[^>]+>", "*", rule.rule))
        for rule in app.url_map.iter_rules()
        for method in rule.methods or ()
    }
    page = (DOCS / "chat-api.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`?(GET|POST) (/[\w/.\-]+)", page))
    assert len(named) > 10
    for method, path in named:
        plain = re.sub(PLACES, "*", path)
        assert (method, plain) in rules, (method, path)
    documented = {re.sub(PLACES, "*", p) for _, p in named} | {
        "/",
        "/privacy",
        "/imprint",
        "/x/*/*/*",
    }
    managed = {rule for _, rule in rules if rule.startswith("/api/v1")}  # on a page of its own, generated from them
    assert {rule for _, rule in rules} - managed <= documented
    shown = re.findall(r"(/api/v1[/\w{}.]*)", (DOCS / "api.md").read_text(encoding="utf-8"))
    assert managed <= {re.sub(r"\{\w+\}", "*", path) for path in shown}


def test_the_limits_of_the_docs_are_those_of_the_code():
    from webchatagent.web import limits

    text = (DOCS / "chat-api.md").read_text(encoding="utf-8")
    for rule in (limits.PER_SESSION, limits.PER_ADDRESS, limits.PER_BOT):
        for part in rule.split("; "):
            number, _, unit = part.split()
            assert re.search(rf"\b{number} (messages )?an? {unit}", text), part


def test_the_weights_of_the_docs_are_those_of_the_code():
    from webchatagent.core import ranking, retrieval, splitting

    text = (DOCS / "retrieval.md").read_text(encoding="utf-8")
    for leg, weight in ranking.WEIGHTS.items():
        assert f"{weight:g} for `{leg}`" in text
    assert f"about {splitting.TARGET} and at most {splitting.MAX} characters" in text
    assert f"up to {retrieval.DEPTH} hits" in text and f"below {retrieval.BUDGET} characters" in text


@pytest.mark.parametrize(("page", "language"), list(zip(QUICK_STARTS, ("en", "de", "hi"), strict=True)), ids=name_of)
def test_the_words_of_the_quick_start_are_those_of_the_admin(page, language):
    from webchatagent.admin.states import LABELS

    words = gettext.NullTranslations()
    if language != "en":
        with open(ROOT / "admin" / "translations" / language / "LC_MESSAGES" / "messages.mo", "rb") as file:
            words = gettext.GNUTranslations(file)
    text = page.read_text(encoding="utf-8")
    rows = {
        name for line in text.splitlines() if line.startswith("- **") for name in re.findall(r"\*\*(.+?)\*\*", line)
    }
    assert {words.gettext(label._args[0]) for label in LABELS.values()} <= rows
    for shown in (
        "New bot",
        "Sources",
        "Choose files",
        "Choose a folder",
        "Add a website",
        "Add",
        "Read again",
        "No text",
        "Put it on your website",
        "Settings",
        "Websites that may show this bot",
        "When the visitor closes the chat",
    ):
        assert f"**{words.gettext(shown)}**" in text, shown


def test_the_manifest_fields_of_the_docs_are_those_of_the_code():
    from webchatagent.core.manifest import Manifest

    section = (
        (DOCS / "plugins.md")
        .read_text(encoding="utf-8")
        .split("## Which fields has the manifest?")[1]
        .split("\n## ")[0]
    )
    named = {
        name
        for line in section.splitlines()
        if line.startswith("| `")
        for name in re.findall(r"`(\w+)`", line.split("|")[1])
    }
    assert named == set(Manifest.model_fields)


# -- the example plugin ------------------------------------------------------------------------------------------


@pytest.fixture
def example(tmp_path, monkeypatch):
    """The example of docs/plugins.md, written to a folder as it stands on the page, and imported."""
    for _, code in FENCED.findall((DOCS / "plugins.md").read_text(encoding="utf-8")):
        head = re.match(r"# ([\w/]+\.(?:py|toml))\n", code)
        if head:
            path = tmp_path / head[1]
            path.parent.mkdir(exist_ok=True)
            path.write_text(code[head.end() :], encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield importlib.import_module("first_sentence"), tmp_path
    for name in [n for n in sys.modules if n.split(".")[0] in ("first_sentence", "test_first_sentence")]:
        del sys.modules[name]


def test_the_example_plugin_answers(example, platform, bot, add_texts):
    from webchatagent.core import plugins
    from webchatagent.core.accept import accept_turn
    from webchatagent.core.bots import change_settings, find_bot
    from webchatagent.core.manifest import read_manifest
    from webchatagent.core.registry import Registry
    from webchatagent.core.turns import TurnRunner

    module, folder = example
    known = platform.registry
    found = {n: (m, known.module(n)) for n, m in known.manifests.items()}
    found["first_sentence"] = (read_manifest(folder / "first_sentence" / "plugin.toml"), module)
    platform.registry = Registry(found, known._always)
    add_texts(bot, {"hours": "The shop opens at nine. It closes at six."})
    plugins.configure(bot.tenant, "first_sentence", {"length": 60})
    plugins.enable(bot.tenant, "first_sentence")
    change_settings(bot.tenant, bot.id, chat_model="first_sentence")
    here = find_bot(platform, f"{bot.tenant.slug}/{bot.slug}")

    async def ask(question):
        return await TurnRunner().reply(await asyncio.to_thread(accept_turn, here, None, question))

    assert asyncio.run(ask("When does the shop open?")).text == "The shop opens at nine. [1]"
    assert asyncio.run(ask("Who invented the telephone?")).refused


def test_the_example_test_passes(example, bot, add_texts):
    module = importlib.import_module("test_first_sentence")
    module.test_the_first_sentence_is_found(bot, add_texts)
