"""My data, in a browser: what is kept is shown, saved, limited and erased, by mouse and by keyboard."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from test_widget_parts import CONTRAST, PHONE, ask

pytestmark = pytest.mark.browser
SHOTS = os.environ.get("SCREENSHOTS", "")
MINE = {
    "parts": [
        {"plugin": "core", "name": "messages", "title": "Messages", "count": 4, "rows": [{"text": "<b>Hello</b>"}]},
        {"plugin": "core", "name": "consents", "title": "Consents", "count": 1, "rows": []},
        {"plugin": "calendar", "name": "appointments", "title": "<img src=x onerror=alert(1)>", "count": 2, "rows": []},
        {"plugin": "core", "name": "mails", "title": "Mails to you", "count": 0, "rows": []},
    ],
    "complete": True,
}


def shot(page, name):
    if SHOTS:
        page.wait_for_timeout(400)
        page.screenshot(path=str(Path(SHOTS) / f"mydata_{name}.png"))


def open_mine(page, menu="Menu", mine="My data"):
    ask(page, "Hello")
    page.get_by_role("button", name=menu, exact=True).click()
    page.get_by_role("button", name=mine, exact=True).click()
    page.locator(".kept li").first.wait_for()


def test_what_is_kept_is_shown_and_saved(visit, fake):
    fake.mine = MINE
    page = visit()
    open_mine(page)
    shown = page.locator(".kept li").all_inner_texts()
    assert len(shown) == 3 and "Messages" in shown[0] and "4" in shown[0] and "<img" in shown[2]
    sent = fake.asked("/api/me")[0]
    assert sent["headers"].get("X-Chat-Session-Id") and sent["query"] == "lang=en"
    shot(page, "light")
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save a copy").click()
    assert json.loads(Path(saved.value.path()).read_text())["parts"][0]["rows"] == [{"text": "<b>Hello</b>"}]
    page.keyboard.press("Escape")
    assert page.locator(".veil").count() == 0 and page.problems == []


def test_a_right_takes_one_click(visit, fake):
    fake.mine, fake.posted = MINE, (201, {"state": "done"})
    page = visit()
    open_mine(page)
    page.get_by_role("button", name="Do not use it any more").click()
    page.get_by_text("It is done.").wait_for()
    assert fake.asked("/api/me/requests")[-1]["body"] == {"kind": "restrict"}
    page.get_by_role("button", name="Close", exact=True).click()
    assert page.get_by_text("Hello", exact=True).count() == 0, "what is not to be used is not shown either"


def test_what_failed_is_said(visit, fake):
    fake.mine, fake.posted = {**MINE, "complete": False}, (201, {"state": "incomplete"})
    page = visit()
    open_mine(page)
    assert page.get_by_text("A part did not answer yet").count() == 1
    page.get_by_role("button", name="Take back all consents").click()
    page.get_by_text("A part did not answer yet").wait_for()
    assert fake.asked("/api/me/requests")[-1]["body"] == {"kind": "withdraw"}


def test_everything_is_erased_after_a_question(visit, fake):
    fake.mine, fake.posted = MINE, (201, {"state": "done"})
    page = visit()
    open_mine(page)
    page.locator(".deeds .danger").click()
    page.get_by_role("button", name="Keep it").click()
    assert not fake.asked("/api/me/requests")
    page.get_by_role("button", name="Menu", exact=True).click()
    page.get_by_role("button", name="My data", exact=True).click()
    page.locator(".deeds .danger").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_text("messages will be deleted").wait_for()
    assert fake.asked("/api/me/requests")[-1]["body"] == {"kind": "erase"}
    assert fake.asked("/api/chat/end")[-1]["body"] == {"erase": True}


def test_it_is_read_in_the_dark_in_hindi_on_a_phone(visit, fake):
    fake.mine, fake.lang = MINE, "hi"
    fake.config["locale"] = "hi"
    page = visit(**PHONE, color_scheme="dark", locale="hi")
    open_mine(page, "मेनू", "मेरा डेटा")
    shot(page, "dark_phone_hi")
    assert page.evaluate(CONTRAST) == []
