"""What a crawler must know of a page. Runs in the sandbox, as the page is a stranger's."""

from __future__ import annotations

import hashlib
import re
from typing import Any

from selectolax.lexbor import LexborHTMLParser

MAX_LINKS = 2000
SHORT = 200
_CHARSET = re.compile(rb"""charset\s*=\s*["']?\s*([A-Za-z0-9_.:-]{2,40})""", re.I)
_ROOTS = "#root, #app, #__next, #__nuxt, app-root, [data-reactroot], [ng-app]"


def inspect(name: str, media_type: str, data: bytes) -> dict[str, Any]:
    """Title, language, links, robots directives, canonical link, hash of the text, whether only JavaScript fills it."""
    declared = _CHARSET.search(media_type.encode()) or _CHARSET.search(data[:4096])
    try:
        html = data.decode(declared[1].decode() if declared else "utf-8", "replace")
    except LookupError:
        html = data.decode("utf-8", "replace")
    tree = LexborHTMLParser(html)
    directives = " ".join(
        (m.attributes.get("content") or "").lower()
        for m in tree.css("meta[name]")
        if (m.attributes.get("name") or "").lower() in ("robots", "webchatagentbot")
    )
    scripts = len(tree.css("script"))
    framed = tree.css_first(_ROOTS) is not None
    result = {
        "title": _text(tree.css_first("title")) or _text(tree.css_first("h1")),
        "language": _attribute(tree.css_first("html"), "lang"),
        "base": _attribute(tree.css_first("base[href]"), "href"),
        "canonical": _attribute(tree.css_first("link[rel=canonical][href]"), "href"),
        "noindex": "noindex" in directives or "none" in directives.replace(",", " ").split(),
        "nofollow": "nofollow" in directives or "none" in directives.replace(",", " ").split(),
        "links": _links(tree),
    }
    tree.strip_tags(["script", "style", "noscript", "template", "svg", "head"])
    text = " ".join(tree.body.text(separator=" ").split()) if tree.body is not None else ""
    result["hash"] = hashlib.sha256(f"{result['title']}\n{text}".encode("utf-8", "replace")).hexdigest()
    result["script_only"] = len(text) < SHORT and (
        scripts > 5 or (framed and scripts > 0) or (len(text) < 20 and scripts > 0)
    )
    return result


def _text(node: Any) -> str:
    return " ".join(node.text().split())[:300] if node is not None else ""


def _attribute(node: Any, name: str) -> str:
    return (node.attributes.get(name) or "").strip() if node is not None else ""


def _links(tree: LexborHTMLParser) -> list[str]:
    found: dict[str, None] = {}
    for node in tree.css("a[href], area[href]"):
        if "nofollow" not in (node.attributes.get("rel") or "").lower():
            found[(node.attributes.get("href") or "").strip()] = None
            if len(found) >= MAX_LINKS:
                break
    return [href for href in found if href and len(href) < 2000]
