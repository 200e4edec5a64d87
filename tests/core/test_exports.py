"""Tables to take along: nothing is calculated, nothing is lost, and long ones are not kept in memory."""

from __future__ import annotations

import ast
import csv
import io
import tracemalloc
from pathlib import Path

import pytest
from python_calamine import CalamineWorkbook

from webchatagent.core.exports import safe_cell, write_table

ROOT = Path(__file__).resolve().parents[2]
DANGEROUS = (
    *("=1+1", "+1+1", "-1+1", "@SUM(A1)", "|calc", "%0A", "\t=1", "\r=1", "\n=1", " =1", "\u200b=1", "\ufeff=1"),
    *("\uff1d1", "\uff0b1", "\uff0dcmd", "\uff20SUM", '=HYPERLINK("https://evil.example")', "+49 cmd|' /C calc'!A0"),
)
HARMLESS = ("Ada", "a=b", "1", "", "नमस्ते", "2026-11-30", "+49 30 1234567", "+49(0)30/12-34")


@pytest.mark.parametrize("text", DANGEROUS)
def test_what_would_be_calculated_is_text(text):
    assert safe_cell(text) == f"'{text}"
    ((cell,),) = list(csv.reader(io.StringIO(b"".join(write_table("csv", [[text]])).decode("utf-8-sig"), newline="")))
    assert cell == f"'{text}"


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_harmless_stays_as_it_is(text):
    assert safe_cell(text) == text


def test_a_book_holds_text_only(tmp_path):
    rows = [
        ["Name", "Note"],
        ["=1+1", 'a & <b> "c"'],
        ["नमस्ते", "two\nlines"],
        [None, 5],
        ["\x00\x08bell", "x" * 40_000],
    ]
    (tmp_path / "t.xlsx").write_bytes(b"".join(write_table("xlsx", rows)))
    found = CalamineWorkbook.from_path(str(tmp_path / "t.xlsx")).get_sheet_by_index(0).to_python()
    assert found[:4] == [["Name", "Note"], ["=1+1", 'a & <b> "c"'], ["नमस्ते", "two\nlines"], ["", "5"]]
    assert found[4][0] == "bell" and len(found[4][1]) == 32_000
    assert all(isinstance(cell, str) for row in found for cell in row)


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_a_long_table_is_sent_while_it_is_read(kind):
    tracemalloc.start()
    sizes = [len(piece) for piece in write_table(kind, ([f"name {n}", "x" * 80] for n in range(30_000)))]
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 3_000_000 and (len(sizes) > 10 or kind == "xlsx")


def test_there_is_one_writer_of_tables_with_what_people_wrote():
    found = set()
    for folder in ("platform", "admin", "plugins"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Attribute) and node.attr == "writer" and getattr(node.value, "id", "") == "csv":
                    found.add(path.relative_to(ROOT).as_posix())
    assert found == {"platform/core/exports.py", "admin/views/statistics.py"}
