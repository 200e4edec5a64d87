"""The example plugin of docs/: installed by pip alone, configured, checked, on for one tenant, nothing for the other."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).parent))

from helpcenter_server import TOKEN, HelpCenter
from tests.admin.conftest import House, build

from webchatagent.core import plugins
from webchatagent.core.errors import InvalidRequest
from webchatagent.core.privacy import Subject
from webchatagent.core.retrieval import retrieve
from webchatagent.core.sources import add_source
from webchatagent.core.tenants import load_tenant
from webchatagent.testing.processes import COMMAND, ServerProcess, by_words_only

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "docs" / "examples" / "help_center"
TUTORIAL = ROOT / "docs" / "plugin-tutorial.md"
PAGE = "/marketplace/help_center/"
QUESTION = "Where is lost luggage collected?"
BROKEN = "import a_package_that_nobody_has\n"


def pip_install(source: Path, target: Path) -> None:
    """Install a distribution into a folder, without a network."""
    copy = target.parent / f"{target.name}-{source.name}"  # a build leaves files beside its source
    shutil.copytree(source, copy)
    words = ["install", "--quiet", "--no-index", "--no-deps", "--no-build-isolation", "--target", str(target)]
    done = subprocess.run([sys.executable, "-m", "pip", *words, str(copy)], capture_output=True, text=True, timeout=90)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which pip installed the example, and the example with an import that fails."""
    folder = tmp_path_factory.mktemp("third-party")
    broken = folder / "source" / "broken"
    shutil.copytree(EXAMPLE, broken)
    (broken / "help_center").rename(broken / "broken_one")
    (broken / "broken_one" / "__init__.py").write_text(BROKEN, encoding="utf-8")
    text = (broken / "pyproject.toml").read_text(encoding="utf-8")
    (broken / "pyproject.toml").write_text(
        text.replace("help_center", "broken_one").replace("help-center", "broken-one"), encoding="utf-8"
    )
    for source in (EXAMPLE, broken):
        pip_install(source, folder / "installed")
    return folder / "installed"


@pytest.fixture
def center() -> Iterator[HelpCenter]:
    with HelpCenter() as running:
        yield running


