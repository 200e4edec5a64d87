"""What a visitor, and the page that embeds the widget, can rely on."""

import json
import re

import pytest
from fake_platform import BOT, HEADER

pytestmark = pytest.mark.browser
KEY = f"webchatagent:{BOT}:session"
EVENTS = """window.seen = [];
for (const name of 'ready open close session:start session:end message:user message:bot unread error'.split(' '))
  addEventListener('webchatagent:' + name, (e) => seen.push([name, e.detail ?? null]));"""


def launch(page) -> None:
    page.click(".l")
    page.wait_for_selector("textarea")


def ask(page, text="When are you open?") -> None:
    done = page.locator(".acts").count()
    page.fill("textarea", text)
    page.keyboard.press("Enter")
    page.locator(".acts").nth(done).wait_for()


def stored(page) -> dict:
    return page.evaluate("({...localStorage})")


@pytest.mark.seed("SR-082")
def test_nothing_is_stored_or_fetched_before_the_visitor_acts(visit, fake):
    page = visit()
    page.wait_for_selector(".l")
    page.wait_for_timeout(300)
    paths = [r["path"] for r in fake.requests if r["path"] not in ("/", "/favicon.ico")]
    assert sorted(paths) == [f"/api/bots/{BOT}/config", "/widget/v1/loader.js"]
    assert stored(page) == {} and page.evaluate("sessionStorage.length") == 0
    assert page.evaluate("indexedDB.databases()") == []
    launch(page)
    assert stored(page) == {}


@pytest.mark.seed("SR-080")
def test_no_cookie_through_a_full_chat(visit, fake):
    page = visit(before="document.cookie = 'shop=1; path=/'")
    launch(page)
    ask(page)
    page.get_by_role("button", name="Helpful answer", exact=True).click()
    assert page.evaluate("document.cookie") == "shop=1"
    assert all("Cookie" not in r["headers"] for r in fake.requests if r["path"].startswith("/api/"))


def test_streamed_answer_with_its_sources(visit, fake):
    fake.size, fake.delay = 5, 0.001
    page = visit()
    launch(page)
    ask(page)
    text = page.locator(".bot .text")
    assert text.locator("strong").inner_text() == "Monday to Friday"
    assert "Grüße und नमस्ते 🙂" in text.inner_text()
    assert text.locator("li").count() == 2
    link = page.locator(".source a").first
    assert link.get_attribute("href") == "https://shop.example/hours"
    assert link.get_attribute("rel") == "noopener noreferrer nofollow" and link.get_attribute("target") == "_blank"
    excerpt = page.locator(".excerpt")
    assert not excerpt.is_visible()
    page.get_by_role("button", name="Source 2: Returns policy 2026.pdf").first.click()
    assert excerpt.is_visible() and "30 days" in excerpt.inner_text()
    assert page.locator(".source button").get_attribute("aria-expanded") == "true"
    body = fake.asked("/api/chat")[0]["body"]
    assert body["chatbotId"] == BOT and body["pageUrl"] == fake.base + "/" and len(body["clientMessageId"]) == 36
    assert page.problems == []


@pytest.mark.seed("SR-151")
@pytest.mark.seed("SR-152")
@pytest.mark.seed("SR-153")
def test_session_id_travels_in_the_header_only(visit, fake):
    page = visit(before=EVENTS)
    launch(page)
    ask(page)
    session = page.evaluate(f"localStorage.getItem('{KEY}')")
    assert re.fullmatch(r"[\w-]{43}", session)
    ask(page, "And on Sunday?")
    first, second = fake.asked("/api/chat")
    assert HEADER not in first["headers"] and second["headers"][HEADER] == session
    for request in fake.requests:
        assert session not in request["path"] + request["query"] + json.dumps(request["body"])
        assert session not in request["headers"].get("Referer", "")
    assert session not in page.content() + page.url + json.dumps(page.evaluate("seen"))
    assert session not in page.evaluate("document.querySelector('webchatagent-widget').shadowRoot.innerHTML")


