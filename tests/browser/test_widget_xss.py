"""Hostile texts in every place where the widget shows text: nothing runs and no foreign element appears."""

import json
from pathlib import Path

import pytest
from fake_platform import BOT

pytestmark = pytest.mark.browser
FOLDER = Path(__file__).resolve().parents[2] / ".." / "shared" / "evaldata" / "xss"
BATCH = 150
ALLOWED = {
    "a",
    "blockquote",
    "br",
    "button",
    "code",
    "del",
    "div",
    "em",
    "h3",
    "h4",
    "hr",
    "li",
    "ol",
    "p",
    "pre",
    "span",
    "strong",
    "sup",
    "table",
    "tbody",
    "td",
    "th",
    "thead",
    "tr",
    "ul",
}
INSPECT = (Path(__file__).parent / "inspect.js").read_text(encoding="utf-8")


def payloads() -> list[str]:
    files = sorted(FOLDER.glob("*.dev.jsonl"))
    if not files:
        pytest.skip(f"no payloads at {FOLDER.name}: the evaluation data is not here")
    rows = [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").split("\n") if line]
    return [row.get("payload") or row.get("text") or "" for row in rows]


def check(page, fake) -> None:
    found = page.evaluate(INSPECT)
    foreign = set(found["names"]) - ALLOWED - {"svg", "path"}  # the icons of the source list
    assert not foreign and not found["bad"] and not found["loading"], found
    assert page.problems == [] and page.title() == "shop"
    known = {"/", "/favicon.ico", "/api/chat", "/api/chat/history", f"/api/bots/{BOT}/config"}
    assert {r["path"] for r in fake.requests if not r["path"].startswith("/widget/v1/")} <= known


def wrap(text: str, index: int) -> str:
    """The payload bare, and inside each kind of Markdown that makes an element."""
    inline = f"[{text}]({text}) **{text}** `{text}` [x]({text}) <{text}> ![{text}]({text}) [{index}]"
    return f"{text}\n\n{inline}\n\n| {text} |\n|---|\n| {text} |"


def message(text: str, n: int) -> dict:
    kinds = enumerate(("web", "file"), start=1)
    return {
        "id": f"m{n}",
        "role": "bot" if n % 3 else "visitor",
        "text": wrap(text, 1),
        "rating": None,
        "sources": [{"type": kind, "title": text, "url": text, "excerpt": text, "n": k} for k, kind in kinds],
        "parts": [{"type": text, "text": text, "buttons": [{"label": text, "url": text}, {"label": text}]}],
    }


def test_payloads_of_a_conversation(visit, fake):
    texts = payloads()
    page = visit(before=f"try {{ localStorage.setItem('webchatagent:{BOT}:session', '{'s' * 43}') }} catch {{}}")
    outside = []
    page.context.on("request", lambda r: r.url.startswith((fake.base, "data:", "blob:")) or outside.append(r.url))
    for start in range(0, len(texts), BATCH):
        part = texts[start : start + BATCH]
        fake.history["s" * 43] = [message(text, n) for n, text in enumerate(part)]
        page.reload()
        page.click(".l")
        page.locator(".msg").nth(len(part) - 1).wait_for(timeout=20000)
        check(page, fake)
        assert page.locator(".bot .text > *").count() > len(part)  # the texts were really drawn
    assert outside == []


def test_payloads_streamed_in_small_pieces(visit, fake):
    texts = payloads()
    fake.size = 3
    page = visit()
    page.click(".l")
    page.wait_for_selector("textarea")
    for start in range(0, len(texts), 400):
        fake.answer = "\n\n".join(texts[start : start + 400 : 20])
        page.fill("textarea", "next")
        page.keyboard.press("Enter")
        page.locator(".acts").nth(start // 400).wait_for(timeout=30000)
        check(page, fake)


def test_payloads_in_the_config(visit, fake):
    script = "<script>alert(1)</script>"
    some = ["<img src=x onerror=alert(1)>", "javascript:alert(1)", f'">{script}', f"</style>{script}"]
    for text in some:
        fake.config.update(name=text, greeting=text, suggestions=[text], accent=text, position=text, theme=text)
        fake.config.update(panel=text, privacyUrl=text, imprintUrl=text, locale=text, locales=[text])
        page = visit()
        page.click(".l")
        page.wait_for_selector("textarea")
        page.get_by_role("button", name="Menu").click()
        check(page, fake)
        assert page.locator("h2").inner_text() == text


def test_clobbering_names_of_the_page_have_no_effect(visit, fake):
    names = ("WebChatAgent", "currentScript", "config", "body", "localStorage", "fetch", "CSSStyleSheet")
    fake.page_body = "".join(f'<a id="{name}" name="{name}"></a><img name="{name}" alt="">' for name in names)
    page = visit()
    page.click(".l")
    page.wait_for_selector("textarea")
    assert page.evaluate("typeof WebChatAgent") == "function" and page.problems == []


@pytest.mark.parametrize(
    "csp",
    [
        "default-src 'self'; style-src 'self'",
        "default-src 'none'; script-src 'self'; connect-src 'self'; trusted-types 'none'",
    ],
)
def test_strict_policies_of_the_page_are_kept(visit, fake, csp):
    fake.csp = f"{csp}; require-trusted-types-for 'script'"
    note = "(e) => broken.push(e.violatedDirective + e.blockedURI)"
    page = visit(before=f"window.broken = []; addEventListener('securitypolicyviolation', {note})")
    page.click(".l")
    page.fill("textarea", "Hello")
    page.keyboard.press("Enter")
    page.locator(".acts").wait_for()
    assert [v for v in page.evaluate("broken") if "favicon" not in v] == []
    assert [page.locator(name).evaluate("(el) => el.offsetWidth") for name in (".l", ".frame")] == [58, 404]
