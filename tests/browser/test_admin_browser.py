"""The admin in a real browser: axe-core finds nothing serious, the policy is kept, nothing foreign is asked for."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.serving import make_server

from conftest import ROOT, missing
from webchatagent.core.bots import save_settings
from webchatagent.core.db.chats import ChatSession, Message

sys.path.insert(0, str(ROOT))
from tests.admin import thirdparty
from tests.admin.conftest import PASSWORD, House, build

AXE = ROOT / "widget" / "node_modules" / "axe-core" / "axe.min.js"
PAGES = (
    "/",
    "/bots/list/",
    "/bots/add",
    "/bots/show/{bot}",
    "/bots/edit/{bot}",
    "/sources/{bot}/",
    "/embed/{bot}/",
    "/model/{bot}/",
    "/model/{bot}/compare",
    "/playground/{bot}/",
    "/sent/{answered}/{answer}",
    "/statistics/",
    "/prices/",
    "/conversations/",
    "/conversations/{talk}",
    "/contacts/list/",
    "/contacts/show/{contact}",
    "/contacts/edit/{contact}",
    "/marketplace/",
    "/marketplace/everything/",
    "/members/",
    "/keys/",
    "/usage/list/",
    "/jobs/list/",
    "/consents/list/",
    "/audit/",
    "/outbox/",
    "/outbox/{mail}",
    "/settings/",
    "/account/",
    "/account/second-step",
    "/bots/show/999999",
)
OPERATOR = ("/tenants/", "/people/", "/health/")
OPEN = ("/login/", "/register/", "/reset/")
CHECK = "() => axe.run(document, {resultTypes: ['violations']})"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, migrated_database: Path) -> Iterator[tuple[House, str]]:
    """A furnished admin on a port, with plugins of others."""
    if not AXE.exists():
        missing("axe-core is not installed (npm ci --prefix widget)")
    with thirdparty.installed(tmp_path_factory.mktemp("packages")):
        house = build(tmp_path_factory.mktemp("house"), migrated_database)
        server = make_server("127.0.0.1", 0, DispatcherMiddleware(_nothing, {"/admin": house.app}), threaded=True)
        Thread(target=server.serve_forever, daemon=True).start()
        yield house, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def _nothing(environ: Any, start_response: Any) -> list[bytes]:
    start_response("404 NOT FOUND", [])
    return [b""]


def look(chromium: Any, base: str, who: str, paths: tuple[str, ...], **options: Any) -> list[str]:
    """Open pages as somebody; everything that is wrong with them."""
    wrong: list[str] = []
    context = chromium.new_context(**options)
    context.set_default_timeout(15000)
    page = context.new_page()
    page.on("console", lambda m: wrong.append(f"console: {m.text}") if "Content Security" in m.text else None)
    page.on("pageerror", lambda e: wrong.append(f"error: {e}"))
    page.on("request", lambda r: None if r.url.startswith((base, "data:")) else wrong.append(f"foreign: {r.url}"))
    if who:
        page.goto(f"{base}/admin/login/")
        page.fill("#email", who)
        page.fill("#password", PASSWORD)
        page.click("button.primary")
    for path in paths:
        page.goto(f"{base}/admin{path}")
        page.evaluate(AXE.read_text(encoding="utf-8"))
        for found in page.evaluate(CHECK)["violations"]:
            if found["impact"] in ("serious", "critical"):
                places = [node["target"] for node in found["nodes"][:3]]
                wrong.append(f"{path}: {found['id']} ({found['impact']}) {places}")
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if wide > 0:
            wrong.append(f"{path}: {wide} px too wide")
    context.close()
    return wrong


@pytest.mark.browser
@pytest.mark.parametrize(
    "scheme, width, locale",
    [("light", 1280, "en"), ("dark", 1280, "de"), ("light", 390, "hi"), ("dark", 390, "en")],
)
def test_pages_can_be_used_by_everybody_and_call_nobody(
    chromium: Any, served: tuple[House, str], scheme: str, width: int, locale: str
) -> None:
    house, base = served
    paths = tuple(path.format(**house.ids["acme"]) for path in PAGES)
    options = {"color_scheme": scheme, "locale": locale, "viewport": {"width": width, "height": 900}}
    wrong = look(chromium, base, "owner@example.org", paths, **options)
    wrong += look(chromium, base, "root@example.org", OPERATOR, **options)
    wrong += look(chromium, base, "", OPEN, **options)
    assert not wrong


@pytest.mark.browser
def test_a_problem_is_read_with_its_field(chromium: Any, served: tuple[House, str]) -> None:
    _, base = served
    context = chromium.new_context()
    page = context.new_page()
    page.goto(f"{base}/admin/login/")
    page.fill("#email", "owner@example.org")
    page.fill("#password", PASSWORD)
    page.click("button.primary")
    page.goto(f"{base}/admin/marketplace/everything/")
    page.fill("#c_amount", "77")
    page.click(".columns form button.primary")
    field = page.locator("#c_amount")
    field.wait_for()
    assert field.get_attribute("aria-invalid") == "true"
    described = page.locator(f"#{field.get_attribute('aria-describedby')}")
    assert "at most 9" in described.inner_text()
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate(CHECK)["violations"]
    assert not [v["id"] for v in found if v["impact"] in ("serious", "critical")]
    context.close()


@pytest.mark.browser
def test_the_playground_answers_twice_side_by_side_and_shows_what_is_sent(
    chromium: Any, served: tuple[House, str]
) -> None:
    house, base = served
    bot = house.ids["acme"]["bot"]
    save_settings(house.acme, bot, {"instructions": "Say <b>please</b>."}, note="Politer")
    context = chromium.new_context()
    page = context.new_page()
    page.goto(f"{base}/admin/login/")
    page.fill("#email", "owner@example.org")
    page.fill("#password", PASSWORD)
    page.click("button.primary")
    page.goto(f"{base}/admin/playground/{bot}/")
    assert page.locator("[data-side]:visible").count() == 1
    page.click("[data-second]")
    page.locator("[data-side=b] [data-version]").select_option("1")
    page.fill("#question", "When? I am karl.weber@example.com <script>alert(1)</script>")
    page.keyboard.press("Enter")
    page.locator("[data-side=a] [data-figures]:visible").wait_for()
    page.locator("[data-side=b] [data-figures]:visible").wait_for()
    new, old = (page.locator(f"[data-side={side}] .sent").text_content() for side in "ab")
    assert "Say <b>please</b>." in new and "please" not in old
    assert "<EMAIL_1>" in new and "karl.weber" not in new and "<script>alert(1)</script>" in new
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate(CHECK)["violations"]
    assert not [v["id"] for v in found if v["impact"] in ("serious", "critical")]
    page.click("[data-side=b] [data-close]")
    assert page.locator("[data-side]:visible").count() == 1
    context.close()


@pytest.mark.browser
def test_the_preview_shows_what_is_typed_before_it_is_saved_and_calls_nobody(
    chromium: Any, served: tuple[House, str]
) -> None:
    house, base = served
    bot = house.ids["acme"]["bot"]
    before = _talks(house)
    context = chromium.new_context(viewport={"width": 1440, "height": 1000})
    context.set_default_timeout(8000)
    page = context.new_page()
    wrong: list[str] = []
    page.on("console", lambda m: wrong.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda e: wrong.append(str(e)))
    page.on("request", lambda r: wrong.append(r.url) if "/api/" in r.url or not r.url.startswith(base) else None)
    page.goto(f"{base}/admin/login/")
    page.fill("#email", "owner@example.org")
    page.fill("#password", PASSWORD)
    page.click("button.primary")
    page.goto(f"{base}/admin/bots/edit/{bot}")
    frame = page.frame_locator("[data-preview] iframe")
    greeting = frame.locator(".greeting")
    greeting.filter(has_text="Ask me anything about ACME-ONLY Help").wait_for()
    page.fill("#greeting", "Welcome <b>in</b>!")
    greeting.filter(has_text="Welcome <b>in</b>!").wait_for()
    page.fill("#name", "ACME-ONLY Help Desk")
    frame.locator("h2", has_text="ACME-ONLY Help Desk").wait_for()
    page.fill("#accent", "#aa2200")
    page.select_option("#theme", "dark")
    page.select_option("#position", "left")
    frame.locator(".frame.left[data-theme=dark]").wait_for()
    assert "#aa2200" in frame.locator(".frame").get_attribute("style")
    page.fill("#suggestions", "One?\nTwo?")
    frame.locator(".suggestions button").nth(1).wait_for()
    assert page.evaluate("document.activeElement.id") == "suggestions"  # the frame takes the focus from nobody
    page.fill("#teaser", "Any question?")
    frame.locator(".t", has_text="Any question?").wait_for()
    page.select_option("[data-mode]", "answer")
    frame.locator("sup .cite", has_text="1").wait_for()
    page.select_option("[data-locale]", "hi")
    frame.locator(".frame[lang=hi] .msg", has_text="यह एक उदाहरण है").wait_for()
    frame.locator("textarea").fill("Really?")
    frame.locator("textarea").press("Enter")
    frame.locator(".msg.bot").nth(1).locator(".cite").wait_for()
    assert not wrong and _talks(house) == before
    assert page.evaluate("Object.keys(localStorage).length") == 0
    context.close()


def _talks(house: House) -> list[int]:
    with house.acme.read() as db:
        return [db.query(kind).count() for kind in (ChatSession, Message)]
