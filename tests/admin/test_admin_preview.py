"""The preview of the chat window: who sees it, what its page may do, and that nothing of it is kept."""

from __future__ import annotations

import json
import re
from html import unescape
from typing import Any

import pytest

from webchatagent.core.db.chats import ChatSession, Message

from .conftest import ROLES, SECRET_A, SECRET_B


@pytest.fixture(scope="module")
def owner(house: Any) -> Any:
    return house.browser("owner@example.org")


def started(page: str) -> dict[str, Any]:
    """What the frame hands to the widget."""
    found = re.search(r'data-start="([^"]+)"', page)
    assert found
    values: dict[str, Any] = json.loads(unescape(found[1]))
    return values


def rows(house: Any) -> list[int]:
    with house.acme.read() as db:
        return [db.query(kind).count() for kind in (ChatSession, Message)]


@pytest.mark.parametrize("role", ROLES)
def test_every_member_sees_the_preview_of_their_own_bots_only(house: Any, role: str) -> None:
    browser = house.browser(f"{role}@example.org")
    assert SECRET_A in browser.get(f"/preview/{house.bot.id}/").text
    answer = browser.get(f"/preview/{house.foreign_bot.id}/")
    assert answer.status_code == 404 and SECRET_B not in answer.text


def test_nobody_else_sees_it(house: Any) -> None:
    answer = house.browser().get(f"/preview/{house.bot.id}/")
    assert answer.status_code == 302 and "/login/" in answer.headers["Location"]
    assert house.browser("owner@example.net").get(f"/preview/{house.bot.id}/").status_code == 404


def test_the_frame_can_call_nobody_and_only_the_admin_shows_it(house: Any, owner: Any) -> None:
    frame = owner.get(f"/preview/{house.bot.id}/")
    policy = dict(p.strip().split(" ", 1) for p in frame.headers["Content-Security-Policy"].split(";"))
    assert policy["connect-src"] == "'none'" and policy["frame-ancestors"] == "'self'"
    assert policy["default-src"] == "'none'" and "unsafe" not in str(policy)
    assert re.search(r"'nonce-[\w-]{20,}'", policy["script-src"])
    assert all("src=" in tag and "nonce=" in tag for tag in re.findall(r"<script[^>]*>", frame.text))
    around = owner.get(f"/bots/edit/{house.bot.id}").headers["Content-Security-Policy"]
    assert "frame-src 'self'" in around and "frame-ancestors 'none'" in around


def test_the_preview_begins_with_an_example_that_cites_a_source_and_keeps_nothing(house: Any, owner: Any) -> None:
    before = rows(house)
    page = owner.get(f"/preview/{house.bot.id}/").text
    values = started(page)
    assert values["config"]["id"] == "preview" and house.bot.public_id not in page
    assert set(values["example"]) == set(values["greetings"]) == {"en", "de", "hi"}
    assert all("[1]" in e["answer"] and e["source"] and e["question"] for e in values["example"].values())
    assert all("{name}" in text for text in values["greetings"].values())
    assert rows(house) == before


def test_markup_in_a_name_stays_text(house: Any, owner: Any) -> None:
    from webchatagent.core.bots import create_bot

    evil = '"><script>alert(1)</script>'
    made = create_bot(house.acme, "evil-preview", evil)
    page = owner.get(f"/preview/{made.id}/").text
    assert "<script>alert" not in page and started(page)["config"]["name"] == evil


def test_the_pages_of_a_bot_have_a_frame_with_a_title(house: Any, owner: Any) -> None:
    for path in ("show", "edit"):
        page = owner.get(f"/bots/{path}/{house.bot.id}").text
        frame = re.search(r"<iframe [^>]+>", page)
        assert (
            frame
            and f'src="/admin/preview/{house.bot.id}/"' in frame[0]
            and 'title="Preview of the chat of ' in frame[0]
        )


def test_the_files_of_the_widget_are_served_beside_the_admin(house: Any) -> None:
    answer = house.browser().get("/widget/v1/loader.js")
    assert answer.status_code == 200 and answer.mimetype == "text/javascript" and "WebChatAgent" in answer.text
    assert house.browser().get("/widget/v1/../../core/secrets.py").status_code == 404
