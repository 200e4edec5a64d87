"""The model control panel: versions, playground, what was sent, statistics, prices and limits, as people use them."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from webchatagent.admin.modelforms import parse_decimal
from webchatagent.admin.money import costs, money
from webchatagent.core import sessions, usage
from webchatagent.core.bots import change_caps, create_bot, own_bot
from webchatagent.core.caps import Caps
from webchatagent.core.clock import now
from webchatagent.core.db.chats import ChatSession, Message, TurnRow
from webchatagent.core.db.tenants import PluginSwitch
from webchatagent.core.prices import Price, Prices
from webchatagent.core.statistics import read_statistics
from webchatagent.core.tenants import change_prices, load_tenant, seal_config
from webchatagent.core.versions import list_versions
from webchatagent.plugins.llm_openai.config import Config as OpenAI

SAVE = {
    "chat_model": "",
    "residency": "any",
    "temperature": "0,5",
    "max_tokens": "300",
    "instructions": "Be formal.\r\nBe brief.",
    "note": "Tone <b>",
}


@pytest.fixture
def owner(house: Any) -> Any:
    return house.browser("owner@example.org")


@pytest.fixture
def bot(house: Any) -> Any:
    """A bot of its own for each test."""
    number = now().timestamp()
    return create_bot(house.acme, f"b{str(number).replace('.', '-')}", "Trial")


def events(answer: Any) -> list[dict[str, Any]]:
    return [json.loads(part[6:]) for part in answer.text.split("\n\n") if part]


@pytest.mark.seed("SR-110")
def test_a_version_is_saved_compared_and_brought_back(house: Any, owner: Any, bot: Any) -> None:
    page = owner.get(f"/model/{bot.id}/").text
    expected = re.search(r'name="expected"[^>]*value="(\d+)"', page)
    assert expected and expected[1] == "1"
    answer = owner.post(f"/model/{bot.id}/save", {**SAVE, "expected": "1"}, follow_redirects=True)
    assert "Version 2 is in force." in answer.text and "Tone &lt;b&gt;" in answer.text
    found = own_bot(house.acme, bot.id)
    assert (found.settings.temperature, found.settings.instructions) == (0.5, "Be formal.\nBe brief.")
    page = owner.get(f"/model/{bot.id}/compare").text
    assert "Be brief." in page and ">0.2<" in page and ">0.5<" in page
    answer = owner.post(f"/model/{bot.id}/restore/1", follow_redirects=True)
    assert "Version 1 is back, as version 3." in answer.text
    assert own_bot(house.acme, bot.id).settings.instructions == ""
    assert list_versions(house.acme, bot.id)[0].author.startswith("user:")
    trail = owner.get("/audit/").text
    assert "brought a version of a bot back" in trail


def test_a_form_that_is_old_or_wrong_changes_nothing(house: Any, owner: Any, bot: Any) -> None:
    owner.get(f"/model/{bot.id}/")
    owner.post(f"/model/{bot.id}/save", {**SAVE, "expected": "1"})
    answer = owner.post(f"/model/{bot.id}/save", {**SAVE, "temperature": "0.9", "expected": "1"})
    assert "Somebody else changed this bot meanwhile" in answer.text
    for field, value, said in (
        ("temperature", "hot", "Please enter a number."),
        ("temperature", "3", "Please enter a number from 0 to 2."),
        ("temperature", "nan", "Please enter a number."),
        ("max_tokens", "9", "Please enter a number from 50 to 8000."),
        ("max_tokens", "5000", "This is longer than one of the chosen models can do."),
        ("chat_model", "openai:gpt", "Not a valid choice"),
    ):
        answer = owner.post(f"/model/{bot.id}/save", {**SAVE, "chat_model": "offline", field: value, "expected": "2"})
        assert answer.status_code == 200 and said in answer.text, (field, value)
    assert own_bot(house.acme, bot.id).version == 2


def test_badges_say_where_a_model_works_and_whether_it_trains(owner: Any, bot: Any) -> None:
    page = owner.get(f"/model/{bot.id}/").text
    assert "On this server" in page and "Does not train on it" in page
    assert (
        "Everything works." in owner.post(f"/model/{bot.id}/check", {"plugin": "offline"}, follow_redirects=True).text
    )
    assert owner.post(f"/model/{bot.id}/check", {"plugin": "google_login"}).status_code == 404


@pytest.mark.seed("SR-113")
def test_a_provider_is_shown_with_its_country_and_never_with_its_key(house: Any, owner: Any, bot: Any) -> None:
    config = OpenAI(api_key="sk-very-secret-0123456789", chat_models=["gpt-5-mini"])
    with house.acme.write() as db:
        row = PluginSwitch(plugin="llm_openai", config=seal_config(house.acme, "llm_openai", config))
        db.add(row)
    page = owner.get(f"/model/{bot.id}/").text
    assert "OpenAI Ireland" in page and "Ireland" in page and "Outside the EU too" in page
    assert "Not asked yet" in page and "very-secret" not in page
    change_caps(house.acme, bot.id, Caps(month_money=1))
    assert "these models count as free: gpt-5-mini" in owner.get(f"/model/{bot.id}/").text
    form = {**SAVE, "chat_model": "openai:gpt-5-mini", "residency": "house", "fallback_0": "", "expected": "1"}
    assert "works outside of where questions may go" in owner.post(f"/model/{bot.id}/save", form).text
    form = {**form, "residency": "any", "fallback_0": "offline"}
    assert "Version 2 is in force." in owner.post(f"/model/{bot.id}/save", form, follow_redirects=True).text
    assert own_bot(house.acme, bot.id).settings.fallback_models == ["offline"]
    with house.acme.write() as db:
        db.delete(db.get(PluginSwitch, row.id))
    page = owner.get(f"/model/{bot.id}/").text
    assert "gpt-5-mini (not offered any more)" in page
    answer = owner.post(f"/model/{bot.id}/save", {**form, "temperature": "0.3", "expected": "2"})
    assert "This model is not switched on here." in answer.text


def test_limits_are_set_shown_and_refused_when_they_are_too_small(house: Any, owner: Any, bot: Any) -> None:
    owner.get(f"/model/{bot.id}/")
    form = {"day_messages": "25", "month_money": "12,50", "at_limit": "offline"}
    page = owner.post(f"/model/{bot.id}/limits", form, follow_redirects=True).text
    caps = own_bot(house.acme, bot.id).caps
    assert (caps.day_messages, caps.month_money, caps.at_limit) == (25, 12_500_000, "offline")
    assert "0 / 25" in page and "€12.50" in page
    for values in ({"day_tokens": "500"}, {"day_messages": "-4"}, {"month_money": "9" * 30}):
        answer = owner.post(f"/model/{bot.id}/limits", {**form, **values})
        assert answer.status_code == 200 and "Please enter" in answer.text, values
    assert own_bot(house.acme, bot.id).caps == caps
    assert "changed the limits of a bot" in owner.get("/audit/").text


def test_the_overview_says_that_a_limit_is_near_and_that_it_is_reached(house: Any, owner: Any, bot: Any) -> None:
    change_caps(house.acme, bot.id, Caps(day_messages=10))
    for used, said in ((7, None), (2, "Trial: 90 percent of a limit are used"), (1, "Trial: the limit is reached")):
        with house.acme.write() as db:
            usage.count(db, bot.id, {"messages": used})
        page = owner.get("/").text
        assert (said or "") in page and ("of a limit are used" in page or "is reached" in page) is bool(said)
    change_caps(house.acme, bot.id, Caps())


def test_the_playground_streams_and_leaves_no_conversation(house: Any, owner: Any, bot: Any) -> None:
    owner.get(f"/playground/{bot.id}/")
    with house.acme.read() as db:
        before = [db.scalar(select(func.count()).select_from(m)) for m in (ChatSession, Message, TurnRow)]
    answer = owner.post(f"/playground/{bot.id}/ask", {"question": "Where is <img src=x>?", "version": "1"})
    assert answer.mimetype == "text/event-stream"
    found = events(answer)
    assert [found[0]["type"], found[-1]["type"]] == ["found", "done"] and found[-1]["refused"] is True
    assert "<img" not in found[0]["html"] and "&lt;img src=x&gt;" in found[0]["html"]
    assert dict(found[-1]["figures"])["Model"] == "offline"
    with house.acme.read() as db:
        assert before == [db.scalar(select(func.count()).select_from(m)) for m in (ChatSession, Message, TurnRow)]


@pytest.mark.parametrize("data, status", [({"question": " "}, 422), ({"question": "x", "version": "77"}, 404)])
def test_the_playground_says_what_is_wrong(owner: Any, bot: Any, data: dict[str, str], status: int) -> None:
    owner.get("/")
    answer = owner.post(f"/playground/{bot.id}/ask", data, headers={"X-Requested-With": "XMLHttpRequest"})
    assert answer.status_code == status and answer.json["error"]["message"]
    for odd in ("-1", "x", "9" * 40):
        assert owner.post(f"/playground/{bot.id}/ask", {"question": "x", "version": odd}).status_code == 422


def test_what_was_sent_holds_no_personal_data(house: Any, owner: Any, bot: Any) -> None:
    with house.acme.write() as db:
        talk = ChatSession(bot_id=bot.id, key_hash=sessions.hash_key(str(bot.id)))
        db.add(talk)
        db.flush()
        asked = Message(session_id=talk.id, role="visitor", text="I am karl.weber@example.com", language="en")
        said = Message(session_id=talk.id, role="bot", text="Hello.", language="en")
        db.add_all([asked, said])
        db.flush()
        db.add(
            TurnRow(bot_id=bot.id, session_id=talk.id, state="done", question_id=asked.id, answer_id=said.id, model="m")
        )
        talk_id, answer_id = talk.id, said.id
    page = owner.get(f"/conversations/{talk_id}").text
    assert f"/admin/sent/{talk_id}/{answer_id}" in page
    page = owner.get(f"/sent/{talk_id}/{answer_id}").text
    assert "&lt;EMAIL_1&gt;" in page and "karl.weber" not in page
    assert "What was sent" not in house.browser("agent@example.org").get(f"/conversations/{talk_id}").text
    assert owner.get(f"/sent/{talk_id}/999999").status_code == 404


def furnish(tenant: Any, bot: Any, name: str) -> None:
    """Some turns of two days."""
    with tenant.write() as db:
        talk = ChatSession(bot_id=bot.id, key_hash=sessions.hash_key(f"{bot.id} {name}"))
        db.add(talk)
        db.flush()
        for n in range(12):
            at = now() - timedelta(days=n % 2)
            db.add(
                TurnRow(
                    bot_id=bot.id,
                    session_id=talk.id,
                    state="cut" if n == 11 else "done",
                    error="model_busy" if n == 11 else "",
                    provider="llm_openai",
                    model=name,
                    tokens_in=100 + n,
                    tokens_out=10 + n,
                    total_ms=1000 + n,
                    first_ms=100 + n,
                    cost=1_000_001 + n,
                    currency="USD",
                    created_at=at,
                    updated_at=at,
                )
            )


@pytest.mark.seed("SR-111")
def test_the_table_to_download_has_the_sums_of_the_page(house: Any, owner: Any, bot: Any) -> None:
    furnish(house.acme, bot, "=1+1")
    found = read_statistics(house.acme, 7, bot.id).total
    page = owner.get(f"/statistics/?days=7&bot={bot.id}").text
    assert f"<b>{found.turns}</b>" in page and "$12.00" in page and "The provider is busy" in page
    assert page.count('<svg class="bars"') == 4
    answer = owner.get(f"/statistics/table.csv?days=7&bot={bot.id}")
    assert answer.mimetype == "text/csv" and "attachment" in answer.headers["Content-Disposition"]
    lines = list(csv.DictReader(io.StringIO(answer.get_data().decode("utf-8-sig"))))
    for column, value in (("questions", found.turns), ("tokens_in", found.tokens_in), ("failed", found.failed)):
        assert sum(int(line[column]) for line in lines) == value
    assert sum(round(float(line["cost"]) * 10**6) for line in lines) == found.cost["USD"] == 12_000_078
    assert {line["model"] for line in lines} == {"'=1+1"}


def test_statistics_show_nothing_of_another_tenant(house: Any, owner: Any) -> None:
    furnish(house.globex, house.foreign_bot, "GLOBEX-ONLY")
    for path in ("/statistics/", f"/statistics/?bot={house.foreign_bot.id}", "/statistics/table.csv", "/prices/"):
        assert "GLOBEX-ONLY" not in owner.get(path).text
    stranger = house.browser("owner@example.net")
    assert "GLOBEX-ONLY" in stranger.get("/statistics/").text
    assert "ACME-ONLY" not in stranger.get("/statistics/table.csv").text
    only = owner.get(f"/statistics/table.csv?bot={house.foreign_bot.id}").get_data().decode("utf-8-sig")
    assert len(only.splitlines()) == 1


def test_prices_are_entered_with_a_comma_and_a_wrong_one_changes_nothing(house: Any, owner: Any) -> None:
    change_prices(house.acme, Prices(models={"openai:a": Price(tokens_in=1, tokens_out=1)}))
    assert "not offered any more" in owner.get("/prices/").text
    owner.post("/prices/save", {"currency": "INR", "in_0": "0,25", "out_0": "1.50"})
    prices = load_tenant(house.platform, slug="acme").prices
    assert prices == Prices(currency="INR", models={"openai:a": Price(tokens_in=250_000, tokens_out=1_500_000)})
    for wrong in ("much", "-1", "1e99", "9" * 25):
        answer = owner.post("/prices/save", {"currency": "EUR", "in_0": wrong, "out_0": "1"})
        assert "Please enter a number." in answer.text and load_tenant(house.platform, slug="acme").prices == prices
    owner.post("/prices/save", {"currency": "EUR", "in_0": "", "out_0": ""})
    assert load_tenant(house.platform, slug="acme").prices == Prices(currency="EUR")
    owner.post("/prices/limits", {"month_messages": "1000", "at_limit": "refuse"})
    assert load_tenant(house.platform, slug="acme").caps.month_messages == 1000
    assert "0 / 1,000" in owner.get("/prices/").text.replace("\n", "")
    owner.post("/prices/limits", {"at_limit": "refuse"})


@pytest.mark.parametrize("language, words", [("de", "Grenzen"), ("hi", "सीमाएँ")])
def test_the_panel_speaks_the_language_of_the_person(owner: Any, bot: Any, language: str, words: str) -> None:
    owner.get("/")
    owner.post("/account/language", {"language": language, "back": "/"})
    for path in (f"/model/{bot.id}/", "/prices/"):
        assert words in owner.get(path).text
    answer = owner.post(f"/playground/{bot.id}/ask", {"question": "x"})
    assert {"de": "Modell", "hi": "मॉडल"}[language] in dict(events(answer)[-1]["figures"])
    owner.post("/account/language", {"language": "en", "back": "/"})


@pytest.mark.parametrize(
    "text, value",
    [("1.5", "1.5"), ("1,5", "1.5"), ("1.234,5", "1234.5"), ("1,234.5", "1234.5"), (" 1 234 ", "1234"), ("", "None")],
)
def test_numbers_are_read_as_people_write_them(house: Any, text: str, value: str) -> None:
    with house.app.test_request_context():
        assert str(parse_decimal(text)) == value


def test_money_has_as_many_signs_as_it_needs(house: Any) -> None:
    with house.app.test_request_context():
        said = [money(n, "EUR") for n in (0, 12_340_000, 1_234, 7)]
        assert said == ["€0.00", "€12.34", "€0.0012", "€0.000007"]
        assert costs({}) == "–" and costs({"USD": 1_000_000, "EUR": 2_000_000}) == "€2.00 + $1.00"
