"""Word documents (.docx): headings, lists, tables, text boxes, content controls and notes, in their order.

An own reader of the XML: it also takes strict and slightly damaged files, and what python-docx leaves out.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from typing import Any

from webchatagent.core.api import DocumentProblem

from . import mail, web
from .archive import main_part, member, office_title, open_zip, parse_xml, relations
from .tables import markdown_table
from .text import Read

LONG_CELL = 500
"""A table with a longer cell (characters) lays out a page; its cells are then read as text, one after the other."""
_TRANSPARENT = frozenset(
    {"sdt", "sdtContent", "ins", "moveTo", "smartTag", "customXml", "AlternateContent", "Choice", "txbxContent"}
)
_SKIPPED = frozenset({"del", "moveFrom", "Fallback", "instrText", "delText", "pPr", "rPr", "sdtPr", "rt", "object"})
_BREAKS = {"tab": " ", "br": "\n", "cr": "\n", "noBreakHyphen": "-", "ptab": " "}


def read(data: bytes, name: str, media_type: str) -> Read:
    """The text of a .docx file."""
    archive = open_zip(data)
    part = main_part(archive, "word/document.xml")
    root = parse_xml(member(archive, part))
    body = root.find("{*}body") if root is not None else None
    if body is None:
        raise DocumentProblem("broken", "The document is damaged", "open it in Word and save it anew")
    parts = dict(relations(archive, part).values())
    document = _Document(
        parse_xml(member(archive, parts.get("styles", ""))), parse_xml(member(archive, parts.get("numbering", "")))
    )
    blocks = list(document.blocks(body))
    for kind in ("footnotes", "endnotes"):
        notes = parse_xml(member(archive, parts.get(kind, "")))
        for note in notes if notes is not None else ():
            if note.get(_name(note, "type")) is None and (text := document.flat(note)):
                blocks.append(("", text))
    blocks += [("", text) for text in _embedded(archive, part)]
    return _join(blocks), office_title(archive) or document.title, ""


def _embedded(archive: zipfile.ZipFile, part: str) -> Iterator[str]:
    """Documents in another format that Word shows as part of this one (altChunk)."""
    for kind, path in relations(archive, part).values():
        if kind == "aFChunk" and path.endswith((".mht", ".htm", ".html", ".txt")):
            data = member(archive, path)
            yield (mail if path.endswith(".mht") else web).whole(data)


def _local(element: Any) -> str:
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def _name(element: Any, attribute: str) -> str:
    """An attribute's name in the namespace of its element; strict files have another one."""
    return f"{element.tag.rpartition('}')[0]}}}{attribute}"


def _value(parent: Any, path: str, attribute: str = "val") -> str | None:
    found = parent.find("/".join("{*}" + step for step in path.split("/"))) if parent is not None else None
    return found.get(_name(found, attribute)) if found is not None else None


def _number(text: str | None, default: int = 0) -> int:
    return int(text) if text and text.lstrip("-").isdigit() else default


def _join(blocks: list[tuple[str, str]]) -> str:
    """Blocks as (kind, text), kind "-" for items of a list, which stand close together."""
    out, before = [], ""
    for kind, text in blocks:
        out.append(("\n" if kind == before == "-" else "\n\n") + text)
        before = kind
    return "".join(out)


def _children(element: Any) -> Iterator[Any]:
    """Children, with the content of wrappers that carry no meaning in their place."""
    for child in element:
        local = _local(child)
        if local in _TRANSPARENT:
            yield from _children(child)
        elif local and local not in _SKIPPED:
            yield child


