"""The admin in a real browser: axe-core finds nothing serious, the policy is kept, nothing foreign is asked for."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
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
from tests.admin.routes import ALONE, OPEN, SPARE
from tests.admin.routes import TABLE as ROUTES

AXE = ROOT / "widget" / "node_modules" / "axe-core" / "axe.min.js"
TABLE = "admin in Chromium: axe-core, policy and requests of every page"
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


def pages(house: House) -> dict[str, list[str]]:
    """Who opens what: every route that shows a page, from the table of routes, so that a new one is looked at."""
    readable = {str(r) for r in house.app.url_map.iter_rules() if "GET" in (r.methods or ()) and "static" not in str(r)}
    ids = house.ids["acme"]
    owner, root, nobody = house.browser("owner@example.org"), house.browser("root@example.org"), house.browser()
    mine = [route.path(ids) for route in ROUTES if route.method == "GET" and route.may] + sorted(ALONE & readable)
    theirs = [route.path(ids) for route in ROUTES if route.method == "GET" and not route.may]
    without = [rule.replace("<token>", "x").replace("<method>", "x") for rule in sorted(OPEN & readable)]
    missing_page = f"/bots/show/{SPARE}"
    found = {
        "owner@example.org": [p for p in [*mine, missing_page] if _is_page(owner, p)],
        "root@example.org": [p for p in theirs if _is_page(root, p)],
        "": [p for p in without if _is_page(nobody, p)],
    }
    assert len(found["owner@example.org"]) > 30 and len(found["root@example.org"]) > 2 and len(found[""]) > 2
    return found


def _is_page(browser: Any, path: str) -> bool:
    """Whether a path shows a page, and is no file, data or way to another page."""
    answer = browser.get(path)
    return bool(answer.mimetype == "text/html" and not 300 <= answer.status_code < 400)


@dataclass
class Seen:
    """What was seen on the pages of a run."""

    pages: int = 0
    serious_or_critical: list[str] = field(default_factory=list)
    policy_violations: list[str] = field(default_factory=list)
    foreign_requests: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    too_wide: list[str] = field(default_factory=list)

    def wrong(self) -> list[str]:
        """Everything that should not be."""
        lists = (self.serious_or_critical, self.policy_violations, self.foreign_requests, self.errors, self.too_wide)
        return [line for found in lists for line in found]

    def counts(self) -> dict[str, int]:
        """The figures by their names."""
        return {name: value if isinstance(value, int) else len(value) for name, value in vars(self).items()}


def watch(page: Any, seen: Seen, base: str) -> None:
    """Note what a page does that it must not."""
    page.on("console", lambda m: seen.policy_violations.append(m.text) if "Content Security" in m.text else None)
    page.on("pageerror", lambda e: seen.errors.append(f"error: {e}"))
    page.on("request", lambda r: None if r.url.startswith((base, "data:")) else seen.foreign_requests.append(r.url))


def look(chromium: Any, base: str, who: str, paths: list[str], seen: Seen, **options: Any) -> None:
    """Open pages as somebody, and note what is wrong with them."""
    context = chromium.new_context(**options)
    context.set_default_timeout(15000)
    page = context.new_page()
    watch(page, seen, base)
    if who:
        page.goto(f"{base}/admin/login/")
        page.fill("#email", who)
        page.fill("#password", PASSWORD)
        page.click("button.primary")
    axe = AXE.read_text(encoding="utf-8")
    for path in paths:
        page.goto(f"{base}/admin{path}")
        assert page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches") == (
            options["color_scheme"] == "dark"
        )
        page.evaluate(axe)
        for found in page.evaluate(CHECK)["violations"]:
            if found["impact"] in ("serious", "critical"):
                places = [node["target"] for node in found["nodes"][:3]]
                seen.serious_or_critical.append(f"{path}: {found['id']} ({found['impact']}) {places}")
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if wide > 0:
            seen.too_wide.append(f"{path}: {wide} px too wide")
        seen.pages += 1
    context.close()


@pytest.mark.browser
@pytest.mark.parametrize(
    "scheme, width, locale",
    [("light", 1280, "en"), ("dark", 1280, "de"), ("light", 390, "hi"), ("dark", 390, "en")],
)
def test_pages_can_be_used_by_everybody_and_call_nobody(
    chromium: Any, served: tuple[House, str], figures: Any, scheme: str, width: int, locale: str
) -> None:
    house, base = served
    seen = Seen()
    options = {"color_scheme": scheme, "locale": locale, "viewport": {"width": width, "height": 900}}
    for who, paths in pages(house).items():
        look(chromium, base, who, paths, seen, **options)
    counts = ", ".join(f"{name.replace('_', ' ')} {number}" for name, number in seen.counts().items())
    figures.line(TABLE, f"{scheme:5} {width:4} px {locale}: {counts}")
    assert not seen.wrong()


@pytest.mark.browser
def test_what_a_page_must_not_do_is_noticed(chromium: Any, served: tuple[House, str]) -> None:
    """The counters can rise: an inline script and a text that is too pale are seen."""
    _, base = served
    context, seen = chromium.new_context(), Seen()
    page = context.new_page()
    watch(page, seen, base)
    page.goto(f"{base}/admin/login/")
    with page.expect_console_message(lambda message: "Content Security" in message.text):
        page.evaluate("document.body.insertAdjacentHTML('beforeend', '<p onclick=\"x()\">x</p>')")
        page.locator("p[onclick]").dispatch_event("click")
    assert seen.policy_violations
    page.evaluate("document.querySelector('label').style.color = '#ddd'")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    assert "color-contrast" in [found["id"] for found in page.evaluate(CHECK)["violations"]]
    context.close()


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
