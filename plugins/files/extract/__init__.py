"""`extract`: the text of any file as Markdown. Pure: it opens nothing, calls nothing; it runs in the sandbox."""

from __future__ import annotations

import importlib
import re
import unicodedata
from typing import Any

from webchatagent.core.api import DocumentProblem

from .kinds import READERS, detect, refuse

MAX_CHARACTERS = 20_000_000
_WORD = re.compile(r"[^\W_]")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f\ud800-\udfff\ufeff\u00ad]")
_TRAILING = re.compile(r"[ \t]+(?=\n)")
_BLANKS = re.compile(r"\n{3,}")


def extract(name: str, media_type: str, data: bytes) -> dict[str, Any]:
    """Read a file. The dict has `markdown`, `title` and `language`, as of `ExtractedText`.

    The kind is told by the content first, by name and media type second. Raises DocumentProblem with the state:
    no_text, encrypted, unsupported, broken or too_large.
    """
    kind = detect(name, media_type, data)
    if kind not in READERS:
        refuse(kind)
    module, _, function = READERS[kind].partition(":")
    reader = getattr(importlib.import_module(f".{module}", __name__), function)
    markdown, title, language = reader(data, name, media_type)
    markdown = clean(markdown)
    if not _WORD.search(markdown):
        raise DocumentProblem("no_text", *NO_TEXT.get(kind, ("The file has no text",)))
    if len(markdown) > MAX_CHARACTERS:
        raise DocumentProblem(
            "too_large",
            f"The file has more than {MAX_CHARACTERS // 1_000_000} million characters",
            "split it into smaller files",
        )
    return {"markdown": markdown, "title": " ".join(clean(title).split())[:300], "language": language_code(language)}


NO_TEXT = {
    "pdf": ("The PDF has no text layer; OCR is not included", "make the text searchable with an OCR program first"),
    "html": ("The page has no text; it may be made by JavaScript only",),
}


def clean(text: str) -> str:
    """Text without control characters, in NFC, with at most one blank line in a row."""
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n").replace("\u00a0", " "))
    return _BLANKS.sub("\n\n", _TRAILING.sub("", _CONTROL.sub("", text))).strip(" \n\t")


def language_code(language: str) -> str:
    """`de` of `de-DE`; empty when it is no language code."""
    match = re.match(r"([A-Za-z]{2,3})(?:[-_]|$)", language.strip())
    return match[1].lower() if match else ""
