"""Tables: CSV, TSV and spreadsheets, as Markdown tables or, when they are wide, as records."""

from __future__ import annotations

import csv
import datetime
import io
import re
from collections.abc import Sequence
from typing import Any

from webchatagent.core.api import DocumentProblem

from .archive import member, open_zip, parse_xml
from .text import Read, decode

WIDE = 280
"""A head longer than this (characters) is not repeated over groups of rows: every row then names its columns."""
MAX_CELLS = 3_000_000
_SPACE = re.compile(r"\s+")


def markdown_table(rows: Sequence[Sequence[str]]) -> str:
    """Rows of cells, the first being the head, as Markdown. Empty rows and columns are left out."""
    cells = [[_SPACE.sub(" ", cell).strip() for cell in row] for row in rows]
    cells = [row for row in cells if any(row)]
    if not cells:
        return ""
    width = max(len(row) for row in cells)
    cells = [row + [""] * (width - len(row)) for row in cells]
    used = [i for i in range(width) if any(row[i] for row in cells)]
    cells = [[row[i] for i in used] for row in cells]
    if len(used) == 1:
        return "\n\n".join(row[0] for row in cells)
    head = cells[0]
    if sum(map(len, head)) + 3 * len(head) > WIDE and len(cells) > 2:
        return "\n\n".join(_record(head, row) for row in cells[1:])
    lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in cells]
    return "\n".join([lines[0], "|" + " --- |" * len(head), *lines[1:]])


def _record(head: Sequence[str], row: Sequence[str]) -> str:
    return "\n".join(f"{name}: {cell}" if name else cell for name, cell in zip(head, row, strict=True) if cell)


def read_csv(data: bytes, name: str, media_type: str) -> Read:
    """A CSV or TSV file, its delimiter found by trying."""
    text = decode(data).replace("\0", "")
    csv.field_size_limit(10_000_000)
    first = text.partition("\n")[0].strip()
    if re.fullmatch(r"sep=.", first):
        return markdown_table(_parse(text.partition("\n")[2], first[4])), "", ""
    return markdown_table(_parse(text, _delimiter(text))), "", ""


def _parse(text: str, delimiter: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True))


def _delimiter(text: str) -> str:
    """The one that cuts the first lines into the most columns, the same number in each; a comma if none does."""
    sample = "\n".join(text[:SNIFF].splitlines()[:50])
    best, most = ",", 1.0
    for delimiter in ",;\t|":
        widths = [len(row) for row in _parse(sample, delimiter) if row]
        if not widths:
            continue
        usual = max(set(widths), key=widths.count)
        score = usual * widths.count(usual) / len(widths)
        if usual > 1 and score > most:
            best, most = delimiter, score
    return best


SNIFF = 20_000


def read_sheets(data: bytes, name: str, media_type: str) -> Read:
    """Every sheet of a workbook that has cells, under its name."""
    from python_calamine import CalamineError, CalamineWorkbook, PasswordError

    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(data))
        parts, left = [], MAX_CELLS
        for sheet_name in book.sheet_names:
            rows, left = _cells(book, sheet_name, left)
            if table := markdown_table(rows):
                parts.append(f"# {sheet_name}\n\n{table}")
    except PasswordError:
        raise DocumentProblem("encrypted", "The workbook is protected by a password", "take the password off") from None
    except CalamineError as error:
        if "password" in str(error).lower() or "encrypt" in str(error).lower():
            raise DocumentProblem(
                "encrypted", "The workbook is protected by a password", "take the password off"
            ) from None
        raise DocumentProblem("broken", "The workbook is damaged", "open it in its program and save it anew") from None
    return "\n\n".join([*parts, *_drawn(data)]), "", ""


def _drawn(data: bytes) -> list[str]:
    """What is written in text boxes and diagrams of an .xlsx file."""
    if not data.startswith(b"PK"):
        return []
    archive = open_zip(data)
    found: dict[str, None] = {}
    for name in archive.namelist():
        if re.match(r"xl/(?:drawings|diagrams)/(?:drawing|data)\d*\.xml$", name):
            root = parse_xml(member(archive, name))
            for paragraph in root.iter("{*}p") if root is not None else ():
                found["".join(run.text or "" for run in paragraph.iter("{*}t")).strip()] = None
    return [text for text in found if text]


def _cells(book: Any, sheet_name: str, left: int) -> tuple[list[list[str]], int]:
    try:
        sheet = book.get_sheet_by_name(sheet_name)
    except Exception as error:  # the library's own class of error is not public
        if type(error).__name__ == "WorksheetNotFound":  # a sheet that is a chart
            return [], left
        raise
    left -= sheet.width * sheet.height
    if left < 0:
        raise DocumentProblem("too_large", "The workbook has more than 3 million cells", "split it, or save it as CSV")
    return [[_cell(value) for value in row] for row in sheet.to_python(skip_empty_area=True)], left


def _cell(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return f"{value:.15g}"
    if isinstance(value, datetime.datetime):
        return value.isoformat(" ", "minutes") if value.time() != datetime.time() else value.date().isoformat()
    return "" if value is None else str(value)
