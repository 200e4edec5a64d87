"""What a tenant can do to be noticed, and what plugins put under an answer: teaser, auto-open, buttons, cards, forms."""

from __future__ import annotations

from pathlib import Path

import pytest
from fake_platform import BOT, HEADER

pytestmark = pytest.mark.browser
KEY = f"webchatagent:{BOT}:session"
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
TALL = "body{height:3000px}"
CONTRAST = (Path(__file__).parent / "contrast.js").read_text(encoding="utf-8")
EVENTS = """window.seen = [];
for (const name of 'open lead booking consent error'.split(' '))
  addEventListener('webchatagent:' + name, (e) => seen.push([name, e.detail ?? null]));"""
FORM = {
    "type": "form",
    "id": "callback",
    "title": "We call you back",
    "action": "/api/leads",
    "event": "lead",
    "submit": "Send request",
    "fields": [
        {"name": "name", "label": "Your name", "required": True, "maxLength": 60},
        {"name": "email", "label": "E-mail", "type": "email", "required": True},
        {"name": "phone", "label": "Phone", "type": "tel"},
        {
            "name": "topic",
            "label": "Topic",
            "type": "select",
            "options": ["Delivery", {"label": "Returns", "value": "r"}],
        },
        {"name": "agree", "label": "I agree.", "type": "checkbox", "required": True, "url": "https://shop.example/p"},
    ],
}
CARD = {
    "type": "card",
    "id": "b1",
    "title": "Your appointment",
    "rows": [{"label": "Day", "value": "Monday"}],
    "event": "booking",
    "buttons": [
        {"label": "Confirm", "action": "/api/actions/7/confirm"},
        {"label": "Not now", "action": "/api/actions/7/decline"},
        {"label": "Directions", "url": "https://shop.example/map"},
        {"label": "Ask more", "value": "Tell me more"},
    ],
}


def ask(page, text="Can someone call me?") -> None:
    if not page.locator(".composer textarea").is_visible():
        page.click(".l")
    page.fill(".composer textarea", text)
    page.keyboard.press("Enter")
    page.locator(".acts").last.wait_for()


# -- teaser and auto-open -----------------------------------------------------------------------------------------


def test_a_teaser_comes_from_the_config_alone(visit, fake):
    fake.config["teaser"] = {"text": "Questions about delivery?", "after": 3}
    page = visit()
    page.wait_for_selector(".l")
    assert page.locator(".t").count() == 0
    page.locator(".t").wait_for()
    assert page.locator(".t").inner_text().startswith("Questions about delivery?")
    paths = {r["path"] for r in fake.requests} - {"/", "/favicon.ico"}
    assert paths == {f"/api/bots/{BOT}/config", "/widget/v1/loader.js"}
    assert page.evaluate("localStorage.length + sessionStorage.length") == 0
    page.get_by_role("button", name="Questions about delivery?").click()
    page.wait_for_selector("textarea")
    assert page.locator(".t").count() == 0


def test_a_teaser_can_be_hidden_and_goes_when_the_chat_opens(visit, fake):
    fake.config["teaser"] = {"text": "Hi", "after": 0}
    page = visit()
    page.get_by_role("button", name="Hide this hint").click()
    assert page.locator(".t").count() == 0 and not page.locator("textarea").is_visible()
    page = visit()
    page.locator(".t").wait_for()
    page.click(".l")
    page.wait_for_selector("textarea")
    assert page.locator(".t").count() == 0


@pytest.mark.parametrize("setting", ["teaser", "autoOpen"])
def test_who_talked_before_is_left_alone(visit, fake, setting):
    fake.config[setting] = {"text": "Hi", "after": 0}
    fake.page_style = TALL
    page = visit(before=f"localStorage.setItem('{KEY}', 'A'.repeat(43))")
    page.wait_for_selector(".l")
    page.mouse.wheel(0, 400)
    page.wait_for_timeout(400)
    assert page.locator(".t").count() == 0 and page.locator(".frame").count() == 0


def test_the_chat_opens_by_itself_only_after_the_visitor_did_something(visit, fake):
    fake.config["autoOpen"] = {"after": 0.1}
    fake.page_style, fake.page_body = TALL, "<input id=search>"
    page = visit(before=EVENTS)
    page.wait_for_selector(".l")
    page.focus("#search")
    page.wait_for_timeout(500)
    assert page.locator(".frame").count() == 0
    assert not any("panel" in r["path"] for r in fake.requests)
    page.mouse.wheel(0, 400)
    page.locator(".frame").wait_for()
    assert page.evaluate("document.activeElement.id") == "search"  # it takes no focus away
    assert [name for name, _ in page.evaluate("seen")] == ["open"]
    assert fake.asked("/api/chat/history") == [] and page.evaluate("localStorage.length") == 0


