"""PowerPoint (.pptx): every slide a page, with its title as heading, tables and the speaker's notes."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from typing import Any

from .archive import main_part, member, office_title, open_zip, parse_xml, relations
from .tables import markdown_table
from .text import Read

_TITLES = frozenset({"title", "ctrTitle"})
_FURNITURE = frozenset({"dt", "ftr", "sldNum", "hdr", "sldImg"})


def read(data: bytes, name: str, media_type: str) -> Read:
    """The text of a .pptx file, `\\f` between slides."""
    archive = open_zip(data)
    part = main_part(archive, "ppt/presentation.xml")
    presentation = parse_xml(member(archive, part))
    parts = relations(archive, part)
    slides = []
    for slide in presentation.iterfind("{*}sldIdLst/{*}sldId") if presentation is not None else ():
        identity = next((v for k, v in slide.attrib.items() if k.endswith("}id")), "")
        path = parts.get(identity, ("", ""))[1]
        slides.append(_slide(archive, path))
    return "\f".join(slides), office_title(archive), ""


def _slide(archive: zipfile.ZipFile, path: str) -> str:
    blocks = list(_shapes(parse_xml(member(archive, path))))
    for kind, target in relations(archive, path).values():
        if kind == "diagramData":
            data = parse_xml(member(archive, target))
            blocks += [text for p in (data.iter("{*}p") if data is not None else ()) if (text := _line(p).strip())]
        elif kind == "notesSlide":
            notes = "\n\n".join(_shapes(parse_xml(member(archive, target)), titles=False))
            blocks += [f"Notes: {notes}"] if notes else []
    return "\n\n".join(blocks)


def _local(element: Any) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _shapes(root: Any, titles: bool = True) -> Iterator[str]:
    """The text of shapes and tables, the title first."""
    if root is None:
        return
    found: list[tuple[bool, str]] = []
    for shape in root.iter("{*}sp", "{*}tbl"):
        if any(_local(a) == "Fallback" for a in shape.iterancestors()):
            continue
        if _local(shape) == "tbl":
            rows = [[_flat(cell) for cell in row.iterfind("{*}tc")] for row in shape.iterfind("{*}tr")]
            found.append((False, markdown_table(rows)))
            continue
        placeholder = shape.find("{*}nvSpPr/{*}nvPr/{*}ph")
        kind = placeholder.get("type", "body") if placeholder is not None else ""
        if kind not in _FURNITURE:
            heading = titles and kind in _TITLES
            text = f"# {_flat(shape)}" if heading and _flat(shape) else _body(shape, kind == "body")
            found.append((heading, text))
    yield from (text for _, text in sorted(found, key=lambda item: not item[0]) if text.strip())


def _body(shape: Any, is_list: bool) -> str:
    lines = [
        (int(p.find("{*}pPr").get("lvl", "0")) if p.find("{*}pPr") is not None else 0, _line(p).strip())
        for p in shape.iter("{*}p")
    ]
    lines = [(level, text) for level, text in lines if text]
    if is_list and len(lines) > 1:
        return "\n".join("  " * level + "- " + text.replace("\n", " ") for level, text in lines)
    return "\n\n".join(text for _, text in lines)


def _line(paragraph: Any) -> str:
    fixed = {"br": "\n", "tab": " "}
    return "".join((e.text or "") if _local(e) == "t" else fixed.get(_local(e), "") for e in paragraph.iter())


def _flat(element: Any) -> str:
    return " ".join(" ".join(_line(p) for p in element.iter("{*}p")).split())
