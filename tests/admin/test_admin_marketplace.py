"""The marketplace and the forms made from pydantic models."""

from __future__ import annotations

import html
import re
import sys
import threading
import time
from typing import Any

import pytest

from webchatagent.core import plugins
from webchatagent.core.db.records import AuditEntry, BackgroundJob
from webchatagent.core.db.sources import Source
from webchatagent.core.db.tenants import PluginSwitch
from webchatagent.core.jobs import SYNC, add_job
from webchatagent.core.tenants import load_tenant

PAGE = "/marketplace/everything/"
GOOD = {
    "c_api_key": "right-key",
    "c_base_url": "https://api.example.com/v1",
    "c_title": "Hello",
    "c_amount": "5",
    "c_share": "0.5",
    "c_mode": "fast",
    "c_level": "2",
    "c_colour": "green",
    "c_limits__daily": "10",
    "c_numbers": "1\n2",
    "c_data": "x",
}


@pytest.fixture
def owner(house: Any) -> Any:
    """The owner of the first tenant, on the page of the plugin, which is as if it had never been touched."""
    for tenant in (house.acme, house.globex):
        with tenant.write() as db:
            db.query(PluginSwitch).filter_by(plugin="everything").delete()
    browser = house.browser("owner@example.org")
    browser.get(PAGE)
    return browser


def seen() -> list[tuple[str, str, str]]:
    """What the plugin was tried with."""
    return sys.modules["everything"].SEEN


def config_of(house: Any) -> Any:
    """The stored configuration of the first tenant; a tenant object reads it once."""
    return load_tenant(house.platform, slug="acme").config(sys.modules["everything.config"].Config)


def enabled(house: Any, slug: str = "acme") -> frozenset[str]:
    """The plugins that are on for a tenant."""
    return load_tenant(house.platform, slug=slug).enabled


def value_of(page: str, name: str) -> str:
    """What stands in an input or a text area."""
    found = re.search(rf'<input[^>]*name="{name}"[^>]*value="([^"]*)"', page) or re.search(
        rf'<textarea[^>]*name="{name}"[^>]*>\s?([^<]*)</textarea>', page
    )
    assert found, name
    return html.unescape(found[1]).replace("\r\n", "\n").removeprefix("\n")


def errors_of(page: str, name: str) -> list[str]:
    """The errors at a field."""
    found = re.search(rf'<div id="{name}-help">(.*?)</div>', page, re.S)
    return re.findall(r'<small class="error">(.*?)</small>', found[1]) if found else []


def test_plugins_of_others_appear_by_themselves_and_broken_ones_with_their_reason(owner: Any, house: Any) -> None:
    page = owner.get("/marketplace/").text
    assert "Every setting" in page and "Example Makers" in page and "Sends data to Example Inc. (Ireland)" in page
    assert "lacking" in page and "package that it needs is not installed" in page
    assert "nameless" in page and "description (plugin.toml) is missing or wrong" in page
    assert "a_package_that_nobody_has" not in page, "details are the operator's"
    assert "a_package_that_nobody_has" in house.browser("root@example.org").get("/marketplace/").text
    assert owner.get("/marketplace/lacking/").status_code == 404
    assert "Nothing leaves this server" in page and "Calls websites that you name" in page


def test_the_page_of_a_plugin_says_what_leaves_the_house(owner: Any) -> None:
    page = owner.get(PAGE).text
    assert "Example Inc., Ireland" in page and "https://example.com/privacy" in page and "api.example.com" in page


