"""The kind of source `file`: a file, a folder, a `.jsonl` file of documents, or standard input."""

from __future__ import annotations

import json
import os
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from webchatagent.core.api import Connector, DocumentProblem, Failed, Finding, FoundDocument, SourceSpec

from .reading import MAX_BYTES

STDIN = "-"
MAX_FILES = 100_000


def claims(target: str) -> bool:
    """Whether the target is a path that exists, or `-`."""
    if target == STDIN:
        return True
    try:
        return bool(target) and Path(target).expanduser().exists()
    except (OSError, ValueError, RuntimeError):
        return False


def find(spec: SourceSpec) -> Iterator[Finding]:
    """The documents under the target, in the order of their names. Raises DocumentProblem when it is not there."""
    if spec.target == STDIN:
        yield from _from_stdin()
        return
    root = Path(spec.target).expanduser()
    if root.is_dir():
        for path, name in _files(root):
            yield from _from_file(path, name)
    elif root.is_file():
        yield from _from_file(root, _nfc(root.name))
    else:
        raise DocumentProblem("gone", f"There is no file or folder {spec.target}")


def expand(name: str, data: bytes) -> Iterator[Finding]:
    """The documents in one file: the lines of a `.jsonl` file, or the file itself. `name` becomes the external id."""
    name = unicodedata.normalize("NFC", name)  # browsers of a Mac send decomposed letters
    if name.lower().endswith(".jsonl"):
        yield from _lines(data)
    else:
        yield FoundDocument(name, name=PurePosixPath(name).name, data=data)


def _from_stdin() -> Iterator[Finding]:
    text = sys.stdin.buffer.read(MAX_BYTES + 1).decode("utf-8-sig", "replace")
    if not text.strip():
        yield Failed("stdin", "no_text", "Standard input is empty")
    else:
        yield FoundDocument("stdin", title="Standard input", name="stdin.txt", media_type="text/markdown", text=text)


def _files(root: Path) -> Iterator[tuple[Path, str]]:
    """Files below a folder with their names relative to it; hidden ones and links that lead out are left out."""
    base = os.path.realpath(root)
    count = 0
    for folder, folders, names in os.walk(root):  # does not follow links to folders
        folders[:] = sorted(f for f in folders if not f.startswith("."))
        for name in sorted(names):
            path = Path(folder, name)
            inside = os.path.realpath(path).startswith(base + os.sep)
            if name.startswith(".") or not inside or not path.is_file():
                continue
            count += 1
            if count > MAX_FILES:
                raise DocumentProblem("too_large", f"The folder has more than {MAX_FILES} files", "add parts of it")
            yield path, _nfc(path.relative_to(root).as_posix())


def _from_file(path: Path, name: str) -> Iterator[Finding]:
    lines = name.lower().endswith(".jsonl")
    try:
        if not lines and path.stat().st_size > MAX_BYTES:
            yield Failed(name, "too_large", f"The file is larger than {MAX_BYTES // 1_000_000} MB")
            return
        data = path.read_bytes()
    except OSError as error:
        yield Failed(name, "unreachable", f"The file cannot be read: {error.strerror or 'unknown reason'}")
        return
    yield from expand(name, data)


def _lines(data: bytes) -> Iterator[Finding]:
    seen: set[str] = set()
    for number, line in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        if not line.strip():
            continue
        finding = _line(number, line)
        if finding.external_id in seen:
            yield Failed(f"line {number}", "broken", f"Line {number}: the id {finding.external_id!r} was used before")
            continue
        seen.add(finding.external_id)
        yield finding


def _line(number: int, line: bytes) -> Finding:
    try:
        row = json.loads(line)
        identity = row["id"]
        title, text, language, url = (_text(row, key) for key in ("title", "text", "lang", "url"))
        if isinstance(identity, bool) or not isinstance(identity, str | int) or not str(identity).strip():
            raise ValueError("`id` is neither text nor a number")
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        reason = f"{error.args[0]!r} is missing" if isinstance(error, KeyError) else _reason(error)
        return Failed(f"line {number}", "broken", f"Line {number} is not a document: {reason}")
    external_id = _nfc(str(identity))
    if not text.strip():
        return Failed(external_id, "no_text", f"Line {number}: the text is empty", url=url, title=title)
    return FoundDocument(external_id, title=title, url=url, language=language, media_type="text/markdown", text=text)


def _text(row: Any, key: str) -> str:
    value = row["text"] if key == "text" else row.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValueError(f"`{key}` is not text")
    return value


def _reason(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at column {error.colno}"
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8"
    return str(error) if isinstance(error, ValueError) else "it is not a JSON object"


def _nfc(name: str) -> str:
    # File systems differ in how they write an umlaut; ids must not. A name that is not UTF-8 is shown with marks.
    return unicodedata.normalize("NFC", name.encode("utf-8", "surrogateescape").decode("utf-8", "replace"))


CONNECTOR = Connector("file", claims, find, local=True, expand=expand)
