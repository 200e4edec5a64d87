"""Keyboard, screen reader, phone, languages and hostile page styles."""

import re
from pathlib import Path

import pytest
from fake_platform import BOT, HEADER

pytestmark = pytest.mark.browser
ACTIVE = "document.querySelector('webchatagent-widget').shadowRoot.activeElement"
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
CONTRAST = (Path(__file__).parent / "contrast.js").read_text(encoding="utf-8")


def ask(page, text="When are you open?") -> None:
    page.fill("textarea", text)
    page.keyboard.press("Enter")
    page.locator(".acts").first.wait_for()


def test_keyboard_only(visit, fake):
    page = visit()
    page.wait_for_selector(".l")
    launcher = page.locator(".l")
    assert launcher.get_attribute("aria-expanded") == "false" and launcher.get_attribute("aria-label") == "Open chat"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector("textarea")
    assert launcher.get_attribute("aria-expanded") == "true"
    assert page.evaluate(f"{ACTIVE}.localName") == "textarea"
    page.keyboard.type("one")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("two")
    assert page.input_value("textarea") == "one\ntwo" and fake.asked("/api/chat") == []
    page.keyboard.press("Enter")
    page.locator(".acts").wait_for()
    assert page.input_value("textarea") == "" and page.evaluate(f"{ACTIVE}.localName") == "textarea"
    for _ in range(12):
        page.keyboard.press("Shift+Tab")
        if page.evaluate(f"{ACTIVE}?.matches('.source button') ?? false"):
            break
    page.keyboard.press("Enter")
    assert page.locator(".excerpt").is_visible()
    page.keyboard.press("Escape")
    assert not page.locator("textarea").is_visible()
    assert page.evaluate(f"{ACTIVE}.className").startswith("l ")


def test_menu_and_question_by_keyboard(visit, fake):
    page = visit()
    page.click(".l")
    ask(page)
    page.get_by_role("button", name="Menu").focus()
    page.keyboard.press("Enter")
    assert page.evaluate(f"{ACTIVE}.textContent") == "End chat"
    page.keyboard.press("Escape")
    assert page.evaluate(f"{ACTIVE}.getAttribute('aria-label')") == "Menu" and page.locator("textarea").is_visible()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate(f"{ACTIVE}.textContent") == "Keep it"
    for _ in range(3):
        page.keyboard.press("Tab")
    assert page.evaluate(f"{ACTIVE}.textContent") == "Delete"
    page.keyboard.press("Escape")
    assert page.get_by_role("alertdialog").count() == 0 and fake.asked("/api/chat/end") == []


def test_enter_of_an_input_method_does_not_send(visit, fake):
    page = visit()
    page.click(".l")
    page.fill("textarea", "नमस")
    key = "new KeyboardEvent('keydown', {key: 'Enter', bubbles: true, cancelable: true, isComposing: true})"
    page.locator("textarea").evaluate(f"(el) => el.dispatchEvent({key})")
    page.wait_for_timeout(200)
    assert page.input_value("textarea") == "नमस" and fake.asked("/api/chat") == []


def test_growing_text_is_silent_and_the_answer_is_announced_once(visit, fake):
    fake.delay = 0.004
    page = visit()
    page.click(".l")
    page.locator(".sr[role=status]").evaluate(
        "(voice) => { window.said = []; const note = () => said.push(voice.textContent);"
        " new MutationObserver(note).observe(voice, {childList: true}); }"
    )
    ask(page)
    log = page.get_by_role("log")
    assert log.get_attribute("aria-live") == "polite"
    assert page.locator(".bot").get_attribute("aria-live") == "off"
    spoken = page.evaluate("said")
    assert spoken[0] == "Writing an answer…" and len(spoken) == 2
    assert spoken[1].startswith("We are open Monday to Friday from 9:00 to 18:00.")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("accent", ["#1d5bd8", "#ffe14d", "#101010", "#f4f4f4"])
def test_contrast(visit, fake, scheme, accent):
    fake.config.update(accent=accent, suggestions=["Hours?"], privacyUrl="/t/shop/privacy")
    page = visit(color_scheme=scheme, reduced_motion="reduce")
    page.click(".l")
    assert page.evaluate(CONTRAST) == []
    ask(page)
    page.get_by_role("button", name="Menu").click()
    assert page.evaluate(CONTRAST) == []


def test_phone_fills_the_screen_and_keeps_the_focus(visit, fake):
    page = visit(**PHONE)
    page.tap(".l")
    page.wait_for_selector("textarea")
    frame = page.locator(".frame")
    page.wait_for_timeout(400)
    assert frame.bounding_box() == {"x": 0, "y": 0, "width": 390, "height": 844}
    assert frame.get_attribute("aria-modal") == "true" and not page.locator(".l").is_visible()
    ask(page)
    for _ in range(25):
        page.keyboard.press("Tab")
        assert page.evaluate(f"{ACTIVE} !== null && {ACTIVE}.closest('.frame') !== null")
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    small = page.locator(".frame button:not(.cite), .frame .source a").evaluate_all(
        "(all) => all.filter((el) => el.getClientRects().length).map((el) => el.getBoundingClientRect())"
        ".filter((box) => box.width < 44 || box.height < 44).length"
    )
    assert small == 0
    page.get_by_role("button", name="Close chat").tap()
    assert page.locator(".l").is_visible()


