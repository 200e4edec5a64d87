"""Files made to do harm: each ends in a state, in bounded time, and the next file is read."""

from __future__ import annotations

import io
import time
import zipfile
import zlib
from collections.abc import Iterator

import pytest

from webchatagent.core import sandbox
from webchatagent.core.api import Blob, DocumentProblem
from webchatagent.plugins.files.reading import MAX_BYTES, read

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
S = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'


@pytest.fixture(scope="module", autouse=True)
def children_end() -> Iterator[None]:
    yield
    sandbox.close()


def archive(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return out.getvalue()


def zip_bomb() -> bytes:
    return archive(
        {"word/document.xml": b"<w:document " + W.encode() + b"><w:body><w:p><w:r><w:t>" + b"A" * 250_000_000}
    )


def many_members() -> bytes:
    return archive({f"word/{n}.xml": b"" for n in range(6000)})


def laughs() -> bytes:
    entities = (
        b'<!ENTITY a "'
        + b"ha" * 50
        + b'">'
        + b"".join(b'<!ENTITY %c "%s">' % (n, (b"&%c;" % (n - 1)) * 20) for n in range(98, 106))
    )
    return archive(
        {
            "word/document.xml": b"<!DOCTYPE x ["
            + entities
            + b"]><w:document "
            + W.encode()
            + b"><w:body><w:p><w:r><w:t>&i;</w:t></w:r></w:p></w:body></w:document>"
        }
    )


def lying_directory() -> bytes:
    """A directory that promises less than there is."""
    data = bytearray(archive({"word/document.xml": b"<w:document>" + b"A" * 50_000_000}))
    at = data.rfind(b"PK\x01\x02")
    data[at + 24 : at + 28] = (1000).to_bytes(4, "little")
    return bytes(data)


def pdf(stream: bytes, extra: bytes = b"", kids: bytes = b"3 0 R") -> bytes:
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[" + kids + b"]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 4 0 R/Resources<<>>>>",
        b"<</Length %d/Filter/FlateDecode>>stream\n" % len(stream) + stream + b"\nendstream",
    ]
    out, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj" % number + body + b"endobj\n"
    at = len(out)
    return (
        out
        + b"xref\n0 5\n0000000000 65535 f \n"
        + b"".join(b"%010d 00000 n \n" % o for o in offsets)
        + (b"trailer<</Size 5/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % at)
    )


def flate_bomb() -> bytes:
    deflate = zlib.compressobj(9)
    return pdf(b"".join(deflate.compress(b" " * 10_000_000) for _ in range(40)) + deflate.flush())


def page_loop() -> bytes:
    return pdf(zlib.compress(b""), kids=b"2 0 R")


def far_cell() -> bytes:
    sheet = (
        f'<worksheet {S}><sheetData><row r="1"><c r="A1"><v>1</v></c></row>'
        '<row r="1048576"><c r="XFD1048576"><v>2</v></c></row></sheetData></worksheet>'
    )
    book = (
        f'<workbook {S} xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets>'
        '<sheet name="S" sheetId="1" r:id="rId1"/></sheets></workbook>'
    )
    rels = (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="{}" '
        'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/{}" Target="{}"/></Relationships>'
    )
    return archive(
        {
            "_rels/.rels": rels.format("r", "officeDocument", "xl/workbook.xml").encode(),
            "xl/workbook.xml": book.encode(),
            "xl/_rels/workbook.xml.rels": rels.format("rId1", "worksheet", "worksheets/sheet1.xml").encode(),
            "xl/worksheets/sheet1.xml": sheet.encode(),
            "[Content_Types].xml": b"<Types/>",
        }
    )


@pytest.mark.parametrize(
    ("name", "data", "states"),
    [
        ("bomb.docx", zip_bomb, {"too_large"}),
        ("many.docx", many_members, {"too_large"}),
        ("laughs.docx", laughs, {"broken", "no_text", "too_large"}),
        ("lying.docx", lying_directory, {"broken", "no_text"}),
        ("bomb.pdf", flate_bomb, {"broken", "no_text", "too_large"}),
        ("loop.pdf", page_loop, {"broken", "no_text"}),
        ("far.xlsx", far_cell, {"too_large"}),
        ("deep.rtf", lambda: b"{\\rtf1 " + b"{" * 500_000, {"broken", "no_text"}),
    ],
)
def test_hostile_file_ends_in_a_state(name: str, data: object, states: set[str]) -> None:
    begin = time.monotonic()
    with pytest.raises(DocumentProblem) as caught:
        read(Blob(name, data()))  # type: ignore[operator]
    assert caught.value.state in states
    assert time.monotonic() - begin < 40
    assert read(Blob("a.txt", b"next")).markdown == "next"


@pytest.mark.parametrize(
    ("name", "data"),
    [("deep.json", b"[" * 200_000 + b"1" + b"]" * 200_000), ("deep.html", b"<div>" * 10_000 + b"word")],
)
def test_deep_file_is_read(name: str, data: bytes) -> None:
    assert read(Blob(name, data)).markdown


def test_file_above_the_limit_is_not_even_sent() -> None:
    with pytest.raises(DocumentProblem) as caught:
        read(Blob("a.txt", b"x" * (MAX_BYTES + 1)))
    assert caught.value.state == "too_large"
    with pytest.raises(DocumentProblem) as caught:
        read(Blob("a.txt", b""))
    assert caught.value.state == "no_text"
