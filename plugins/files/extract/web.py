"""Web pages and EPUB: the main text without navigation, as Markdown with its headings."""

from __future__ import annotations

import posixpath
import re
from typing import Any
from urllib.parse import unquote

from selectolax.lexbor import LexborHTMLParser

from .archive import member, open_zip, parse_xml
from .tables import markdown_table
from .text import Read, decode

SHORT = 200
"""Main text shorter than this (characters) is doubted: then all text outside of navigation is taken, if any."""
_CHARSET = re.compile(rb"""<meta[^>]{0,300}?charset\s*=\s*["']?\s*([A-Za-z0-9_.:-]{2,40})""", re.I)
_DECLARED = re.compile(r"charset\s*=\s*[\"']?([A-Za-z0-9_.:-]{2,40})", re.I)
_NOISE = ["script", "style", "noscript", "template", "svg", "iframe", "object", "head", "select", "datalist"]
_AROUND = ["nav", "header", "footer", "aside", "form", "dialog", "button"]
_BLOCKS = frozenset(
    {
        *(
            "address",
            "article",
            "aside",
            "blockquote",
            "body",
            "caption",
            "center",
            "dd",
            "details",
            "dialog",
            "div",
            "dl",
            "dt",
        ),
        *(
            "fieldset",
            "figcaption",
            "figure",
            "footer",
            "form",
            "h1",
            "h2",
            "h3",
            "h4",
            "h5",
            "h6",
            "header",
            "hr",
            "html",
        ),
        *("legend", "li", "main", "nav", "ol", "p", "pre", "section", "summary", "table", "tbody", "td", "tfoot", "th"),
        *("thead", "tr", "ul"),
    }
)
_SAME = {
    "iso-8859-1": "cp1252",
    "latin-1": "cp1252",
    "latin1": "cp1252",
    "us-ascii": "cp1252",
    "ascii": "cp1252",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "x-sjis": "cp932",
    "ks_c_5601-1987": "cp949",
    "euc-kr": "cp949",
    "utf-16": "utf-8",
    "utf-16le": "utf-8",
    "utf-16be": "utf-8",
}


def read(data: bytes, name: str, media_type: str) -> Read:
    """The main text of a page, its title and its language."""
    html = decode_html(data, media_type)
    tree = LexborHTMLParser(html)
    title, language = about(tree)
    text = _main_text(html)
    if len(text) < SHORT:
        rest = _outside_navigation(tree)
        text = rest if len(rest) * 2 > len(text) else text  # as it keeps lists and leaves menus out
    return text, title, language


def decode_html(data: bytes, media_type: str = "") -> str:
    """A page's text, as browsers read it: by its mark, its HTTP header, its meta element, UTF-8, a guess."""
    header = _DECLARED.search(media_type)
    meta = _CHARSET.search(data[:4096])
    name = (header[1] if header else meta[1].decode("ascii") if meta else "").lower()
    return decode(data, _SAME.get(name, name))


def about(tree: LexborHTMLParser) -> tuple[str, str]:
    """Title and language of a parsed page."""
    node = tree.css_first("title") or tree.css_first("h1")
    root = tree.css_first("html")
    language = (root.attributes.get("lang") or root.attributes.get("xml:lang") or "") if root is not None else ""
    return (" ".join(node.text().split()) if node is not None else ""), language


def _main_text(html: str) -> str:
    import trafilatura

    try:
        return (
            trafilatura.extract(
                html,
                fast=True,
                output_format="markdown",
                include_tables=True,
                include_links=False,
                include_comments=False,
                include_images=False,
                include_formatting=True,
            )
            or ""
        )
    except (MemoryError, RecursionError):
        return ""
    except Exception:  # it fails on some pages that are not well-formed; the fallback reads them
        return ""


