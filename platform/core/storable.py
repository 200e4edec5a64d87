"""Text that every store can keep."""

from __future__ import annotations


def storable(text: str) -> str:
    """The text without NUL, and with a mark for each half of a surrogate pair: no database takes either.

    Half pairs come out of PDF files and of JSON escapes.
    """
    if "\x00" in text:
        text = text.replace("\x00", "")
    try:
        text.encode()
    except UnicodeEncodeError:
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text
