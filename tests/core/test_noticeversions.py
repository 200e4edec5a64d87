"""Published notices: never changed, compared with what is switched on, in every language."""

from __future__ import annotations

import pytest

from webchatagent.core import noticeversions, plugins
from webchatagent.core.errors import NotFound
from webchatagent.core.notice import Notice, Section
from webchatagent.core.noticeversions import Difference, compare, differences, list_versions, publish, shown_notice
from webchatagent.core.tenants import change_tenant, load_tenant
from webchatagent.core.texts import LANGUAGES

CONFIG = {"api_key": "sk-test", "chat_models": ["gpt-5-mini"]}


@pytest.fixture
def again(platform):
    """A function that gives a tenant as it is now."""
    return lambda tenant: load_tenant(platform, slug=tenant.slug)


def switch_on(platform, tenant, monkeypatch):
    """A model of a provider is on, without asking it."""
    with tenant.write() as db:
        plugins._switch(db, "llm_openai", True)
    return load_tenant(platform, slug=tenant.slug)


def test_visitors_read_what_is_on_until_something_was_published(platform, acme, globex, monkeypatch):
    assert differences(acme, "en") is None and list_versions(acme) == []
    before = shown_notice(acme, "de")
    assert publish(acme) == 1 and publish(acme) == 1, "the same again stays what it is"
    with_model = switch_on(platform, acme, monkeypatch)
    assert shown_notice(with_model, "de") == before, "as it was published"
    found = differences(with_model, "de")
    assert [d.kind for d in found] == ["new"] and "OpenAI" in found[0].heading
    assert publish(with_model) == 2 and differences(with_model, "de") == []
    assert shown_notice(with_model, "de") != before and shown_notice(with_model, "de", 1) == before
    assert list_versions(globex) == [], "the other tenant has none"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_version_is_there_in_every_language(acme, language):
    publish(acme)
    assert shown_notice(acme, language, 1).sections == noticeversions.compose(acme, language).sections
    with pytest.raises(NotFound):
        shown_notice(acme, language, 2)


def test_another_controller_is_a_difference(acme, again):
    publish(acme)
    change_tenant(acme, "Acme", "en", 30, {"name": "Acme Ltd."})
    kinds = {d.kind for d in differences(again(acme), "en")}
    assert kinds == {"changed"} and len(differences(again(acme), "en")) >= 2, "who is responsible, and how long"


def test_what_came_and_what_went():
    old = Notice("Notice", ["Acme"], [Section("A", ["one", "two"]), Section("B", ["x"]), Section("A", ["three"])])
    new = Notice("Notice", ["Acme"], [Section("A", ["one", "four", "three"]), Section("C", ["y"])])
    assert compare(old, new) == [
        Difference("changed", "A", ["four"], ["two"]),
        Difference("new", "C", ["y"], []),
        Difference("gone", "B", [], ["x"]),
    ]
    assert compare(old, old) == []
