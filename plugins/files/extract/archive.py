"""Zip files as office programs write them, with a look at their sizes before anything is unpacked."""

from __future__ import annotations

import io
import posixpath
import zipfile
import zlib
from typing import Any

from lxml import etree  # type: ignore[import-untyped]

from webchatagent.core.api import DocumentProblem

MAX_TOTAL = 200_000_000
MAX_RATIO = 200
MAX_MEMBERS = 5000
SMALL = 10_000_000
"""Below this size a member's ratio does not matter: an empty sheet compresses well."""


def open_zip(data: bytes) -> zipfile.ZipFile:
    """Open an archive whose directory looks sane. Raises DocumentProblem: too_large, encrypted, broken."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
        members = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError, EOFError):
        raise _broken() from None
    if (
        len(members) > MAX_MEMBERS
        or sum(m.file_size for m in members) > MAX_TOTAL
        or any(m.file_size > SMALL and m.file_size > MAX_RATIO * max(m.compress_size, 1) for m in members)
    ):
        raise DocumentProblem("too_large", "The file unpacks to far more than it should", "save it anew in its program")
    if any(m.flag_bits & 1 for m in members):
        raise DocumentProblem("encrypted", "The file is protected by a password", "take the password off")
    return archive


def _broken() -> DocumentProblem:
    return DocumentProblem("broken", "The file is damaged", "open it in its program and save it anew")


def member(archive: zipfile.ZipFile, name: str) -> bytes:
    """One member's bytes, at most what the directory promised; empty when it is not there."""
    try:
        info = archive.getinfo(name)
        with archive.open(info) as file:
            return file.read(info.file_size)
    except KeyError:
        return b""
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError):
        raise _broken() from None


def parse_xml(data: bytes) -> Any:
    """The root element, or None for nothing. No DTD is used, no entity expanded, no file or host touched."""
    if not data:
        return None
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        recover=True,
        remove_comments=True,
        remove_pis=True,
        huge_tree=False,
    )
    try:
        return etree.fromstring(data, parser)
    except etree.XMLSyntaxError:
        raise _broken() from None


def relations(archive: zipfile.ZipFile, part: str) -> dict[str, tuple[str, str]]:
    """The relations of an Office part: id → (last word of the type, path in the archive)."""
    folder, file = posixpath.split(part)
    root = parse_xml(member(archive, posixpath.join(folder, "_rels", file + ".rels")))
    found: dict[str, tuple[str, str]] = {}
    for relation in root if root is not None else ():
        target = relation.get("Target", "")
        if relation.get("TargetMode") != "External" and target:
            path = target.lstrip("/") if target.startswith("/") else posixpath.normpath(posixpath.join(folder, target))
            found[relation.get("Id", "")] = (relation.get("Type", "").rpartition("/")[2], path)
    return found


def main_part(archive: zipfile.ZipFile, default: str) -> str:
    """The path of an Office file's main part."""
    return next((path for kind, path in relations(archive, "").values() if kind == "officeDocument"), default)


def office_title(archive: zipfile.ZipFile) -> str:
    """The title in an Office file's properties."""
    root = parse_xml(member(archive, "docProps/core.xml"))
    return (root.findtext("{*}title") or "").strip() if root is not None else ""


def kind_of_zip(data: bytes) -> str:
    """The kind of a file that is a zip archive."""
    archive = open_zip(data)
    mimetype = member(archive, "mimetype")[:100].decode("ascii", "replace")
    for word, kind in (
        ("opendocument.text", "odt"),
        ("opendocument.presentation", "odp"),
        ("opendocument.spreadsheet", "sheet"),
        ("epub", "epub"),
    ):
        if word in mimetype:
            if b"manifest:encryption-data" in member(archive, "META-INF/manifest.xml"):
                raise DocumentProblem("encrypted", "The file is protected by a password", "take the password off")
            return kind
    main = main_part(archive, "")
    names = archive.namelist()
    for folder, kind in (("word/", "docx"), ("ppt/", "pptx"), ("xl/", "sheet")):
        if main.startswith(folder) or (not main and any(n.startswith(folder) for n in names)):
            return kind
    return "archive"
