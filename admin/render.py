"""Answers as safe HTML. Everything is escaped first; only what is built here becomes markup, and nothing links out."""

from __future__ import annotations

import re

from markupsafe import Markup, escape

_BOLD = re.compile(r"\*\*(.+?)\*\*")
_CODE = re.compile(r"`([^`]+)`")
_CITED = re.compile(r" ?\[(\d{1,2})\]")
_ITEM = re.compile(r"^\s*(?:[-*]|\d+[.)])\s+(.*)$")


def markdown(text: str) -> Markup:
    """Paragraphs, lists, bold, code and citation marks of an answer; any other Markdown stays text."""
    blocks = [block for block in re.split(r"\n\s*\n", text.strip()) if block.strip()]
    return Markup("").join(_block(block) for block in blocks)


_URL = re.compile(r"https?://[^\s<>\"']+")


def urls(text: str) -> Markup:
    """Plain text with its web addresses as links."""
    out, at = Markup(""), 0
    for found in _URL.finditer(text):
        link = Markup('<a href="{0}" rel="noopener noreferrer">{0}</a>').format(found[0])
        out, at = out + escape(text[at : found.start()]) + link, found.end()
    return out + escape(text[at:])


def _block(block: str) -> Markup:
    out, items = Markup(""), Markup("")
    for line in [*block.split("\n"), ""]:
        item = _ITEM.match(line)
        if item:
            items += Markup("<li>{}</li>").format(_inline(item[1]))
            continue
        if items:
            out += Markup("<ul>{}</ul>").format(items)
            items = Markup("")
        if line.strip():
            out += Markup("<p>{}</p>").format(_inline(line.lstrip("# ")))
    return out


def _inline(line: str) -> Markup:
    html = str(escape(line))
    html = _CODE.sub(r"<code>\1</code>", html)
    html = _BOLD.sub(r"<strong>\1</strong>", html)
    return Markup(_CITED.sub(r'<sup class="cite">\1</sup>', html))  # noqa: S704 (escaped above)