def test_the_chat_never_covers_a_phone_by_itself(visit, fake):
    fake.config["autoOpen"] = {"after": 0}
    fake.page_style = TALL
    page = visit(**PHONE)
    page.wait_for_selector(".l")
    page.evaluate("scrollTo(0, 500)")
    page.wait_for_timeout(400)
    assert page.locator(".frame").count() == 0


def test_after_destroy_nothing_comes(visit, fake):
    fake.config["teaser"] = {"text": "Hi", "after": 0.3}
    page = visit(before=EVENTS)
    page.wait_for_selector(".l")
    page.evaluate("WebChatAgent('destroy')")
    page.wait_for_timeout(500)
    assert page.locator("webchatagent-widget").count() == 0 and page.problems == []


# -- parts --------------------------------------------------------------------------------------------------------


def test_a_form_says_what_is_missing_and_sends_what_was_written(visit, fake):
    fake.parts, fake.posted = [FORM], (200, {"message": "We call you tomorrow."})
    page = visit(before=EVENTS)
    ask(page)
    assert page.locator(".sr[role=status]").inner_text().endswith("We call you back")
    send = page.get_by_role("button", name="Send request")
    send.click()
    shown = page.locator(".part .wrong").all_inner_texts()
    assert shown[:2] == ["Please fill this in."] * 2 and shown[4] == "Please tick this to go on."
    assert page.get_by_label("Your name").evaluate("(el) => el.getRootNode().activeElement === el")
    page.get_by_label("Your name").fill("Jo")
    page.get_by_label("E-mail").fill("jo@")
    page.get_by_label("I agree.").check()
    send.click()
    assert "Please check the e-mail address." in page.locator(".part .wrong").all_inner_texts()
    assert page.get_by_label("E-mail").get_attribute("aria-invalid") == "true" and fake.asked("/api/leads") == []
    page.get_by_label("E-mail").fill("jo@example.org")
    page.get_by_label("Topic").select_option("Returns")
    send.click()
    page.locator(".done", has_text="We call you tomorrow.").wait_for()
    sent = fake.asked("/api/leads")[0]
    assert sent["body"] == {
        "chatbotId": BOT, "name": "Jo", "email": "jo@example.org", "phone": "", "topic": "r", "agree": True,
    }  # fmt: skip
    assert len(sent["headers"][HEADER]) == 43
    assert page.locator(".part form").count() == 0
    assert page.evaluate("seen.slice(1)") == [["lead", {"id": "callback"}]]


def test_the_servers_no_is_put_on_its_field(visit, fake):
    fake.parts = [{**FORM, "fields": FORM["fields"][:1]}]
    fake.posted = (422, {"error": {"code": "invalid_request", "message": "Nobody is called that.", "field": "name"}})
    page = visit()
    ask(page)
    page.get_by_label("Your name").fill("X")
    page.get_by_role("button", name="Send request").click()
    page.get_by_text("Nobody is called that.").wait_for()
    fake.posted = (429, {"error": {"code": "rate_limited", "message": "no"}})
    page.get_by_role("button", name="Send request").click()
    page.get_by_text("That was a lot of messages").wait_for()
    assert page.get_by_label("Your name").input_value() == "X"


def test_what_the_page_knows_fills_the_form_and_is_not_sent_before(visit, fake):
    fake.parts = [FORM]
    page = visit()
    page.wait_for_selector(".l")
    page.evaluate(
        "WebChatAgent('identify', {name: 'Jo', email: 'jo@example.org', phone: '123', role: {}, agree: true})"
    )
    ask(page)
    assert page.get_by_label("Your name").input_value() == "Jo" and page.get_by_label("Phone").input_value() == "123"
    assert not page.get_by_label("I agree.").is_checked()
    assert not any("jo@example.org" in str(r["body"]) for r in fake.requests)
    assert page.evaluate("JSON.stringify({...localStorage})").count("jo@") == 0


def test_a_form_without_an_address_becomes_a_message(visit, fake):
    fake.parts = [{"type": "form", "fields": [{"name": "size", "label": "Size"}]}]
    page = visit()
    ask(page)
    fake.parts = []
    page.get_by_label("Size").fill("40")
    page.get_by_role("button", name="Send", exact=True).click()
    page.locator(".me", has_text="Size: 40").wait_for()