def test_every_kind_of_setting_has_its_field(owner: Any) -> None:
    page = owner.get(PAGE).text
    assert value_of(page, "c_amount") == "5" and re.search(r'name="c_amount"[^>]*type="number"', page)
    assert re.search(r'<input[^>]*max="9"[^>]*min="1"[^>]*name="c_amount"', page)
    assert re.search(r'<input(?=[^>]*name="c_wanted")(?=[^>]*type="checkbox")[^>]*checked', page)
    assert re.search(r'name="c_starts"[^>]*type="date"', page) and re.search(r'name="c_base_url"[^>]*type="url"', page)
    assert '<option selected value="green">' in page and '<option selected value="2">' in page
    assert value_of(page, "c_numbers") == "1\n2" and value_of(page, "c_mapping") == "{}"
    assert "<legend>Limits</legend>" in page and value_of(page, "c_limits__daily") == "10"
    assert "<textarea" in page.split('id="c_about"')[0][-200:]
    assert re.search(r'<input(?=[^>]*name="c_hook_url")(?=[^>]*type="url")(?=[^>]*maxlength="300")', page)
    assert value_of(page, "c_data") == "a name that forms use themselves"


def test_settings_are_tried_saved_and_shown_again(owner: Any, house: Any) -> None:
    form = {
        **GOOD,
        "c_title": "Grüße",
        "c_amount": "7",
        "c_level": "3",
        "c_colour": "red",
        "c_maybe": "",
        "c_starts": "2026-12-01",
        "c_lists": "one\n\n two \n",
        "c_mapping": '{"a": 1}',
        "c_limits__daily": "99",
        "c_limits__token": "nested-secret",
    }
    assert owner.post(f"{PAGE}settings", form).status_code == 302
    config = config_of(house)
    assert (config.title, config.amount, config.level, config.colour.value) == ("Grüße", 7, 3, "red")
    assert config.wanted is False, "a box that is not ticked is off"
    assert (config.maybe, str(config.starts), config.lists, config.mapping) == (
        None,
        "2026-12-01",
        ["one", "two"],
        {"a": 1},
    )
    assert config.limits.daily == 99 and config.limits.token.get_secret_value() == "nested-secret"
    page = owner.get(PAGE).text
    assert value_of(page, "c_title") == "Grüße" and value_of(page, "c_lists") == "one\ntwo"
    with house.acme.read() as db:
        entry = db.query(AuditEntry).order_by(AuditEntry.id.desc()).first()
        assert entry.action == "plugin.configured" and "secret" not in str(entry.detail)
        assert "everything" not in enabled(house), "settings alone switch nothing on"


def test_secrets_are_written_and_never_shown(owner: Any, house: Any) -> None:
    owner.post(f"{PAGE}settings", {**GOOD, "c_second_key": "second-secret", "c_limits__token": "nested-secret"})
    page = owner.get(PAGE).text
    for secret in ("right-key", "second-secret", "nested-secret"):
        assert secret not in page
        with house.acme.read() as db:
            assert secret not in str(db.query(PluginSwitch).filter_by(plugin="everything").one().config)
    assert "Leave it empty to keep it" in page
    kept = {k: v for k, v in GOOD.items() if k != "c_api_key"}
    assert owner.post(f"{PAGE}settings", {**kept, "c_amount": "6"}).status_code == 302
    config = config_of(house)
    assert config.api_key.get_secret_value() == "right-key" and config.second_key.get_secret_value() == "second-secret"
    assert config.limits.token.get_secret_value() == "nested-secret" and config.amount == 6
    erase = {"c_second_key__erase": "y", "c_limits__token__erase": "y"}
    assert owner.post(f"{PAGE}settings", {**kept, **erase}).status_code == 302
    config = config_of(house)
    assert config.second_key is None and config.limits.token.get_secret_value() == ""
    assert config.api_key.get_secret_value() == "right-key"


