"""A visitor in Chromium at a bot's own page of a real server: nothing is stood in for."""

from __future__ import annotations

import re
import time

import pytest

from webchatagent.app import build_platform
from webchatagent.core.bots import find_bot
from webchatagent.core.documents import PASSING
from webchatagent.core.settings import load_settings
from webchatagent.core.sources import list_sources
from webchatagent.testing.processes import ServerProcess, by_words_only

pytestmark = pytest.mark.browser
WIDTHS = {"desk": (1280, 900), "phone": (390, 844)}
QUESTION = "How do I add a website as a source?"
GROWTH = """() => {
  window.lengths = new Set();
  const root = document.querySelector('webchatagent-widget').shadowRoot;
  new MutationObserver(() => {
    const text = [...root.querySelectorAll('.bot .text')].at(-1)?.innerText;
    if (text) lengths.add(text.length);
  }).observe(root, {subtree: true, childList: true, characterData: true});
}"""


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """The address of the demo bot's page, once its documentation is searchable."""
    work = tmp_path_factory.mktemp("demo")
    (work / "data").mkdir()
    with ServerProcess(work / "data", work / "said", by_words_only(work), "demo") as server:
        platform = build_platform(load_settings({}, data=str(work / "data")))
        page = re.search(r"http://\S+/chat/([0-9a-f-]{36})", server.log)
        bot = find_bot(platform, page[1])
        limit = time.monotonic() + 60
        while any(d.state in PASSING for _, found in list_sources(bot.tenant, bot.id) for d in found):
            assert time.monotonic() < limit
            time.sleep(0.05)
        yield page[0]
        platform.database.close()
        platform.chunks.close()
        assert "Traceback" not in server.log


@pytest.fixture
def visit_demo(chromium, demo):
    """A function that opens the page at a width; failed requests and errors of the page are collected."""
    contexts = []

    def visit(width, **options):
        size = dict(zip(("width", "height"), WIDTHS[width], strict=True))
        context = chromium.new_context(viewport=size, locale="en-GB", has_touch=width == "phone", **options)
        context.set_default_timeout(10_000)
        contexts.append(context)
        page = context.new_page()
        page.problems = []
        page.on("pageerror", lambda error: page.problems.append(str(error)))
        page.on("console", lambda said: page.problems.append(said.text) if said.type == "error" else None)
        page.on("response", lambda r: page.problems.append(r.url) if r.status >= 400 else None)
        page.goto(demo)
        page.wait_for_selector("textarea")
        return page

    yield visit
    for context in contexts:
        context.close()


def ask(page, text):
    done = page.locator(".acts").count()
    page.fill("textarea", text)
    page.keyboard.press("Enter")
    page.locator(".acts").nth(done).wait_for()
    return page.locator(".bot .text").last.inner_text()


@pytest.mark.parametrize("width", WIDTHS)
def test_ask_read_on_come_back_and_end(visit_demo, width, tmp_path):
    page = visit_demo(width)
    assert page.evaluate("localStorage.length") == 0
    page.evaluate(GROWTH)
    answer = ask(page, QUESTION)
    assert "website" in answer.lower()
    assert page.evaluate("lengths.size") > 3  # it came in pieces
    cite = page.locator(".bot button.cite").first
    cite.click()
    excerpt = page.locator(".excerpt").first
    excerpt.wait_for()
    assert len(excerpt.inner_text()) > 40 and "**" not in excerpt.inner_text()
    page.screenshot(path=tmp_path / f"answer-{width}.png")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    german = ask(page, "Wie füge ich eine Website als Quelle hinzu?")
    assert german != answer and page.locator(".bot button.cite").count() >= 2

    page.reload()
    page.locator(".acts").nth(1).wait_for()
    assert page.locator(".me .text").first.inner_text() == QUESTION
    shown = page.locator(".bot .text").all_inner_texts()
    assert shown[-2:] == [answer, german] and page.locator(".bot button.cite").count() >= 2
    page.screenshot(path=tmp_path / f"reloaded-{width}.png")

    page.get_by_role("button", name="Menu").click()
    page.get_by_role("button", name="End chat", exact=True).click()
    page.get_by_text("The chat has ended.").wait_for()
    assert page.evaluate("localStorage.length") == 0 and page.locator(".me").count() == 0
    page.screenshot(path=tmp_path / f"ended-{width}.png")
    page.reload()
    page.wait_for_selector("textarea")
    assert page.locator(".me").count() == 0
    assert page.problems == [] and page.context.cookies() == []


def test_a_question_off_topic_is_refused_and_dark_mode_is_readable(visit_demo, tmp_path):
    page = visit_demo("phone", color_scheme="dark")
    ask(page, "Who won the football world cup in 1990?")
    assert page.locator(".bot button.cite").count() == 0
    page.screenshot(path=tmp_path / "refused-dark.png")
    assert page.problems == []