class _Document:
    """Styles and numbering of one document, and the blocks made with them."""

    def __init__(self, styles: Any, numbering: Any) -> None:
        self.title = ""
        self._styles = {
            s.get(_name(s, "styleId"), ""): s for s in (styles.iterfind("{*}style") if styles is not None else ())
        }
        self._formats = _list_formats(numbering)
        self._counters: dict[tuple[str, int], int] = {}

    def blocks(self, container: Any) -> Iterator[tuple[str, str]]:
        """Paragraphs and tables as Markdown blocks."""
        for child in _children(container):
            local = _local(child)
            if local == "p":
                yield from self._paragraph(child)
            elif local == "tbl":
                yield from self._table(child)

    def _paragraph(self, paragraph: Any) -> Iterator[tuple[str, str]]:
        text = _text(paragraph).strip()
        if text:
            level = self._level(paragraph)
            item = None if level else self._item(paragraph)
            if level:
                line = " ".join(text.split())
                self.title = self.title or line
                yield "", "#" * min(level, 6) + " " + line
            elif item is not None:
                yield "-", item + text.replace("\n", " ")
            else:
                yield "", text
        for box in paragraph.iter("{*}txbxContent"):
            if not any(_local(a) == "Fallback" for a in box.iterancestors()) and not _inside_box(box, paragraph):
                yield from self.blocks(box)

    def _style_chain(self, paragraph: Any) -> Iterator[Any]:
        style, seen = _value(paragraph, "pPr/pStyle"), set()
        while style and style not in seen and style in self._styles:
            seen.add(style)
            yield self._styles[style]
            style = _value(self._styles[style], "basedOn")

    def _level(self, paragraph: Any) -> int:
        """1 to 9 for a heading, 0 else."""
        outline = _value(paragraph, "pPr/outlineLvl")
        for style in self._style_chain(paragraph):
            name = (_value(style, "name") or "").lower()
            if match := re.fullmatch(r"heading (\d)", name):
                return int(match[1])
            if name == "title":
                return 1
            outline = outline or _value(style, "pPr/outlineLvl")
        level = _number(outline, 9)
        return level + 1 if 0 <= level < 9 else 0

    def _item(self, paragraph: Any) -> str | None:
        """What stands before an item of a list; None for a paragraph that is none."""
        for owner in (paragraph, *self._style_chain(paragraph)):
            number = _value(owner, "pPr/numPr/numId")
            if number is not None:
                break
        else:
            return None
        if number == "0":
            return None
        level = min(max(_number(_value(paragraph, "pPr/numPr/ilvl")), 0), 8)
        for deeper in range(level + 1, 9):
            self._counters.pop((number, deeper), None)
        if self._formats.get((number, level), "bullet") in ("bullet", "none"):
            return "  " * level + "- "
        self._counters[number, level] = self._counters.get((number, level), 0) + 1
        return "  " * level + f"{self._counters[number, level]}. "

    def _table(self, table: Any) -> Iterator[tuple[str, str]]:
        rows, cells = [], []
        for row in (r for r in _children(table) if _local(r) == "tr"):
            line: list[str] = []
            for cell in (c for c in _children(row) if _local(c) == "tc"):
                cells.append(cell)
                line += [self.flat(cell), *[""] * (min(_number(_value(cell, "tcPr/gridSpan"), 1), 50) - 1)]
            rows.append(line)
        if len(cells) == 1 or any(len(text) > LONG_CELL for row in rows for text in row):
            for cell in cells:
                yield from self.blocks(cell)
        elif text := markdown_table(rows):
            yield "", text

    def flat(self, container: Any) -> str:
        """All text of a cell or a note in one line."""
        parts = (
            _text(p) for p in container.iter("{*}p") if not any(_local(a) == "Fallback" for a in p.iterancestors())
        )
        return " ".join(" ".join(parts).split())


def _inside_box(box: Any, paragraph: Any) -> bool:
    for ancestor in box.iterancestors():
        if ancestor is paragraph:
            return False
        if _local(ancestor) == "txbxContent":
            return True
    return False


def _text(element: Any) -> str:
    """The text of a paragraph, without its text boxes (they follow it) and without what was deleted."""
    parts: list[str] = []
    for child in element:
        local = _local(child)
        if local == "t":
            parts.append((child.text or "") + "".join(entity.tail or "" for entity in child))
        elif local in _BREAKS:
            parts.append(_BREAKS[local])
        elif local not in _SKIPPED and local != "txbxContent":
            parts.append(_text(child))
    return "".join(parts)


def _list_formats(numbering: Any) -> dict[tuple[str, int], str]:
    """(numId, level) → number format, such as `bullet` or `decimal`."""
    if numbering is None:
        return {}
    abstract = {}
    for kind in numbering.iterfind("{*}abstractNum"):
        abstract[kind.get(_name(kind, "abstractNumId"))] = {
            _number(level.get(_name(level, "ilvl"))): _value(level, "numFmt") or "decimal"
            for level in kind.iterfind("{*}lvl")
        }
    return {
        (num.get(_name(num, "numId"), ""), level): form
        for num in numbering.iterfind("{*}num")
        for level, form in abstract.get(_value(num, "abstractNumId"), {}).items()
    }