@pytest.mark.seed("SR-150")
def test_conversation_is_there_after_a_reload(visit, fake):
    page = visit()
    launch(page)
    ask(page)
    page.reload()
    assert fake.asked("/api/chat/history") == []
    launch(page)
    page.locator(".acts").wait_for()
    assert page.locator(".me .text").inner_text() == "When are you open?"
    assert page.locator("button.cite").count() == 2
    assert fake.asked("/api/chat/history")[0]["headers"][HEADER]


@pytest.mark.seed("SR-156")
def test_ending_removes_the_id_and_deleting_asks_first(visit, fake):
    page = visit(before=EVENTS)
    launch(page)
    ask(page)
    page.get_by_role("button", name="Menu").click()
    page.get_by_role("button", name="End chat", exact=True).click()
    page.get_by_text("The chat has ended.").wait_for()
    assert stored(page) == {} and page.locator(".msg").count() == 0
    assert fake.asked("/api/chat/end")[0]["body"] == {"erase": False}

    ask(page)
    page.get_by_role("button", name="Menu").click()
    page.get_by_role("button", name="End chat and delete messages").click()
    page.get_by_role("button", name="Keep it").click()
    assert KEY in stored(page) and len(fake.asked("/api/chat/end")) == 1
    page.get_by_role("button", name="Menu").click()
    page.get_by_role("button", name="End chat and delete messages").click()
    page.get_by_role("button", name="Delete").click()
    page.get_by_text("messages will be deleted").wait_for()
    assert stored(page) == {} and fake.asked("/api/chat/end")[1]["body"] == {"erase": True}
    assert [d for n, d in page.evaluate("seen") if n == "session:end"] == [{"erase": False}, {"erase": True}]


@pytest.mark.seed("SR-156")
@pytest.mark.parametrize(("how", "bodies"), [("minimise", []), ("end", [False]), ("end_and_erase", [True])])
def test_close_icon_does_what_the_tenant_chose(visit, fake, how, bodies):
    fake.config["closeBehaviour"] = how
    page = visit()
    launch(page)
    ask(page)
    page.locator("header .tool").last.click()
    page.wait_for_function(f"(localStorage.getItem('{KEY}') !== null) === {'true' if how == 'minimise' else 'false'}")
    assert [r["body"]["erase"] for r in fake.asked("/api/chat/end")] == bodies
    assert not page.locator("textarea").is_visible()


@pytest.mark.seed("SR-152")
@pytest.mark.parametrize(
    "script",
    [
        "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('no', 'SecurityError'); } });",
        "Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError'); };",
    ],
)
def test_works_where_storage_is_blocked(visit, fake, script):
    page = visit(before=script)
    launch(page)
    ask(page)
    ask(page, "And on Sunday?")
    assert fake.asked("/api/chat")[1]["headers"][HEADER]
    assert page.problems == []


def test_lost_connection_is_taken_up_with_the_same_id(visit, fake):
    fake.cuts = 2
    page = visit()
    launch(page)
    ask(page)
    ids = [r["body"]["clientMessageId"] for r in fake.asked("/api/chat")]
    assert len(ids) == 3 and len(set(ids)) == 1
    assert page.locator(".bot .text").inner_text().count("We are open") == 1
    assert page.locator(".bot").count() == 1 and page.locator(".me").count() == 1


def test_gives_up_kindly_and_tries_again_on_request(visit, fake):
    fake.cuts = 4
    page = visit(before=EVENTS)
    launch(page)
    page.fill("textarea", "Hello?")
    page.keyboard.press("Enter")
    retry = page.get_by_role("button", name="Try again")
    retry.wait_for(timeout=15000)
    assert "connection was lost" in page.locator(".error").inner_text()
    assert ["error", "network"] in [[n, (d or {}).get("code")] for n, d in page.evaluate("seen")]
    retry.click()
    page.locator(".acts").wait_for()
    assert page.locator(".error").count() == 0 and page.locator(".me").count() == 1
    assert len({r["body"]["clientMessageId"] for r in fake.asked("/api/chat")}) == 1