def _outside_navigation(tree: LexborHTMLParser) -> str:
    tree.strip_tags([*_NOISE, *_AROUND])
    for selector in ("main", "article", "[role=main]"):
        found = tree.css(selector)
        if found and len(text := "\n\n".join(_markdown(node) for node in found[:20])) >= SHORT:
            return text
    return _markdown(tree.body) if tree.body is not None else ""


def plain(html: str) -> str:
    """All text of a page or fragment that is shown, as Markdown."""
    tree = LexborHTMLParser(html)
    tree.strip_tags(_NOISE)
    return _markdown(tree.body) if tree.body is not None else ""


def whole(data: bytes) -> str:
    """All text of a page given as bytes."""
    return plain(decode_html(data))


def _markdown(root: Any) -> str:
    """Preorder and without recursion: hostile pages nest a hundred thousand deep."""
    blocks: list[tuple[str, int, int, list[str]]] = []  # kind, id of the block, id of its table row, its texts
    for node in root.traverse(include_text=True):
        if node.tag == "br" and blocks:
            blocks[-1][3].append("\n")
        if node.tag != "-text":
            continue
        text = node.text_content or ""
        if not text.strip():
            if blocks:
                blocks[-1][3].append(" ")
            continue
        block = _block_of(node)
        identity = block.mem_id if block is not None else 0
        if not blocks or blocks[-1][1] != identity:
            kind = _kind(block)
            row = block.parent.mem_id if kind == "td" and block.parent is not None else 0
            blocks.append((kind, identity, row, []))
        blocks[-1][3].append(text.replace("\n", " "))
    return _join([(kind, row, _squash("".join(texts))) for kind, _, row, texts in blocks])


def _join(blocks: list[tuple[str, int, str]]) -> str:
    out: list[str] = []
    rows: list[list[str]] = []
    before = ("", 0)
    for kind, row, text in [*blocks, ("end", 0, "")]:
        if kind == "td":
            if before == ("td", row):
                rows[-1].append(text)
            else:
                rows.append([text])
        else:
            if rows:
                out.append("\n\n" + markdown_table(rows))
                rows = []
            if kind == "-":
                out.append(("\n- " if before[0] == "-" else "\n\n- ") + text.replace("\n", " "))
            elif kind != "end":
                out.append(f"\n\n{kind} {text}" if kind else f"\n\n{text}")
        before = (kind, row)
    return "".join(out).strip()


def _block_of(node: Any) -> Any:
    block = node.parent
    while block is not None and block.tag not in _BLOCKS:
        block = block.parent
    return block


def _squash(text: str) -> str:
    return "\n".join(" ".join(line.split()) for line in text.split("\n")).strip()


def _kind(block: Any) -> str:
    tag = block.tag if block is not None else ""
    if len(tag) == 2 and tag[0] == "h" and tag[1].isdigit():
        return "#" * int(tag[1])
    if tag in ("td", "th"):
        return "td"
    return "-" if tag in ("li", "dd") else ""


def read_epub(data: bytes, name: str, media_type: str) -> Read:
    """The chapters of an EPUB in reading order."""
    archive = open_zip(data)
    container = parse_xml(member(archive, "META-INF/container.xml"))
    rootfile = container.find(".//{*}rootfile") if container is not None else None
    path = rootfile.get("full-path", "") if rootfile is not None else ""
    package = parse_xml(member(archive, path))
    if package is None:
        return "", "", ""
    items = {item.get("id"): item.get("href", "") for item in package.iterfind(".//{*}manifest/{*}item")}
    chapters = []
    for reference in package.iterfind(".//{*}spine/{*}itemref"):
        href = unquote(items.get(reference.get("idref")) or "").partition("#")[0]
        page = member(archive, posixpath.normpath(posixpath.join(posixpath.dirname(path), href))) if href else b""
        if page:
            chapters.append(plain(decode_html(page)))
    return "\n\n".join(chapters), package.findtext(".//{*}title") or "", package.findtext(".//{*}language") or ""