def test_a_card_asks_and_does_it_once(visit, fake):
    fake.parts, fake.posted = [CARD], (200, {"message": "It is booked."})
    page = visit(before=EVENTS)
    ask(page)
    assert page.locator("dl").inner_text().split() == ["Day", "Monday"]
    link = page.get_by_role("link", name="Directions")
    assert link.get_attribute("rel") == "noopener noreferrer nofollow"
    page.get_by_role("button", name="Confirm").dblclick()
    page.locator(".done", has_text="It is booked.").wait_for()
    assert len(fake.asked("/api/actions/7/confirm")) == 1 and page.get_by_role("button", name="Not now").count() == 0
    assert ["booking", {"id": "b1"}] in page.evaluate("seen")


def test_a_failed_action_can_be_tried_again(visit, fake):
    fake.parts, fake.posted = [CARD], (503, {"error": {"code": "try_again", "message": "x"}})
    page = visit()
    ask(page)
    page.get_by_role("button", name="Confirm").click()
    page.get_by_text("We are very busy").wait_for()
    assert page.get_by_role("button", name="Confirm").is_enabled()


def test_a_button_says_its_value(visit, fake):
    fake.parts = [CARD]
    page = visit()
    ask(page)
    fake.parts = []
    page.get_by_role("button", name="Ask more").click()
    page.locator(".me", has_text="Tell me more").wait_for()


def test_parts_are_there_after_a_reload_and_what_was_done_is_said(visit, fake):
    fake.parts = [FORM, {**CARD, "done": "Booked for Monday."}]
    page = visit()
    ask(page)
    page.reload()
    page.click(".l")
    page.locator(".part form").wait_for()
    assert page.get_by_text("Booked for Monday.").is_visible()
    assert page.get_by_role("button", name="Confirm").count() == 0


@pytest.mark.parametrize(
    "action",
    [
        "https://evil.example/x",
        "//evil.example/x",
        "/api/../x",
        "/admin/x",
        "javascript:alert(1)",
        "/api/x?y",
        {},
        "/x/..%2f",
    ],
)
def test_nothing_is_posted_to_another_place(visit, fake, action):
    fake.parts = [{"type": "card", "text": "x", "buttons": [{"label": "Press", "action": action}, {"label": "Other"}]}]
    page = visit()
    ask(page)
    assert (
        page.get_by_role("button", name="Other").count() == 1 and page.get_by_role("button", name="Press").count() == 0
    )


def test_hostile_parts_are_text_or_nothing(visit, fake):
    evil = "<img src=x onerror=alert(1)>"
    bad = {"url": "javascript:alert(1)", "label": "bad"}
    fake.parts = [
        *(None, 5, [], {}, {"type": evil}, {"type": "form"}),
        {"type": "form", "fields": [None, 3, {"name": evil}, {"name": "__proto__"}]},
        {"type": "card", "title": evil, "text": {"a": 1}, "rows": "x", "buttons": [None, bad]},
        {"type": "form", "title": evil, "fields": [{"name": "a", "label": evil, "type": evil, "options": evil}]},
        {"text": evil, "done": {"x": 1}, "event": "error"},
    ]
    page = visit()
    ask(page)
    assert page.locator("img").count() == 0 and page.get_by_text(evil).count() >= 3
    assert page.get_by_role("link", name="bad").count() == 0 and page.get_by_role("button", name="bad").count() == 0
    assert page.problems == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("locale", ["en", "de", "hi"])
def test_forms_read_well_on_a_phone(visit, fake, scheme, locale):
    fake.config["locale"] = locale
    fake.parts = [FORM, CARD]
    page = visit(**PHONE, color_scheme=scheme, reduced_motion="reduce")
    ask(page)
    page.locator(".part .go").first.click()
    assert page.evaluate(CONTRAST) == []
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    small = page.locator(".part :is(button, select, input:not([type=checkbox]), label:has([type=checkbox]), .chip)")
    assert small.evaluate_all("(all) => all.filter((el) => el.getBoundingClientRect().height < 44).length") == 0
    shown = page.locator(".part .wrong").first.inner_text()
    assert (
        shown == {"en": "Please fill this in.", "de": "Bitte füllen Sie dieses Feld aus.", "hi": "कृपया इसे भरें।"}[locale]
    )