@pytest.mark.parametrize(
    "field, typed, said",
    [
        ("amount", "x", "whole number"),
        ("amount", "10", "at most 9"),
        ("amount", "", None),
        ("share", "1", "less than 1"),
        ("share", "half", "Please enter a number"),
        ("title", "x", "at least 2 characters"),
        ("title", "x" * 21, "at most 20 characters"),
        ("title", "LOUD", "Please do not shout"),
        ("mode", "sideways", "offered values"),
        ("base_url", "ftp://example.com", "must begin with"),
        ("base_url", "nonsense", "web address"),
        ("starts", "tomorrow", "date or a time"),
        ("lists", "1\n2\n3\n4", "at most 3 entries"),
        ("numbers", "1\nx", "whole number"),
        ("mapping", "{", "not valid JSON"),
        ("mapping", "[]", "JSON object"),
        ("limits__daily", "0", "at least 1"),
        ("api_key", "wrong", "The key is refused."),
        ("api_key", "crash", None),
    ],
)
def test_a_problem_stands_at_its_field(owner: Any, field: str, typed: str, said: str | None) -> None:
    answer = owner.post(f"{PAGE}settings", {**GOOD, f"c_{field}": typed})
    if field == "amount" and not typed:
        assert answer.status_code == 302, "an empty field has its default"
        return
    assert answer.status_code == 200
    assert "boom" not in answer.text and "wrong" not in re.findall(r'name="c_api_key"[^>]*', answer.text)[0]
    if said is None:
        assert "could not try its settings" in answer.text
    else:
        assert said in " ".join(errors_of(answer.text, f"c_{field}"))
        assert field == "api_key" or value_of(answer.text, f"c_{field}") == typed if field != "mode" else True


def test_a_check_that_hangs_ends_in_time_and_saves_nothing(
    owner: Any, house: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plugins, "CHECK_SECONDS", 0.2)
    begun = time.monotonic()
    page = owner.post(f"{PAGE}settings", {**GOOD, "c_api_key": "hang"}).text
    assert time.monotonic() - begun < 5
    assert "could not be tried within 0.2 seconds" in page.split("<h2>Settings</h2>")[0]
    assert config_of(house).api_key.get_secret_value() == ""
    sys.modules["everything"].HANG.set()


def test_checks_that_hang_do_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    ends, running = threading.Event(), []
    monkeypatch.setattr(plugins, "_checks", threading.BoundedSemaphore(2))
    for _ in range(4):
        with pytest.raises(TimeoutError):
            plugins._within(0.05, lambda: (running.append(1), ends.wait(20)))
    assert len(running) == 2
    ends.set()


def test_a_problem_of_the_whole_stands_above(owner: Any) -> None:
    page = owner.post(f"{PAGE}settings", {**GOOD, "c_amount": "9", "c_mode": "slow"}).text
    assert "Nine is too much for slow" in page.split("<h2>Settings</h2>")[0]


def test_a_stored_secret_does_not_go_to_a_new_address(owner: Any, house: Any) -> None:
    owner.post(f"{PAGE}settings", GOOD)
    seen().clear()
    moved = {**GOOD, "c_base_url": "https://evil.example.com/", "c_api_key": ""}
    page = owner.post(f"{PAGE}settings", moved).text
    assert "enter this secret again" in " ".join(errors_of(page, "c_api_key"))
    assert seen() == []
    owner.post(f"{PAGE}settings", {**moved, "c_api_key": "right-key"})
    assert seen() == [("acme", "right-key", "https://evil.example.com/")]


def test_a_default_address_is_the_same_whether_it_is_stored_or_not(owner: Any, house: Any) -> None:
    plugins.configure(house.acme, "everything", {"api_key": "right-key"})
    assert owner.post(f"{PAGE}settings", {**GOOD, "c_api_key": "", "c_title": "Kept"}).status_code == 302


def test_the_hosts_of_nested_settings_count_as_entered() -> None:
    from pydantic import BaseModel, HttpUrl

    class Inner(BaseModel):
        hook: HttpUrl = HttpUrl("https://Inner.example.com/x")

    class Outer(BaseModel):
        base_url: str = "https://outer.example.com"
        inner: Inner = Inner()
        words: str = "http is a word"

    assert plugins.hosts_of(Outer()) == {"outer.example.com", "inner.example.com"}