def test_rate_limit_names_the_waiting_time(visit, fake):
    fake.failures = [(429, "rate_limited", {"Retry_After": "17"})]
    page = visit()
    launch(page)
    page.fill("textarea", "Hello?")
    page.keyboard.press("Enter")
    page.locator(".error").wait_for()
    assert "17 seconds" in page.locator(".error").inner_text()


def test_a_busy_server_is_asked_again(visit, fake):
    fake.failures = [(503, "try_again", {"Retry_After": "1"})]
    page = visit()
    launch(page)
    ask(page)
    assert len({r["body"]["clientMessageId"] for r in fake.asked("/api/chat")}) == 1
    assert len(fake.asked("/api/chat")) == 2 and page.locator(".error").count() == 0


def test_an_answer_in_one_piece_is_understood(visit, fake):
    page = visit()
    body = {"reply": "Yes [1]", "sources": fake.sources, "mode": "bot", "status": None, "messageId": "m1", "parts": []}
    page.route("**/api/chat", lambda route: route.fulfill(json=body, headers={HEADER: "s" * 43}))
    launch(page)
    ask(page)
    assert page.locator(".bot .text").inner_text().startswith("Yes") and page.locator("button.cite").count() == 1


def test_stop_keeps_what_was_written(visit, fake):
    fake.delay = 0.15
    page = visit()
    launch(page)
    page.fill("textarea", "Hello?")
    page.keyboard.press("Enter")
    page.get_by_text("We are").wait_for(timeout=10000)
    page.get_by_role("button", name="Stop answering").click()
    page.get_by_text("Stopped.").wait_for()
    assert page.get_by_role("button", name="Send message").is_visible()


def test_commands_and_events(visit, fake):
    fake.page_head = "<script>window.WebChatAgent=function(){(WebChatAgent.q=WebChatAgent.q||[]).push(arguments)};"
    fake.page_head += "WebChatAgent('on', 'ready', () => window.early = 1);"
    fake.page_head += "WebChatAgent('prefill', 'Hi'); WebChatAgent('open')</script>"
    page = visit(before=EVENTS)
    page.wait_for_selector("textarea")
    assert page.input_value("textarea") == "Hi" and page.evaluate("early") == 1
    page.evaluate("WebChatAgent('setContext', {pageUrl: 'https://shop.example/lamp'}); WebChatAgent('send', 'Price?')")
    page.locator(".acts").wait_for()
    assert fake.asked("/api/chat")[0]["body"]["pageUrl"] == "https://shop.example/lamp"
    page.evaluate("WebChatAgent('close')")
    assert not page.locator("textarea").is_visible()
    page.evaluate("WebChatAgent('hide')")
    page.wait_for_function("document.querySelector('webchatagent-widget').hidden")
    page.evaluate("WebChatAgent('show'); WebChatAgent('setLocale', 'de'); WebChatAgent('toggle')")
    assert page.get_by_role("button", name="Nachricht senden").is_visible()
    page.evaluate("WebChatAgent('reset')")
    page.wait_for_function(f"localStorage.getItem('{KEY}') === null")
    names = [name for name, _ in page.evaluate("seen")]
    expected = ["ready", "open", "message:user", "session:start", "message:bot", "close", "open", "session:end"]
    assert sorted(n for n in names if n != "unread") == sorted(expected)
    page.evaluate("WebChatAgent('destroy')")
    assert page.locator("webchatagent-widget").count() == 0 and page.evaluate("typeof WebChatAgent") == "undefined"
    assert page.problems == []


def test_unread_badge(visit, fake):
    fake.delay = 0.01
    page = visit(before=EVENTS)
    launch(page)
    page.fill("textarea", "Hello?")
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    page.locator(".l b", has_text="1").wait_for()
    assert page.locator(".l").get_attribute("aria-label") == "Open chat (1)"
    assert ["unread", {"count": 1}] in page.evaluate("seen")


def test_full_page(visit, fake):
    page = visit("/chat/" + BOT)
    page.wait_for_selector("textarea")
    assert page.locator(".l").count() == 0
    box = page.locator(".frame").bounding_box()
    assert box == {"x": 0, "y": 0, "width": 1280, "height": 720}
    ask(page)
    page.keyboard.press("Escape")
    assert page.locator("textarea").is_visible()
