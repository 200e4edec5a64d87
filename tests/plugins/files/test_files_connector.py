"""Files, folders, lines and standard input as documents."""

from __future__ import annotations

import io
import json
import os
import sys
import unicodedata
from pathlib import Path
from types import SimpleNamespace

import pytest

from webchatagent.core.api import DocumentProblem, Failed, Finding, FoundDocument, SourceSpec
from webchatagent.core.manifest import read_manifest
from webchatagent.plugins import files, website
from webchatagent.plugins.files.connector import CONNECTOR, expand


def find(target: object) -> list[Finding]:
    return list(CONNECTOR.find(SourceSpec(str(target))))


def test_claims_paths_that_exist_and_the_dash(tmp_path: Path) -> None:
    assert CONNECTOR.claims("-") and CONNECTOR.claims(str(tmp_path))
    assert not CONNECTOR.claims("https://example.org/") and not CONNECTOR.claims("") and not CONNECTOR.claims("a\0b")
    assert CONNECTOR.local and CONNECTOR.kind == "file"


def test_folder_is_read_in_order_without_hidden_files_and_links_that_leave(tmp_path: Path) -> None:
    root = tmp_path / "docs"
    for name in ("b.txt", "a/ü.txt", "a/नीति.txt", ".hidden", ".git/x.txt"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    (tmp_path / "secret.txt").write_text("no")
    (root / "leak.txt").symlink_to(tmp_path / "secret.txt")
    (root / "away").symlink_to(tmp_path)
    (root / "alias.txt").symlink_to(root / "b.txt")
    assert [f.external_id for f in find(root)] == ["alias.txt", "b.txt", "a/ü.txt", "a/नीति.txt"]


def test_name_is_composed_whatever_the_file_system_keeps(tmp_path: Path) -> None:
    (tmp_path / unicodedata.normalize("NFD", "Käse.txt")).write_text("x")
    assert find(tmp_path)[0].external_id == unicodedata.normalize("NFC", "Käse.txt")


def test_single_file_is_named_by_its_own_name(tmp_path: Path) -> None:
    (tmp_path / "Price list.pdf").write_bytes(b"%PDF")
    assert find(tmp_path / "Price list.pdf") == [FoundDocument("Price list.pdf", name="Price list.pdf", data=b"%PDF")]


def test_missing_target_is_gone(tmp_path: Path) -> None:
    with pytest.raises(DocumentProblem) as caught:
        find(tmp_path / "no")
    assert caught.value.state == "gone"


def test_lines_become_documents_and_broken_ones_say_which(tmp_path: Path) -> None:
    rows = [
        json.dumps({"id": "a", "title": "T", "text": "Text", "lang": "de", "url": "http://x.test/"}),
        "",
        "{broken",
        json.dumps({"id": 7, "text": "seven"}),
        json.dumps({"id": "n"}),
        json.dumps([1]),
        json.dumps({"id": "a", "text": "again"}),
        json.dumps({"id": "e", "text": " "}),
        json.dumps({"id": "t", "text": 5}),
        json.dumps({"id": None, "text": "x"}),
    ]
    (tmp_path / "d.jsonl").write_text("\n".join(rows), encoding="utf-8-sig")
    found = find(tmp_path / "d.jsonl")
    assert found[0] == FoundDocument(
        "a", title="T", url="http://x.test/", language="de", media_type="text/markdown", text="Text"
    )
    assert [f.external_id for f in found] == [
        "a",
        "line 3",
        "7",
        "line 5",
        "line 6",
        "line 7",
        "e",
        "line 9",
        "line 10",
    ]
    assert [f.state for f in found if isinstance(f, Failed)] == [
        "broken",
        "broken",
        "broken",
        "broken",
        "no_text",
        "broken",
        "broken",
    ]
    assert "Line 3" in found[1].message and "text" in found[3].message  # type: ignore[union-attr]


def test_upload_is_expanded_alike() -> None:
    assert [f.external_id for f in expand("x.JSONL", b'{"id": "1", "text": "a"}\n\xff\n')] == ["1", "line 2"]
    assert next(expand("a.pdf", b"%PDF")).external_id == "a.pdf"


@pytest.mark.skipif(os.name != "posix" or os.getuid() == 0, reason="root may read every file")
def test_unreadable_file_is_reported(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x")
    (tmp_path / "a.txt").chmod(0)
    found = find(tmp_path)[0]
    assert isinstance(found, Failed) and found.state == "unreachable"


def test_standard_input_is_a_document(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO("Grüße".encode())))
    found = find("-")[0]
    assert isinstance(found, FoundDocument) and found.text == "Grüße" and found.external_id == "stdin"


@pytest.mark.parametrize("plugin", [files, website])
def test_plugin_has_a_manifest_and_the_four_headings(plugin: object) -> None:
    folder = Path(str(plugin.__file__)).parent  # type: ignore[attr-defined]
    manifest = read_manifest(folder / "plugin.toml")
    assert manifest.id == folder.name and manifest.default and manifest.category == "source"
    readme = (folder / "README.md").read_text(encoding="utf-8")
    assert [line[3:] for line in readme.splitlines() if line.startswith("## ")] == [
        "What it does",
        "Set-up",
        "What leaves the server",
        "How to remove it",
    ]
    assert plugin.connectors(None)[0].kind in ("file", "website")  # type: ignore[attr-defined]
