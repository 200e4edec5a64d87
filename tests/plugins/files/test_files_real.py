"""Real files of many programs: each ends in a plausible state, and the expected words are there."""

from __future__ import annotations

import gzip
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from webchatagent.core import sandbox
from webchatagent.core.api import Blob, DocumentProblem
from webchatagent.plugins.files.extract.web import read as read_page
from webchatagent.plugins.files.reading import read

DATA = Path(__file__).resolve().parents[4] / "shared/evaldata"
MANIFEST = DATA / "files/manifest.dev.jsonl"
NEVER = {"unreachable", "gone"}
NOT_READ = {"doc", "ppt", "msg"}

pytestmark = pytest.mark.skipif(not MANIFEST.exists(), reason="../shared/evaldata is not here")


def rows() -> list[dict[str, Any]]:
    return [json.loads(line) for line in MANIFEST.open(encoding="utf-8")] if MANIFEST.exists() else []


@pytest.fixture(scope="module")
def results() -> Iterator[dict[str, tuple[str, str]]]:
    found = {}
    for row in rows():
        try:
            found[row["file"]] = (
                "ok",
                read(Blob(row["file"], (DATA / "files/dev" / row["file"]).read_bytes())).markdown,
            )
        except DocumentProblem as problem:
            found[row["file"]] = (problem.state, problem.message)
    yield found
    sandbox.close()


def test_every_file_ends_in_a_plausible_state(results: dict[str, tuple[str, str]]) -> None:
    for row in rows():
        state, text = results[row["file"]]
        assert state not in NEVER and text, row["file"]
        if row["ext"] not in NOT_READ:
            assert state != "unsupported", row["file"]


def test_protected_files_are_encrypted(results: dict[str, tuple[str, str]]) -> None:
    for row in rows():
        expect = row["expect"]
        if expect.get("encrypted") or "password" in expect:
            assert results[row["file"]][0] == "encrypted", row["file"]


def test_images_only_have_no_text(results: dict[str, tuple[str, str]]) -> None:
    for name in (
        "pypdf__imagemagick-ASCII85Decode.pdf",
        "pypdf__imagemagick-CCITTFaxDecode.pdf",
        "pypdf__grayscale-image.pdf",
    ):
        assert results[name][0] == "no_text", name


def test_office_files_and_pdf_mostly_give_text(results: dict[str, tuple[str, str]]) -> None:
    for extension, share in (
        ("docx", 0.9),
        ("pptx", 1.0),
        ("csv", 1.0),
        ("html", 1.0),
        ("xlsx", 0.8),
        ("rtf", 1.0),
        ("eml", 0.9),
    ):
        states = [results[r["file"]][0] for r in rows() if r["ext"] == extension]
        assert states.count("ok") >= share * len(states), extension


def test_expected_words_are_found(results: dict[str, tuple[str, str]]) -> None:
    shares = []
    for row in rows():
        expected = set(
            re.findall(r"\w{3,}", re.sub(r"<!--.*?-->|\(\S+\)|&\w+;", " ", row["expect"].get("markdown", "")))
        )
        if expected and results[row["file"]][0] == "ok":
            shares.append(len(expected & set(re.findall(r"\w{3,}", results[row["file"]][1]))) / len(expected))
    assert sum(shares) / len(shares) > 0.93


def test_main_text_of_real_pages(tmp_path: Path) -> None:
    truth = [json.loads(line) for line in (DATA / "html/truth.dev.jsonl").open(encoding="utf-8")]
    got = {}
    for row in truth:
        with gzip.open(DATA / "html/dev" / row["file"]) as page:
            got[row["file"]] = read_page(page.read(), "page.html", "")[0]
    (tmp_path / "got.json").write_text(json.dumps(got), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, DATA / "score_html.py", DATA / "html/truth.dev.jsonl", tmp_path / "got.json"],
        capture_output=True,
        text=True,
        check=True,
    )
    score = json.loads(done.stdout)
    assert score["article"]["f1"] >= 0.93 and score["phrases"]["f1"] >= 0.88
