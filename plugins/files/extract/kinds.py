"""What kind of file it is, told by its first bytes and, where these are text, by name and media type."""

from __future__ import annotations

import re
from typing import NoReturn

from webchatagent.core.api import DocumentProblem

READERS = {
    "pdf": "pdf:read",
    "docx": "word:read",
    "pptx": "slides:read",
    "sheet": "tables:read_sheets",
    "csv": "tables:read_csv",
    "odt": "opendocument:read",
    "odp": "opendocument:read",
    "epub": "web:read_epub",
    "html": "web:read",
    "eml": "mail:read",
    "rtf": "text:read_rtf",
    "md": "text:read",
    "txt": "text:read",
    "subtitles": "text:read_subtitles",
    "json": "text:read",
    "xml": "text:read_xml",
}
_UNSUPPORTED = {
    "doc": ("Word 97-2003 files (.doc) are not read", "save it as .docx or PDF"),
    "ppt": ("PowerPoint 97-2003 files (.ppt) are not read", "save it as .pptx or PDF"),
    "msg": ("Outlook messages (.msg) are not read", "save it as .eml or text"),
    "image": ("Images are not read; OCR is not included", "add the text as a document"),
    "media": ("Audio and video are not read", "add a transcript, as text or .vtt"),
    "archive": ("Archives are not read", "unpack it and add the files"),
    "program": ("Programs are not read", ""),
    "ole": ("This old office file is not read", "save it as .docx, .xlsx, .pptx or PDF"),
    "binary": ("This kind of file is not read", "save it as PDF, .docx or text"),
}
_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"{\\rtf", "rtf"),
    (b"\x89PNG", "image"),
    (b"\xff\xd8\xff", "image"),
    (b"GIF8", "image"),
    (b"BM", "?image"),
    (b"II*\0", "image"),
    (b"MM\0*", "image"),
    (b"8BPS", "image"),
    (b"\0\0\1\0", "image"),
    (b"\x1f\x8b", "archive"),
    (b"7z\xbc\xaf", "archive"),
    (b"Rar!", "archive"),
    (b"BZh", "archive"),
    (b"\xfd7zXZ", "archive"),
    (b"MZ", "?program"),
    (b"\x7fELF", "program"),
    (b"\xca\xfe\xba\xbe", "program"),
    (b"\xcf\xfa\xed\xfe", "program"),
    (b"OggS", "media"),
    (b"ID3", "media"),
    (b"fLaC", "media"),
    (b"\x1aE\xdf\xa3", "media"),
    (b"SQLite format 3", "binary"),
)
_EXTENSIONS = {
    "csv": "csv",
    "tsv": "csv",
    "tab": "csv",
    "md": "md",
    "markdown": "md",
    "htm": "html",
    "html": "html",
    "xhtml": "html",
    "vtt": "subtitles",
    "srt": "subtitles",
    "eml": "eml",
    "mht": "eml",
    "mhtml": "eml",
    "json": "json",
    "xml": "xml",
    "svg": "image",
}
_TYPES = {
    "text/html": "html",
    "application/xhtml+xml": "html",
    "text/csv": "csv",
    "text/tab-separated-values": "csv",
    "text/markdown": "md",
    "message/rfc822": "eml",
    "text/vtt": "subtitles",
    "application/json": "json",
    "text/xml": "xml",
    "application/xml": "xml",
    "image/svg+xml": "image",
}
_HTML = re.compile(
    rb"^\s*(?:<\?xml[^>]*>\s*)?(?:<!--.{0,2000}?-->\s*)*<(?:!doctype\s+html|html|head|body)\b", re.I | re.S
)
_MAIL = re.compile(rb"\A(?:[A-Za-z][A-Za-z0-9-]{1,40}:[^\n]*\r?\n(?:[ \t][^\n]*\r?\n)*){2,}", re.S)
_MAIL_FIELD = re.compile(rb"^(?:from|received|message-id|mime-version|return-path|subject|date|to):", re.I | re.M)
_XLS_PASSWORD = re.compile(rb"\x09\x08.\x00.{6,16}(?:.\x00.\x00.{0,6}){0,4}\x2f\x00[\x04-\xff]\x00", re.S)
"""The record FILEPASS soon after the record BOF of a workbook's stream."""
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def detect(name: str, media_type: str, data: bytes) -> str:
    """The kind of a file: a key of `READERS`, or of what is not read."""
    head = data[:4096]
    if b"%PDF-" in head[:1024]:
        return "pdf"
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        from .archive import kind_of_zip

        return kind_of_zip(data)
    if head.startswith(OLE):
        return _kind_of_ole(data)
    for magic, kind in _MAGIC:
        if head.startswith(magic) and (kind[0] != "?" or b"\0" in head[:64]):
            return kind.lstrip("?")
    if head[4:8] == b"ftyp" or (head.startswith(b"RIFF") and head[8:12] in (b"WAVE", b"AVI ")):
        return "media"
    if head[8:12] == b"WEBP" or head[4:12] in (b"ftypheic", b"ftypavif"):
        return "image"
    return _kind_of_text(name, media_type, data)


def _kind_of_ole(data: bytes) -> str:
    """An OLE file names its streams in UTF-16 in its directory."""

    def has(stream: str) -> bool:
        return stream.encode("utf-16-le") in data

    if has("EncryptedPackage"):
        raise DocumentProblem("encrypted", "The file is protected by a password", "take the password off")
    if has("__properties_version1.0"):  # before the others: they may be attached
        return "msg"
    if has("WordDocument"):
        return "doc"
    if has("PowerPoint Document"):
        return "ppt"
    if not (has("Workbook") or has("Book")):
        return "ole"
    if _XLS_PASSWORD.search(data):
        raise DocumentProblem("encrypted", "The workbook is protected by a password", "take the password off")
    return "sheet"


def _kind_of_text(name: str, media_type: str, data: bytes) -> str:
    from .text import decode, looks_binary

    if looks_binary(data):
        return "binary"
    head = data[:4096]
    if b"\0" in head:
        head = decode(data[:8192]).encode()
    head = head.removeprefix(b"\xef\xbb\xbf")
    extension = name.lower().rpartition(".")[2] if "." in name else ""
    if head.startswith(b"WEBVTT"):
        return "subtitles"
    if _HTML.match(head):
        return "html"
    kind = _EXTENSIONS.get(extension) or _TYPES.get(media_type.partition(";")[0].strip().lower())
    if kind:
        return kind
    if head.lstrip().startswith(b"<?xml"):
        return "xml"
    if _MAIL.match(head) and len(_MAIL_FIELD.findall(head)) >= 3 and extension in ("", "txt", "mbox"):
        return "eml"
    return "txt"


def refuse(kind: str) -> NoReturn:
    """Say that this kind is not read, and what to do instead."""
    raise DocumentProblem("unsupported", *_UNSUPPORTED.get(kind, _UNSUPPORTED["binary"]))
