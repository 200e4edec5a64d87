"""OpenDocument text and presentations (.odt, .odp)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .archive import member, open_zip, parse_xml
from .tables import markdown_table
from .text import Read

_SKIPPED = frozenset(
    {
        "annotation",
        "annotation-end",
        "tracked-changes",
        "note-citation",
        "forms",
        "sequence-decls",
        "user-field-decls",
        "variable-decls",
        "tracked-change",
        "bookmark",
        "title",
        "desc",
    }
)
REPEATED = 200
"""Empty cells are repeated thousands of times up to the end of a sheet."""


def read(data: bytes, name: str, media_type: str) -> Read:
    """The text of an .odt or .odp file, `\\f` between slides."""
    archive = open_zip(data)
    root = parse_xml(member(archive, "content.xml"))
    meta = parse_xml(member(archive, "meta.xml"))
    title = (meta.findtext(".//{*}title") or "") if meta is not None else ""
    language = (meta.findtext(".//{*}language") or "") if meta is not None else ""
    body = root.find(".//{*}body") if root is not None else None
    if body is None:
        return "", title, language
    pages = body.findall("{*}presentation/{*}page")
    if pages:
        return "\f".join("\n\n".join(_slide(page)) for page in pages), title, language
    return "\n\n".join(block for part in body for block in _blocks(part)), title, language


def _local(element: Any) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _get(element: Any, name: str) -> str:
    return next((v for k, v in element.attrib.items() if k.rpartition("}")[2] == name), "")


def _slide(page: Any) -> Iterator[str]:
    for frame in sorted(page, key=lambda f: _get(f, "class") != "title"):
        blocks = list(_blocks(frame))
        if _get(frame, "class") == "title" and blocks:
            yield "# " + " ".join(" ".join(blocks).split())
        elif _local(frame) == "notes":
            if blocks:
                yield "Notes: " + "\n\n".join(blocks)
        else:
            yield from blocks


def _blocks(element: Any) -> Iterator[str]:
    local = _local(element)
    if not local or local in _SKIPPED:
        return
    if local == "h":
        level = _get(element, "outline-level")
        if text := " ".join(_text(element).split()):
            yield "#" * min(int(level) if level.isdigit() else 1, 6) + " " + text
    elif local == "p":
        if text := _text(element).strip():
            yield text
        for box in element.iter("{*}text-box"):
            for child in box:
                yield from _blocks(child)
    elif local == "list":
        if lines := list(_items(element, 0)):
            yield "\n".join(lines)
    elif local == "table":
        yield _table(element)
    else:
        for child in element:
            yield from _blocks(child)


def _items(items: Any, level: int) -> Iterator[str]:
    for item in items:
        for child in item:
            if _local(child) == "list":
                yield from _items(child, min(level + 1, 8))
            elif text := " ".join(_text(child).split()):
                yield "  " * level + "- " + text


def _table(table: Any) -> str:
    rows = []
    for row in table.iter("{*}table-row"):
        if next(a for a in row.iterancestors() if _local(a) == "table") is not table:
            continue  # of a table within a cell, which is part of that cell
        line: list[str] = []
        for cell in row:
            if _local(cell) in ("table-cell", "covered-table-cell"):
                repeated = _get(cell, "number-columns-repeated")
                text = " ".join(" ".join(_text(p) for p in cell.iter("{*}p", "{*}h")).split())
                line += [text] * min(int(repeated) if repeated.isdigit() else 1, REPEATED)
        rows.append(line)
    return markdown_table(rows)


def _text(element: Any) -> str:
    """The text of a paragraph without its text boxes, which follow it."""
    parts = [element.text or ""]
    for child in element:
        local = _local(child)
        if local == "s":
            parts.append(" " * min(int(_get(child, "c")) if _get(child, "c").isdigit() else 1, 20))
        elif local in ("tab", "line-break"):
            parts.append(" " if local == "tab" else "\n")
        elif local and local not in _SKIPPED and local != "text-box":
            parts.append(_text(child))
        parts.append(child.tail or "")
    return "".join(parts)