@pytest.mark.seed("SR-164")
@pytest.mark.parametrize(
    ("locale", "opener", "send"), [("de", "Chat öffnen", "Nachricht senden"), ("hi", "चैट खोलें", "संदेश भेजें")]
)
def test_language_of_the_bot(visit, fake, locale, opener, send):
    fake.config.update(locale=locale)
    page = visit()
    page.wait_for_selector(".l")
    assert page.locator(".l").get_attribute("aria-label") == opener
    page.click(".l")
    page.get_by_role("button", name=send).wait_for()
    assert page.locator(".frame").get_attribute("lang") == locale
    page.get_by_role("button", name={"de": "Menü", "hi": "मेनू"}[locale]).click()
    shown = page.locator(".frame").inner_text() + " ".join(
        page.locator(".frame [aria-label]").evaluate_all("(all) => all.map((el) => el.getAttribute('aria-label'))")
    )
    shown = shown.replace("Fern & Feather", "").replace("English", "").replace("Deutsch", "")
    assert not re.search(r"\b(chat with|write|message|close|privacy|answers|language|menu\b)", shown, re.I), shown


def test_chosen_language_is_used_for_legal_pages_and_stored_nowhere(visit, fake):
    fake.config.update(privacyUrl="/t/shop/privacy", greeting={"en": "Hello there!", "de": "Hallo!", "hi": "नमस्ते!"})
    page = visit()
    page.click(".l")
    assert page.locator(".greeting").inner_text() == "Hello there!"
    page.get_by_role("button", name="Menu").click()
    page.get_by_role("button", name="Deutsch").click()
    assert page.get_by_role("button", name="Nachricht senden").is_visible()
    assert page.locator(".greeting").inner_text() == "Hallo!"
    assert page.locator(".l").get_attribute("aria-label") == "Chat schließen"
    assert page.locator(".foot a").get_attribute("href") == f"{fake.base}/t/shop/privacy?lang=de"
    assert page.evaluate("Object.keys(localStorage)") == []


def test_hostile_page_styles_do_not_reach_in(visit, fake):
    fake.page_style = "*{font-size:40px!important;display:none;position:static!important;color:red!important}"
    fake.page_style += "body,html{display:block!important}"
    fake.page_style += "webchatagent-widget{display:none!important;opacity:0!important;transform:scale(0)!important}"
    page = visit()
    page.click(".l")
    page.wait_for_selector("textarea")
    assert page.locator("h2").evaluate("(el) => getComputedStyle(el).fontSize") == "16px"
    assert page.locator("webchatagent-widget").evaluate("(el) => getComputedStyle(el).opacity") == "1"


def test_keys_typed_in_the_chat_do_not_trigger_the_page(visit, fake):
    page = visit(before="window.keys = 0; addEventListener('keydown', () => keys++)")
    page.click(".l")
    page.wait_for_selector("textarea")
    page.keyboard.type("hello")
    assert page.evaluate("keys") == 0


def test_feedback_is_sent_and_shown(visit, fake):
    page = visit()
    page.click(".l")
    ask(page)
    thumb = page.get_by_role("button", name="Helpful answer", exact=True)
    thumb.click()
    assert thumb.get_attribute("aria-pressed") == "true"
    page.wait_for_timeout(200)
    sent = fake.asked("/api/chat/feedback")[0]
    assert sent["body"]["rating"] == "up" and sent["body"]["messageId"].startswith("answer-")
    assert sent["headers"][HEADER]


def test_too_long_a_message_is_held_back(visit, fake):
    fake.config["maxMessage"] = 20
    page = visit()
    page.click(".l")
    page.fill("textarea", "x" * 21)
    assert page.get_by_role("button", name="Send message").is_disabled()
    assert "21" in page.locator(".count").inner_text()
    page.keyboard.press("Enter")
    assert fake.asked("/api/chat") == [] and len(page.input_value("textarea")) == 21


def test_plain_http_server_is_refused(visit, fake):
    page = visit()
    page.wait_for_selector(".l")
    asked = len(fake.requests)
    script = "const s = document.createElement('script'); s.src = 'http://chat.example/widget/v1/loader.js';"
    script += f"s.dataset.bot = '{BOT}'; document.body.append(s)"
    loader = page.request.get(fake.base + "/widget/v1/loader.js").text()
    page.route("http://chat.example/**", lambda route: route.fulfill(body=loader, content_type="text/javascript"))
    page.evaluate("WebChatAgent('destroy'); window.codes = []")
    page.evaluate("addEventListener('webchatagent:error', (e) => codes.push(e.detail.code))")
    page.evaluate(script)
    page.wait_for_function("codes.length === 1")
    assert page.evaluate("codes") == ["not_started"] and page.locator("webchatagent-widget").count() == 0
    assert len(fake.requests) == asked + 1
