"""Times to choose from, in a browser: by mouse, by keyboard alone, in the dark, in Hindi, on a phone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from test_widget_parts import CONTRAST, PHONE, ask

pytestmark = pytest.mark.browser
SHOTS = os.environ.get("SCREENSHOTS", "")
WORDS = {
    "en": ("Free times", "Times are those of Berlin.", "Tuesday, 1 December", "I would like time {n} (#{w})"),
    "hi": ("खाली समय", "समय बर्लिन के हैं।", "मंगलवार, 1 दिसंबर", "मुझे समय {n} चाहिए (#{w})"),
}


def slots(locale="en"):
    """A part as the plugin makes it."""
    title, text, day, value = WORDS[locale]
    times = [("09:00", "08:00"), ("09:30", "08:30"), ("10:00", "09:00"), ("10:30", "09:30"), ("11:00", "10:00")]
    made = [
        {"id": f"k7f3m{n}", "label": own, "at": f"2026-12-01T{utc}:00+00:00", "value": value.format(n=n, w=f"k7f3m{n}")}
        for n, (own, utc) in enumerate(times, 1)
    ]
    days = [{"label": day, "slots": made}, {"label": f"{day} + 1", "slots": made[:2]}]
    return {"type": "slots", "title": title, "text": text, "zone": "Europe/Berlin", "days": days}


def shot(page, name):
    if SHOTS:
        page.wait_for_timeout(400)
        page.screenshot(path=str(Path(SHOTS) / f"slots_{name}.png"))


def test_a_time_is_chosen_by_keyboard_alone_and_said(visit, fake):
    fake.parts = [slots()]
    page = visit(timezone_id="Europe/Berlin")
    ask(page, "When can I come?")
    first = page.locator(".times button").first
    first.focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft"):
        page.keyboard.press(key)
    focused = "() => document.querySelector('webchatagent-widget').shadowRoot.activeElement?.textContent"
    assert page.evaluate(focused) == "09:30"
    page.keyboard.press("End")
    assert page.evaluate(focused) == "09:30" and page.locator(".times button[tabindex='0']").count() == 1
    page.keyboard.press("Home")
    assert page.evaluate(focused) == "09:00"
    fake.parts = []
    shot(page, "light")
    page.keyboard.press("Enter")
    page.locator(".acts").nth(1).wait_for()
    assert fake.asked("/api/chat")[-1]["body"]["message"] == "I would like time 1 (#k7f3m1)"
    assert page.locator(".times button[aria-pressed='true']").count() == 1
    assert page.get_by_role("group", name="Free times").count() == 1 and page.problems == []


def test_another_clock_shows_its_own_time_too(visit, fake):
    fake.parts = [slots()]
    page = visit(timezone_id="Asia/Kolkata")
    ask(page, "When can I come?")
    assert (
        "13:30" in page.locator(".times button").first.inner_text()
        or "1:30" in page.locator(".times button").first.inner_text()
    )
    shot(page, "other_clock")


@pytest.mark.parametrize(("name", "options"), [("dark", {"color_scheme": "dark", **PHONE}), ("light", PHONE)])
@pytest.mark.parametrize("locale", ["en", "hi"])
def test_times_can_be_read_and_pressed_on_a_phone(visit, fake, name, options, locale):
    fake.parts = [slots(locale)]
    fake.config.update(locale=locale)
    page = visit(timezone_id="Europe/Berlin", **options)
    ask(page, "?")
    page.locator(".times").first.wait_for()
    shot(page, f"phone_{name}_{locale}")
    for box in [b.bounding_box() for b in page.locator(".times button").all()]:
        assert box["height"] >= 44 and box["width"] >= 44 and box["x"] + box["width"] <= 390
    assert page.evaluate(CONTRAST) == []
