"""PDF, by its text layer."""

from __future__ import annotations

import io
import logging
import re

from pypdf import PdfReader
from pypdf.errors import PyPdfError

from webchatagent.core.api import DocumentProblem

from .text import Read

_HYPHEN = re.compile(r"(\w)[-\u00ad]\n(?=[a-zà-öø-ÿ])")
_MADE_UP = re.compile(
    r"^(?:untitled|microsoft \w+ - |.*\.(?:docx?|indd|dvi|qxd|tex|pdf|xlsx?|pptx?)$|slide 1$|title$)", re.I
)
logging.getLogger("pypdf").setLevel(logging.CRITICAL + 1)  # its warnings quote the document


def read(data: bytes, name: str, media_type: str) -> Read:
    """The text of all pages, `\\f` between them; a page that cannot be read is left out unless all are."""
    try:
        reader = PdfReader(io.BytesIO(data), strict=False)
        if reader.is_encrypted and not reader.decrypt(""):
            raise DocumentProblem("encrypted", "The PDF is protected by a password", "save it without the password")
        count = len(reader.pages)
    except (PyPdfError, NotImplementedError) as error:
        raise _problem(error) from None
    pages, failures = [], 0
    for number in range(count):
        try:
            pages.append(_HYPHEN.sub(r"\1", reader.pages[number].extract_text()))
        except MemoryError:
            raise
        except Exception:  # damaged pages fail in many ways; the others are read
            pages.append("")
            failures += 1
    if count == 0 or failures == count:
        raise _problem(None)
    return "\f".join(pages), *_about(reader)


def _problem(error: Exception | None) -> DocumentProblem:
    if error is not None and "crypt" in type(error).__name__.lower() + str(error).lower():
        return DocumentProblem(
            "encrypted", "The PDF is protected in a way that is not read", "save it without protection"
        )
    return DocumentProblem("broken", "The PDF is damaged", "open it in a PDF program and save it anew")


def _about(reader: PdfReader) -> tuple[str, str]:
    try:
        title = str((reader.metadata.title if reader.metadata else "") or "").strip()
        language = str(reader.root_object.get("/Lang", "") or "")
    except Exception:  # a damaged dictionary must not cost the text
        return "", ""
    return ("" if _MADE_UP.match(title) else title), language
