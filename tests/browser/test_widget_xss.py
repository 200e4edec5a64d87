"""Hostile texts in every place where the widget shows text: nothing runs and no foreign element appears."""

import json
from pathlib import Path

import pytest
from fake_platform import BOT

pytestmark = pytest.mark.browser
FOLDER = Path(__file__).resolve().parents[2] / ".." / "shared" / "evaldata" / "xss"
BATCH = 150
ALLOWED = set(
    "a blockquote br button code del div em h3 h4 hr li ol p pre span strong sup table tbody td th thead tr ul".split()
)
INSPECT = """() => {
  const root = document.querySelector('webchatagent-widget').shadowRoot;
  const names = new Set(), bad = [];
  for (const el of root.querySelectorAll('.text *, .greeting *, .excerpt *, .source *')) names.add(el.localName);
  for (const el of root.querySelectorAll('*')) for (const { name, value } of el.attributes) {
    if (/^on|^style$|^srcdoc$|^src$|^formaction$/i.test(name) && !(name === 'style' && el.matches('.frame, .l, textarea')))
      bad.push(`${el.localName} ${name}`);
    if (name === 'href' && !/^(https?:\\/\\/|mailto:|tel:)/.test(value)) bad.push(value);
  }
  return { names: [...names], bad, scripts: root.querySelectorAll('script, iframe, object, embed, img, style, link, base, form form').length };
}"""


def payloads() -> list[str]:
    files = sorted(FOLDER.glob("*.dev.jsonl"))
    if not files:
        pytest.skip(f"no payloads at {FOLDER.name}: the evaluation data is not here")
    rows = [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").split("\n") if line]
    return [row.get("payload") or row.get("text") or "" for row in rows]


def check(page, fake) -> None:
    found = page.evaluate(INSPECT)
    foreign = set(found["names"]) - ALLOWED - {"svg", "path"}  # the icons of the source list
    assert not foreign and not found["bad"] and not found["scripts"], found
    assert page.problems == [] and page.title() == "shop"
    known = {"/", "/other", "/favicon.ico", "/api/chat", "/api/chat/history", f"/api/bots/{BOT}/config"}
    assert {r["path"] for r in fake.requests if not r["path"].startswith("/widget/v1/")} <= known


def wrap(text: str, index: int) -> str:
    """The payload bare, and inside each kind of Markdown that makes an element."""
    return f"{text}\n\n[{text}]({text}) **{text}** `{text}` [x]({text}) <{text}> ![{text}]({text}) [{index}]\n\n| {text} |\n|---|\n| {text} |"


def test_payloads_of_a_conversation(visit, fake):
    texts = payloads()
    page = visit(before=f"try {{ localStorage.setItem('webchatagent:{BOT}:session', '{'s' * 43}') }} catch {{}}")
    outside = []
    page.context.on("request", lambda r: r.url.startswith(fake.base) or r.url.startswith(("data:", "blob:")) or outside.append(r.url))
    for start in range(0, len(texts), BATCH):
        part = texts[start : start + BATCH]
        fake.history["s" * 43] = [
            {
                "id": f"m{n}", "role": "bot" if n % 3 else "visitor", "text": wrap(text, 1), "rating": None,
                "sources": [{"type": kind, "title": text, "url": text, "excerpt": text, "n": k + 1} for k, kind in enumerate(("web", "file"))],
                "parts": [{"type": text, "text": text, "buttons": [{"label": text, "url": text}, {"label": text, "value": text}]}],
            }
            for n, text in enumerate(part)
        ]  # fmt: skip
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
    some = ['<img src=x onerror=alert(1)>', "javascript:alert(1)", '"><script>alert(1)</script>', "</style><script>alert(1)</script>"]
    for text in some:
        fake.config.update(name=text, greeting=text, suggestions=[text], accent=text, position=text, theme=text, panel=text)
        fake.config.update(privacyUrl=text, imprintUrl=text, locale=text, locales=[text])
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
        "default-src 'self'; script-src 'self'; connect-src 'self'; style-src 'self'; require-trusted-types-for 'script'",
        "default-src 'none'; script-src 'self'; connect-src 'self'; require-trusted-types-for 'script'; trusted-types 'none'",
    ],
)
def test_strict_policies_of_the_page_are_kept(visit, fake, csp):
    fake.csp = csp
    page = visit(before="window.broken=[]; addEventListener('securitypolicyviolation', (e) => broken.push(e.violatedDirective + e.blockedURI))")
    page.click(".l")
    page.fill("textarea", "Hello")
    page.keyboard.press("Enter")
    page.locator(".acts").wait_for()
    assert [v for v in page.evaluate("broken") if "favicon" not in v] == []
    assert [page.locator(name).evaluate("(el) => el.offsetWidth") for name in (".l", ".frame")] == [58, 404]
