"""The consent layer on a website in Chromium: nothing foreign before a choice, exactly what was chosen after it."""

from __future__ import annotations

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from sqlalchemy import select
from werkzeug.serving import make_server

from webchatagent.core import plugins
from webchatagent.core.db.records import ConsentRecord
from webchatagent.core.tenants import load_tenant
from webchatagent.plugins.consent.choices import asked
from webchatagent.web.app import create_public

pytestmark = pytest.mark.browser
TRACKERS = {
    "https://www.googletagmanager.com/gtm.js": "document.cookie='_ga=1; path=/'; document.cookie='_ga_X=1; path=/';",
    "https://connect.facebook.net/en_US/fbevents.js": "document.cookie='_fbp=fb.1; path=/';",
}
NAMES = ["www.googletagmanager.com", "connect.facebook.net"]
ORDER = """dataLayer.map((e) => e[0] ? [e[0], e[1], e[2]?.analytics_storage, e[2]?.ad_storage] : [e.event])"""


class Site:
    """A tenant's website and the platform, on two ports; `foreign` is what was asked of anybody else."""

    def __init__(self, chromium, platform, bot) -> None:
        self._chromium, self._contexts = chromium, []
        self.platform, self.bot, self.body, self.attributes = platform, bot, "", ""
        self.head, self.language = "", "en"
        self._app = make_server("127.0.0.1", 0, create_public(platform), threaded=True)
        self.host = f"http://127.0.0.1:{self._app.server_port}"
        site = self

        class Page(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                data = site.page().encode()
                self.send_response(200 if self.path == "/" else 404)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        self._web = ThreadingHTTPServer(("127.0.0.1", 0), Page)
        self.address = f"http://127.0.0.1:{self._web.server_port}/"
        for server in (self._app, self._web):
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        self.foreign: list[str] = []

    def page(self) -> str:
        """The only page of the website."""
        script = f'<script src="{self.host}/x/consent/acme/consent.js" data-bot="{self.bot.public_id}"'
        return (
            f'<!doctype html><html lang="{self.language}"><head>{self.head}<title>Shop</title>'
            f'<link rel="icon" href="data:,"></head><body>'
            f"{self.body}{script} {self.attributes} defer></script>"
        )

    def visit(self, **options):
        """Open the page in a fresh browser."""
        before = options.pop("before", "")
        context = self._chromium.new_context(**options)
        context.set_default_timeout(6000)
        self._contexts.append(context)
        own = (self.address, self.host)
        context.on("request", lambda r: self.foreign.append(r.url) if not r.url.startswith((*own, "data:")) else None)
        context.route(re.compile(r"^https://"), self._fake)
        page = context.new_page()
        page.problems = []
        page.on("pageerror", lambda error: page.problems.append(str(error)))
        if before:
            page.add_init_script(before)
        page.goto(self.address)
        if not self.head:  # a strict policy lets nobody wait for a function
            page.wait_for_function("window.WebChatAgentConsent")
        return page

    @staticmethod
    def _fake(route) -> None:
        code = TRACKERS.get(route.request.url.split("?")[0], "")
        route.fulfill(status=200, content_type="text/javascript", body=code)

    def ledger(self):
        """The words in the ledger, oldest first."""
        with self.bot.tenant.read() as db:
            rows = db.scalars(select(ConsentRecord).order_by(ConsentRecord.id))
            return [(r.purpose, r.granted) for r in rows]

    def stop(self) -> None:
        """End all."""
        for context in self._contexts:
            context.close()
        self._app.shutdown()
        self._web.shutdown()


@pytest.fixture
def site(chromium, platform, bot):
    for plugin, values in (
        ("consent", {}),
        ("tag_manager", {"container_id": "GTM-ABC1234"}),
        ("facebook_pixel", {"pixel_id": "1234567890"}),
    ):
        plugins.configure(bot.tenant, plugin, values)
        plugins.enable(bot.tenant, plugin)
    made = Site(chromium, platform, bot)
    yield made
    made.stop()


def button(page, name):
    return page.get_by_role("button", name=name, exact=True)


def accept(page, site):
    """Accept all, and wait until the scripts ran."""
    button(page, "Accept all").click()
    page.wait_for_function("document.cookie.includes('_ga_X') && document.cookie.includes('_fbp')")
    assert page.problems == []


def traces(page):
    """What is in this browser: cookies, and the names in its storage."""
    return page.evaluate("[document.cookie, Object.keys(localStorage), Object.keys(sessionStorage)]")


@pytest.mark.seed("SR-082", "SR-083", "SR-084")
def test_nothing_foreign_before_a_choice_exactly_two_scripts_after_it_and_nothing_after_withdrawal(site):
    page = site.visit()
    button(page, "Accept all").wait_for()
    assert site.foreign == [] and traces(page) == ["", [], []] and page.evaluate("window.dataLayer") is None
    accept(page, site)
    assert sorted(u.split("?")[0] for u in site.foreign) == sorted(TRACKERS)
    assert page.evaluate(ORDER) == [
        ["consent", "default", "denied", "denied"],
        ["consent", "update", "granted", "granted"],
        ["gtm.js"],
    ]
    assert page.evaluate("fbq.queue.map((a) => [...a].slice(0, 2))") == [
        ["set", "autoConfig"],
        ["init", "1234567890"],
        ["track", "PageView"],
    ]
    page.reload()
    page.wait_for_function("document.cookie.includes('_fbp')")
    assert len(site.foreign) == 4, "the choice is kept"
    button(page, "Privacy settings").click()
    site.foreign.clear()
    with page.expect_navigation():
        button(page, "Refuse all").click()
    button(page, "Privacy settings").wait_for()
    page.reload()
    button(page, "Privacy settings").wait_for()
    assert site.foreign == [] and traces(page)[0] == "" and page.evaluate("window.dataLayer") is None
    assert site.ledger() == [("marketing", True), ("statistics", True), ("marketing", False), ("statistics", False)]


@pytest.mark.seed("SR-085")
def test_refusing_takes_one_click_like_accepting_on_a_button_of_the_same_size(site):
    page = site.visit(viewport={"width": 390, "height": 844})
    sizes = [button(page, name).bounding_box() for name in ("Refuse all", "Accept all")]
    assert sizes[0]["width"] == sizes[1]["width"] and sizes[0]["height"] == sizes[1]["height"] >= 44
    looks = [
        button(page, n).evaluate(
            "(e) => { const s = getComputedStyle(e); return [s.color, s.backgroundColor, s.font] }"
        )
        for n in ("Refuse all", "Accept all")
    ]
    assert looks[0] == looks[1] and page.get_by_role("checkbox", checked=True).count() == 0
    button(page, "Refuse all").click()
    button(page, "Privacy settings").wait_for()
    page.wait_for_function("JSON.parse(localStorage['webchatagent:consent:acme']).sent")
    page.reload()
    button(page, "Privacy settings").wait_for()
    assert site.foreign == [] and traces(page)[0] == "" and button(page, "Accept all").count() == 0
    assert site.ledger() == [("marketing", False), ("statistics", False)]
    kept = json.loads(page.evaluate("localStorage['webchatagent:consent:acme']"))
    assert {name: c["ok"] for name, c in kept["choices"].items()} == {"statistics": False, "marketing": False}
    assert all(len(c["v"]) == 16 for c in kept["choices"].values())


@pytest.mark.seed("SR-085")
@pytest.mark.parametrize("says", ["globalPrivacyControl', {value: true}", "doNotTrack', {value: '1'}"])
def test_a_browser_that_says_no_is_not_asked_and_its_user_may_still_say_yes(site, says):
    page = site.visit(before=f"Object.defineProperty(navigator, '{says})")
    button(page, "Privacy settings").wait_for()
    assert button(page, "Accept all").count() == 0 and site.foreign == [] and traces(page) == ["", [], []]
    button(page, "Privacy settings").click()
    accept(page, site)
    assert len(site.foreign) == 2


def test_each_purpose_is_chosen_for_itself_and_more_is_loaded_by_a_fresh_page(site):
    page = site.visit()
    page.get_by_text("Choose for each purpose").click()
    page.get_by_label("Statistics:").check()
    button(page, "Save my choice").click()
    page.wait_for_function("document.cookie.includes('_ga')")
    assert [u.split("/")[2] for u in site.foreign] == NAMES[:1]
    assert page.evaluate(ORDER)[1] == ["consent", "update", "granted", "denied"]
    button(page, "Privacy settings").click()
    with page.expect_navigation():
        button(page, "Accept all").click()
    page.wait_for_function("document.cookie.includes('_fbp')")
    assert page.evaluate("dataLayer.filter((e) => e.event === 'gtm.js').length") == 1
    button(page, "Privacy settings").click()
    page.get_by_label("Marketing:").uncheck()
    with page.expect_navigation():
        button(page, "Save my choice").click()
    page.wait_for_function("document.cookie.includes('_ga')")
    assert "_fbp" not in traces(page)[0]


def test_only_a_purpose_with_another_service_is_asked_about_again(site, platform):
    page = site.visit()
    accept(page, site)
    page.wait_for_function("JSON.parse(localStorage['webchatagent:consent:acme']).sent")
    plugins.configure(load_tenant(platform, slug="acme"), "tag_manager", {"advertising": True})
    site.foreign.clear()
    page.reload()
    button(page, "Accept all").wait_for()
    page.wait_for_function("document.cookie.includes('_ga_X')")
    assert [u.split("/")[2] for u in site.foreign] == NAMES[:1] and page.evaluate("WebChatAgentConsent.get()") == [
        "statistics"
    ]


TAMPERED = (
    '"yes"',
    "{}",
    '{"id":"x","choices":{"statistics":{"ok":true,"v":"1"}}}',
    '{"id":"0123456789abcdef0123456789","choices":{"statistics":{"ok":1,"v":"VERSION"}}}',
    '{"id":"0123456789abcdef0123456789","choices":{"statistics":{"ok":true,"v":"0000000000000000"}}}',
    '{"id":"0123456789abcdef0123456789","choices":{"__proto__":{"ok":true}}}',
    "[[[",
)


def test_a_choice_that_was_tampered_with_is_none(site):
    page = site.visit()
    version = asked(load_tenant(site.platform, slug="acme"))["statistics"].version
    for kept in (text.replace("VERSION", version) for text in TAMPERED):
        page.evaluate("(kept) => localStorage.setItem('webchatagent:consent:acme', kept)", kept)
        page.reload()
        button(page, "Accept all").wait_for()
        assert site.foreign == [] and page.evaluate("WebChatAgentConsent.get()") == [] and page.problems == [], kept


def test_a_site_with_a_layer_of_its_own_only_tells_us(site):
    site.attributes = 'data-layer="own"'
    page = site.visit()
    assert page.locator("webchatagent-consent").count() == 0
    assert page.evaluate("WebChatAgentConsent.asked()") == ["statistics", "marketing"]
    page.evaluate("WebChatAgentConsent.on((now) => (window.told = now)); WebChatAgentConsent.set({marketing: true})")
    page.wait_for_function("document.cookie.includes('_fbp')")
    assert page.evaluate("told") == ["marketing"] and [u.split("/")[2] for u in site.foreign] == NAMES[1:]
    page.evaluate("dispatchEvent(new CustomEvent('webchatagent:lead', {detail: {id: 'ada@example.org'}}))")
    assert page.evaluate("JSON.stringify(fbq.queue.map((a) => [...a]).at(-1))") == '["track","Lead"]'


@pytest.mark.seed("SR-086")
def test_content_of_other_sites_takes_two_clicks(site):
    site.body = (
        '<div data-webchatagent-embed="https://video.example.org/1" data-name="Video"></div>'
        '<div data-webchatagent-embed="javascript:alert(1)"></div><a href="#" data-webchatagent-consent>Cookies</a>'
    )
    page = site.visit()
    assert site.foreign == [] and page.locator("iframe").count() == 0
    button(page, "Load from Video").click()
    page.locator("iframe").wait_for()
    assert site.foreign == ["https://video.example.org/1"] and page.locator("iframe").count() == 1
    button(page, "Refuse all").click()
    assert button(page, "Privacy settings").count() == 0, "the page has a link of its own"
    page.get_by_text("Cookies").click()
    assert page.get_by_role("dialog").evaluate("(el) => el.getRootNode().activeElement === el")
    page.keyboard.press("Escape")
    assert page.get_by_role("dialog").count() == 0


def test_it_works_under_a_strict_policy(site):
    policy = f"default-src 'none'; script-src {site.host}; connect-src {site.host}; img-src data:"
    site.head = f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    page = site.visit()
    button(page, "Accept all").wait_for()
    assert page.get_by_role("dialog").bounding_box()["width"] > 300 and page.problems == []
    with page.expect_response(lambda answer: "/choice/" in answer.url):
        button(page, "Refuse all").click()
    assert site.ledger() == [("marketing", False), ("statistics", False)]


@pytest.mark.parametrize(
    ("language", "word"), [("de-AT", "Alle ablehnen"), ("hi", "सब अस्वीकार करें"), ("fr", "Refuse all")]
)
def test_it_speaks_the_language_of_the_page(site, language, word):
    site.language = language
    page = site.visit(locale="en-GB")
    button(page, word).wait_for()
