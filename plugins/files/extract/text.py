"""Plain text of every kind: encodings, Markdown, subtitles, RTF, XML."""

from __future__ import annotations

import re

_BOMS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\0\0", "utf-32"),
    (b"\0\0\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_BINARY = bytes(set(range(32)) - {7, 8, 9, 10, 11, 12, 13, 27})
_TIMING = re.compile(r"^\s*(?:\d+:)?\d{1,2}:\d{2}[.,]\d{1,3}\s*-->.*$")
_TAG = re.compile(r"<[^>\n]{0,200}>|\{\\[^}\n]{0,50}\}")
SAMPLE = 65536
Read = tuple[str, str, str]
"""Markdown, title, language."""


def decode(data: bytes, declared: str = "") -> str:
    """Text of bytes: by its byte order mark, by what is declared, as UTF-8, by guessing."""
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            return data.decode(encoding, "replace")
    for encoding in (declared, "utf-8"):
        if encoding:
            try:
                return data.decode(encoding)
            except (LookupError, UnicodeError):
                pass
    return data.decode(_wide(data) or _guess(data), "replace")


def _wide(data: bytes) -> str:
    """UTF-16 without a mark: every second byte of western text is nil."""
    head = data[:SAMPLE]
    if len(head) < 4 or head.count(0) < len(head) // 4:
        return ""
    return "utf-16-le" if head[1::2].count(0) >= head[::2].count(0) else "utf-16-be"


def _guess(data: bytes) -> str:
    sample = data[:SAMPLE]
    high = sum(map((127).__lt__, sample))
    # A few bytes above 127 are umlauts and quotes, and a guess by statistics is wrong more often than cp1252.
    if high * 5 < len(sample):
        return "cp1252"
    from charset_normalizer import from_bytes

    best = from_bytes(sample).best()
    return best.encoding if best is not None else "cp1252"


def looks_binary(data: bytes) -> bool:
    """Whether this is no text in any encoding."""
    head = data[:SAMPLE]
    if head.startswith(tuple(bom for bom, _ in _BOMS)):
        return False
    if _wide(head):
        text = head[: len(head) & ~1].decode(_wide(head), "replace")
        return sum(c.isprintable() or c.isspace() for c in text) < len(text) * 0.9
    return len(head) - len(head.translate(None, _BINARY)) > len(head) * 0.02


def read(data: bytes, name: str, media_type: str) -> Read:
    """Text and Markdown as they are, without front matter; the title is the first heading of a Markdown file."""
    text = decode(data)
    title = ""
    if name.lower().endswith((".md", ".markdown")):
        front = re.match(r"---\n.{0,20000}?\n---\n", text, re.S)
        text = text[front.end() :] if front else text
        heading = re.search(r"^#{1,2}[ \t]+(\S[^\n]*)$", text, re.M)
        title = heading[1].strip("# ") if heading else ""
    return text, title, ""


def read_subtitles(data: bytes, name: str, media_type: str) -> Read:
    """What is said in WebVTT or SRT, without times and tags; a pause of a cue number starts no new paragraph."""
    said: list[str] = []
    for block in re.split(r"\n\s*\n", decode(data).replace("\r\n", "\n")):
        lines = block.split("\n")
        timing = next((i for i, line in enumerate(lines) if _TIMING.match(line)), None)
        if timing is not None:  # else a header, a style or a note
            text = " ".join(_TAG.sub("", line).strip() for line in lines[timing + 1 :]).strip()
            if text and (not said or said[-1] != text):
                said.append(text)
    return "\n".join(said), "", ""


def read_rtf(data: bytes, name: str, media_type: str) -> Read:
    """The text of an RTF file."""
    from striprtf.striprtf import rtf_to_text

    text = str(rtf_to_text(data.decode("latin-1"), encoding="cp1252", errors="replace"))  # type: ignore[no-untyped-call]
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")  # RTF writes rare letters in two halves
    return re.sub(r"\n(?=\S)", "\n\n", text), "", ""


def read_xml(data: bytes, name: str, media_type: str) -> Read:
    """The text between the tags of an XML file, one line each."""
    from .archive import parse_xml

    root = parse_xml(data)
    if root is None:
        return decode(data), "", ""
    language = root.get("{http://www.w3.org/XML/1998/namespace}lang", "")
    return "\n".join(part.strip() for part in root.itertext() if part.strip()), "", language