@pytest.fixture
def house(
    packages: Path, center: HelpCenter, tmp_path: Path, migrated_database: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[House]:
    """Two tenants and an admin, in a process that finds the packages."""
    monkeypatch.syspath_prepend(str(packages))
    made = build(tmp_path, migrated_database, private_hosts=center.host)
    yield made
    made.platform.database.close()
    made.platform.chunks.close()
    for name in [n for n in sys.modules if n.split(".")[0] in ("help_center", "broken_one")]:
        del sys.modules[name]


def errors_at(page: str, field: str) -> str:
    """What stands as an error at a field."""
    found = re.search(rf'<div id="{field}-help">(.*?)</div>', page, re.S)
    return " ".join(re.findall(r'<small class="error">(.*?)</small>', found[1])) if found else ""


def form(center: HelpCenter, token: str = TOKEN) -> dict[str, str]:
    """The form of the plugin, filled in."""
    return {"c_base_url": center.url, "c_token": token, "c_show_authors": "y"}


def test_it_appears_by_itself_is_configured_checked_and_on_for_one_tenant(house: House, center: HelpCenter) -> None:
    owner = house.browser("owner@example.org")
    market = owner.get("/marketplace/").text
    assert "Help centre" in market and "Example Makers" in market
    form_page = owner.get(PAGE).text
    assert re.search(r'<input(?=[^>]*name="c_base_url")(?=[^>]*type="url")', form_page)
    assert re.search(r'<input(?=[^>]*name="c_token")(?=[^>]*type="password")', form_page)
    wrong = owner.post(f"{PAGE}settings", form(center, "a-wrong-token")).text
    assert "refuses the token" in errors_at(wrong, "c_token") and "a-wrong-token" not in wrong
    assert center.asked == [("GET", "/api/articles")]
    assert owner.post(f"{PAGE}settings", form(center)).status_code == 302
    assert TOKEN not in owner.get(PAGE).text
    assert owner.post(f"{PAGE}enable").status_code == 302
    assert "Everything works." in owner.post(f"{PAGE}check", follow_redirects=True).text

    acme, globex = (load_tenant(house.platform, slug=slug) for slug in ("acme", "globex"))
    add_source(acme, house.bot.id, "help-center:articles")
    house.run_jobs()
    found = retrieve(acme, house.bot.id, QUESTION)
    assert found.relevant and "counter seven" in found.ranked[0].chunk.text
    assert "Lost luggage" in owner.get(f"/sources/{house.bot.id}/?q=Lost").text

    asked = len(center.asked)
    with pytest.raises(InvalidRequest):
        add_source(globex, house.foreign_bot.id, "help-center:articles")
    assert not retrieve(globex, house.foreign_bot.id, QUESTION).relevant
    assert not [d for name, d in globex.hooks.each("privacy_disclosures", tenant=globex) if name == "help_center"]
    globex.hooks.call("subject_erase", tenant=globex, subject=Subject(email="asha@example.org"))
    assert len(center.asked) == asked, "nothing was asked for the other tenant"
    stranger = house.browser("owner@example.net").get(PAGE).text
    assert center.url not in stranger and TOKEN not in stranger


def test_the_rights_of_a_person_reach_the_help_center(house: House, center: HelpCenter) -> None:
    plugins.configure(house.acme, "help_center", {"base_url": center.url, "token": TOKEN})
    plugins.enable(house.acme, "help_center")
    acme, asha = load_tenant(house.platform, slug="acme"), Subject(email="asha@example.org")

    def part(hook: str) -> Any:
        return dict(acme.hooks.each(hook, tenant=acme, subject=asha))["help_center"]

    assert (part("subject_locate").count, part("subject_locate").rows) == (1, ())
    assert part("subject_export").rows == [{"title": "Lost luggage", "author": "Asha"}]
    acme.hooks.call("subject_rectify", tenant=acme, subject=asha, changes={"name": "Asha R."})
    assert part("subject_export").rows[0]["author"] == "Asha R."
    for count in (1, 0):  # safe to repeat
        reports = dict(acme.hooks.call("subject_erase", tenant=acme, subject=asha))
        assert reports["help_center"].done == {"help_center_articles": count}
    assert center.articles[0]["author"] == "" and center.articles[1]["author"] == "Bernd"


def test_one_that_cannot_be_loaded_is_listed_with_its_reason_and_harms_nothing(house: House) -> None:
    page = house.browser("owner@example.org").get("/marketplace/").text
    assert "broken_one" in page and "A package that it needs is not installed." in page
    assert "a_package_that_nobody_has" in house.platform.registry.broken["broken_one"]
    assert "help_center" in house.platform.registry.manifests and "website" in house.platform.registry.manifests


@pytest.fixture
def run(packages: Path, center: HelpCenter, tmp_path: Path) -> Callable[[str], str]:
    """A function that runs a command line of the tutorial in a process that finds the packages."""
    environment = by_words_only(tmp_path)
    environment["PYTHONPATH"] += os.pathsep + str(packages)
    environment["WEBCHATAGENT_PRIVATE_HOSTS"] = center.host
    (tmp_path / "token.txt").write_text(TOKEN, encoding="utf-8")

    def run_line(line: str) -> str:
        words = shlex.split(line.replace("https://help.example.org", center.url))[1:]
        done = subprocess.run(
            [*COMMAND, *words, "--data", str(tmp_path / "data")],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=90,
        )
        assert done.returncode == 0, f"{line}: {done.stderr[-800:]}"
        return done.stdout

    run_line.environment = environment  # type: ignore[attr-defined]
    return run_line


def lines_of_the_tutorial() -> list[str]:
    """The command lines of the tutorial, in their order."""
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", TUTORIAL.read_text(encoding="utf-8"), re.S | re.M)
    return [line for kind, block in blocks if not kind for line in block.splitlines()]


@pytest.mark.service
def test_every_command_of_the_tutorial_runs_and_the_server_answers_from_it(run: Any, tmp_path: Path) -> None:
    bots = {}
    for slug in ("demo", "other"):
        run(f"webchatagent tenant create {slug} --name {slug}")
        bots[slug] = json.loads(run(f"webchatagent bot create {slug} help --name Help --json"))
    first, *lines = lines_of_the_tutorial()
    assert first == "pip install docs/examples/help_center" and (ROOT / first.split()[-1]) == EXAMPLE, "see `packages`"
    said = {line: run(line) for line in lines}
    assert len(said) == 5
    assert "help_center" in said["webchatagent plugin list demo"]
    with ServerProcess(tmp_path / "data", tmp_path / "server.log", run.environment) as server:
        answers = {slug: ask(server.url, bot["id"]) for slug, bot in bots.items()}
    assert "counter seven" in answers["demo"]["reply"] and answers["demo"]["sources"][0]["title"] == "Lost luggage"
    assert answers["other"]["refused"] and "counter seven" not in json.dumps(answers["other"])


def ask(base: str, bot: str) -> dict[str, Any]:
    """A question over HTTP, as a visitor's browser asks it."""
    body = json.dumps({"message": QUESTION, "chatbotId": bot}).encode()
    request = urllib.request.Request(f"{base}/api/chat", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        found: dict[str, Any] = json.loads(answer.read())
    return found


def test_the_files_of_the_tutorial_are_those_of_the_example() -> None:
    named = re.findall(r"^\| `([\w./]+)` \|", TUTORIAL.read_text(encoding="utf-8"), re.M)
    there = {p.relative_to(EXAMPLE).as_posix() for p in EXAMPLE.rglob("*") if p.suffix in (".py", ".toml")}
    assert set(named) == there