def test_it_is_switched_on_when_its_settings_work_for_one_tenant_only(owner: Any, house: Any) -> None:
    page = owner.post(f"{PAGE}enable").text
    assert "cannot be switched on yet" in page and errors_of(page, "c_api_key") == [
        "The key is refused. (copy it from your account)"
    ]
    assert "everything" not in enabled(house)
    owner.post(f"{PAGE}settings", GOOD)
    assert owner.post(f"{PAGE}enable").status_code == 302
    assert "everything" in enabled(house) and "everything" not in enabled(house, "globex")
    assert "Everything works." in owner.post(f"{PAGE}check", follow_redirects=True).text
    page = house.browser("owner@example.net").get(PAGE).text
    assert "Switch on" in page.replace("Einschalten", "Switch on") and "right-key" not in page
    assert owner.post(f"{PAGE}disable").status_code == 302
    assert "everything" not in enabled(house)
    with house.acme.read() as db:
        actions = [e.action for e in db.query(AuditEntry).filter_by(target="everything")]
    assert actions[-3:] == ["plugin.configured", "plugin.enabled", "plugin.disabled"]


def test_what_a_switched_off_plugin_stops_is_on_the_receipt(house: Any, owner: Any) -> None:
    with house.acme.write() as db:
        source = db.query(Source).filter_by(kind="website").first()
        source.state = "syncing"
        job = add_job(db, SYNC, f"sync:{source.id}", source_id=source.id, delay=3600)
        number = source.id
    page = owner.get("/marketplace/website/").text
    assert "1 source is not read any more." in page and "29 documents stay searchable." in page
    said = owner.post("/marketplace/website/disable", follow_redirects=True).text
    assert "1 waiting job was cancelled." in said and "29 documents stay searchable." in said
    with house.acme.read() as db:
        assert db.get(BackgroundJob, job).state == "cancelled" and db.get(Source, number).state == "ready"
    with house.globex.read() as db:
        assert db.query(Source).filter_by(kind="website").count() == 1
    owner.post("/marketplace/website/enable")
    assert "website" in enabled(house)


def test_a_plugin_whose_settings_no_longer_fit_asks_for_them(owner: Any, house: Any) -> None:
    owner.post(f"{PAGE}settings", GOOD)
    owner.post(f"{PAGE}enable")
    with house.acme.write() as db:
        row = db.query(PluginSwitch).filter_by(plugin="everything").one()
        row.config = {**row.config, "amount": 1000}
    assert "Needs settings" in owner.get("/marketplace/").text
    page = owner.get(PAGE)
    assert page.status_code == 200 and value_of(page.text, "c_amount") == "1000"


def test_the_operators_plugins_are_not_switched_here(owner: Any) -> None:
    page = owner.get("/marketplace/embeddings_local/").text
    assert "for all workspaces" in page and "/embeddings_local/disable" not in page
    assert owner.post("/marketplace/embeddings_local/disable").status_code == 403


def test_words_of_a_plugin_are_in_the_language_of_the_reader(house: Any, owner: Any) -> None:
    owner.post("/account/language", {"language": "de"})
    page = owner.get(PAGE).text
    assert "Jede Einstellung" in page and ">Menge<" in page and "Wie viel." in page and ">Am Tag<" in page
    assert "Bitte geben Sie höchstens 9 ein." in owner.post(f"{PAGE}settings", {**GOOD, "c_amount": "10"}).text
    owner.post("/account/language", {"language": "en"})


def test_the_command_line_merges_nested_values(house: Any, owner: Any) -> None:
    plugins.configure(house.acme, "everything", {"api_key": "right-key", "limits": {"token": "t"}})
    plugins.configure(house.acme, "everything", {"limits": {"daily": 3}})
    config = config_of(house)
    assert (config.limits.daily, config.limits.token.get_secret_value()) == (3, "t")
