"""English, German and Hindi: complete, compiled, and chosen as people expect."""

from __future__ import annotations

import re
from typing import Any

import pytest

from webchatagent.admin import catalogues, metadata, migrations_folder
from webchatagent.admin.accounts import USERS
from webchatagent.admin.external import EXTERNAL
from webchatagent.admin.states import LABELS, MEANING
from webchatagent.core.documents import STATES


@pytest.mark.parametrize("language", catalogues.TRANSLATED)
def test_every_message_is_translated_and_compiled(language: str) -> None:
    catalogue, wanted = catalogues.read(language), catalogues.extract()
    for message in wanted:
        found = catalogue.get(message if isinstance(message, str) else message[0])
        assert found is not None, message
        strings = found.string if isinstance(found.string, tuple) else (found.string,)
        assert all(strings) and not found.fuzzy, message
        source = message if isinstance(message, str) else message[-1]
        names = set(re.findall(r"%\(\w+\)[sd]|\{\w+\}", source))
        assert all(set(re.findall(r"%\(\w+\)[sd]|\{\w+\}", text)) == names for text in strings), message
    assert len([m for m in catalogue if m.id]) == len(wanted), "run python -m webchatagent.admin.catalogues"
    assert catalogues.compiled(language) == catalogues.path(language, "mo").read_bytes(), (
        "run python -m webchatagent.admin.catalogues"
    )


def test_every_state_has_words() -> None:
    assert set(LABELS) == set(STATES)
    assert set(MEANING) == set(STATES) - {"queued", "fetching", "indexing", "searchable"}


@pytest.mark.parametrize(
    "header, language, word",
    [("de-DE,de;q=0.9", "de", "Anmelden"), ("hi", "hi", "साइन इन करें"), ("fr", "en", "Sign in")],
)
def test_the_browser_chooses_first(house: Any, header: str, language: str, word: str) -> None:
    page = house.browser().get("/login/", headers={"Accept-Language": header}).text
    assert f'<html lang="{language}">' in page and word in page


def test_a_chosen_language_stays(house: Any) -> None:
    browser = house.browser("owner@example.org")
    answer = browser.post("/account/language", {"language": "de", "back": "/admin/bots/list/?a=1"})
    assert answer.headers["Location"] == "/admin/bots/list/?a=1"
    page = browser.get("/").text
    assert "Übersicht" in page and '<html lang="de">' in page
    browser.post("/logout/")
    assert "Anmelden" in browser.get("/login/").text
    assert "Übersicht" in house.browser("owner@example.org").get("/").text  # on another device too
    browser = house.browser("owner@example.org")
    browser.post("/account/language", {"language": "en"})
    assert browser.post("/account/language", {"language": "xx"}).status_code == 404
    for evil in ("https://evil.example.com", "//evil.example.com", "/admin//evil.example.com", "/admin/\\evil"):
        assert browser.post("/account/language", {"language": "en", "back": evil}).headers["Location"] == "/admin/"


@pytest.mark.parametrize(
    "language, words", [("de", "Hochgeladene Dateien|Durchsuchbar|Dateien wählen"), ("hi", "खोजने योग्य|फ़ाइलें चुनें")]
)
def test_pages_speak_the_language(house: Any, language: str, words: str) -> None:
    from webchatagent.core.sources import ensure_source

    ensure_source(house.acme, house.bot.id, "file", "uploads", "Uploads")
    browser = house.browser("editor@example.org")
    browser.post("/account/language", {"language": language})
    for path in (
        "/",
        "/bots/list/",
        f"/bots/show/{house.bot.id}",
        f"/bots/edit/{house.bot.id}",
        "/bots/add",
        "/conversations/",
        f"/conversations/{house.ids['acme']['talk']}",
        "/account/",
        "/bots/show/99999",
        f"/sources/{house.bot.id}/",
    ):
        page = browser.get(path)
        assert page.status_code in (200, 404)
        for english in (
            ">Sources<",
            ">Settings<",
            ">Cancel<",
            ">Sign out<",
            "Opening question",
            "There is nothing here",
        ):
            assert english not in page.text, (path, english)
    assert all(word in page.text for word in words.split("|"))


def test_the_tables_are_those_of_the_models(house: Any) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    wanted = metadata()
    assert migrations_folder().is_dir()
    assert {c.name for c in EXTERNAL.columns} <= {c.name for c in wanted.tables["external_login"].columns}
    assert {c.name for c in USERS.columns} <= {c.name for c in wanted.tables["ab_user"].columns}
    with house.platform.database.engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"include_object": lambda thing, name, kind, *_: kind != "table" or name in wanted.tables}
        )
        assert compare_metadata(context, wanted) == []
