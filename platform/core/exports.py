"""Tables to take along, as CSV or XLSX: written row by row, and safe to open in a program that calculates."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from xml.sax.saxutils import escape

_BEGINS = re.compile(r"^[\s\u00ad\u200b-\u200f\u2060\ufeff]*[=+\-@|%\t\r\n\uff1d\uff0b\uff0d\uff20\ufe62\ufe63\ufe66]")
_PHONE = re.compile(r"\+[\d\s()/.-]{5,24}")
_NOT_XML = re.compile(r"[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
KINDS = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
PIECE = 64 * 1024
_TYPES = (
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Override PartName="/xl/workbook.xml" '
    'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
    '<Override PartName="/xl/worksheets/sheet1.xml" '
    'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>'
)
_REL = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" '
    'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/{kind}" Target="{target}"/></Relationships>'
)
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_BOOK = (
    f'<workbook xmlns="{_MAIN}" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">'
    '<sheets><sheet name="Sheet1" sheetId="1" r:id="r1"/></sheets></workbook>'
)


def safe_cell(value: object) -> str:
    """A value as a cell of a CSV file: what a spreadsheet would calculate begins with an apostrophe.

    A phone number keeps its plus. Signs in full width, and signs behind blanks that nobody sees, count too.
    """
    text = "" if value is None else str(value)
    return f"'{text}" if _BEGINS.match(text) and not _PHONE.fullmatch(text) else text


def write_csv(rows: Iterable[Sequence[object]]) -> Iterator[bytes]:
    """The bytes of a CSV file (UTF-8 with a mark for Excel), piece by piece."""
    out = io.StringIO()
    lines = csv.writer(out, lineterminator="\r\n")
    out.write("\ufeff")
    for row in rows:
        lines.writerow([safe_cell(value) for value in row])
        if out.tell() > PIECE:
            yield out.getvalue().encode()
            out.seek(0)
            out.truncate()
    yield out.getvalue().encode()


class _Sink(io.RawIOBase):
    """What a zip file is written to: it is taken away in pieces, and cannot be gone back in."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    def writable(self) -> bool:
        """It can be written to."""
        return True

    def write(self, data: Any) -> int:
        """Take bytes."""
        self.pieces.append(bytes(data))
        return len(data)

    def take(self) -> bytes:
        """What came since the last time."""
        taken, self.pieces = b"".join(self.pieces), []
        return taken


def write_xlsx(rows: Iterable[Sequence[object]]) -> Iterator[bytes]:
    """The bytes of an XLSX file, piece by piece; every cell is text, so that nothing is calculated."""
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as book:
        for name, content in (
            ("[Content_Types].xml", _TYPES),
            ("_rels/.rels", _REL.format(kind="officeDocument", target="xl/workbook.xml")),
            ("xl/workbook.xml", _BOOK),
            ("xl/_rels/workbook.xml.rels", _REL.format(kind="worksheet", target="worksheets/sheet1.xml")),
        ):
            book.writestr(name, f'<?xml version="1.0" encoding="UTF-8"?>{content}')
        with book.open("xl/worksheets/sheet1.xml", "w") as sheet:
            sheet.write(f'<?xml version="1.0" encoding="UTF-8"?><worksheet xmlns="{_MAIN}"><sheetData>'.encode())
            for row in rows:
                sheet.write(f"<row>{''.join(_cell(value) for value in row)}</row>".encode())
                if sum(map(len, sink.pieces)) > PIECE:
                    yield sink.take()
            sheet.write(b"</sheetData></worksheet>")
    yield sink.take()


def _cell(value: object) -> str:
    text = escape(_NOT_XML.sub("", "" if value is None else str(value))[:32_000])
    return f'<c t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'


def write_table(kind: str, rows: Iterable[Sequence[object]]) -> Iterator[bytes]:
    """A table as `csv` or `xlsx`, piece by piece."""
    return write_csv(rows) if kind == "csv" else write_xlsx(rows)
