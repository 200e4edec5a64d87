"""Split Markdown into passages along its structure: headings, paragraphs, lists, tables, code, then sentences.

Sizes are characters. Measured: about 600 finds best; overlap buys nothing (neighbours are added at answer time).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

TARGET = 600
MAX = 900
TINY = 120
MAX_HEADING = 200

_SENTENCE = re.compile(r"(?:[.!?।॥…][\"'”’)\]»]*(?=\s)|[。！？])\s*")
_BLANK = re.compile(r"\n[^\S\n]*\n\s*")
_WORD = re.compile(r"[^\W_]")
_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})([^\n]*)$", re.M)
_SETEXT = re.compile(r"^(?![#|>\-*+\s])([^\n]{1,200})\n(=+|-{3,})[ \t]*$", re.M)
_ITEM = re.compile(r"\s*(?:[-*+•]|\d{1,9}[.)])\s")
_SPECIAL = re.compile(r"^[#|]|\n[ \t]*[#|]|^\s*(?:[-*+•]|\d{1,9}[.)])\s")
_SOFT = re.compile(r"\n|[,;:،、，]\s*|\s")


@dataclass(frozen=True)
class Piece:
    """One passage. `heading` is the path of headings above it, joined by " > "; `page` counts from 1, 0: no pages."""

    text: str
    heading: str
    page: int


def split(markdown: str) -> list[Piece]:
    """Split into pieces of about 600 and at most 900 characters; each has a letter or a digit.

    `\\f` separates pages. A heading goes into the path of what follows; one with nothing below it stays as text.
    """
    if "\r" in markdown:
        markdown = markdown.replace("\r\n", "\n").replace("\r", "\n")
    splitter = _Splitter()
    pages = markdown.split("\f")
    for number, page in enumerate(pages, 1):
        splitter.page(page, number if len(pages) > 1 else 0)
    return splitter.end()


class _Splitter:
    """Collects units (paragraphs, rows, sentences) in a buffer and cuts a piece when the next would not fit."""

    def __init__(self) -> None:
        self._pieces: list[Piece] = []
        self._path: list[tuple[int, str]] = []
        self._bare = False  # the last heading has nothing below it yet
        self._heading = ""
        self._page = 0
        self._parts: list[str] = []
        self._size = 0
        self._fresh = True  # no piece under this heading on this page yet

    def page(self, text: str, number: int) -> None:
        """Take one page."""
        self._flush()
        self._page, self._fresh = number, True
        if "\n---" in text or "\n===" in text:
            text = _SETEXT.sub(lambda m: ("# " if m[2][0] == "=" else "## ") + m[1] + "\n", text)
        if "```" not in text and "~~~" not in text:
            self._blocks(text)
            return
        at = 0
        for begin, finish in _fenced(text):
            self._blocks(text[at:begin])
            self._code(text[begin:finish])
            at = finish
        self._blocks(text[at:])

    def end(self) -> list[Piece]:
        """All pieces."""
        self._bare_heading()
        self._flush()
        return self._pieces

    def _blocks(self, text: str) -> None:
        for block in _BLANK.split(text):
            if _SPECIAL.search(block):
                self._lines(block)
            else:
                block = block.strip()
                if block:
                    self._paragraph(block)

    def _lines(self, block: str) -> None:
        for kind, lines in _runs(block):
            if kind == "#":
                self._new_heading(lines[0])
            elif kind == "|":
                self._table(lines)
            elif kind == "-":
                self._list(lines)
            elif text := "\n".join(lines).strip():
                self._paragraph(text)

    def _new_heading(self, line: str) -> None:
        title = line.lstrip("#")
        level = len(line) - len(title)
        title = re.sub(r"\s#+$", "", title.strip()).strip("*_ ")
        if len(title) > MAX_HEADING:
            self._paragraph(title)
            return
        if not _WORD.search(title):
            return
        if self._path and level <= self._path[-1][0]:
            self._bare_heading()
        path = [(n, t) for n, t in self._path if n < level]
        self._set_path([*path, (level, title)])
        self._bare = True

    def _bare_heading(self) -> None:
        """Keep a heading that has nothing below it as text under its parents."""
        if self._bare and self._path:
            title = self._path[-1][1]
            self._set_path(self._path[:-1])
            self._add(title, "\n")
        self._bare = False

    def _set_path(self, path: list[tuple[int, str]]) -> None:
        heading = " > ".join(title for _, title in path)
        if heading != self._heading:
            self._flush()
            self._heading, self._fresh = heading, True
        self._path = path

    def _paragraph(self, text: str) -> None:
        if len(text) <= TARGET or (len(text) <= MAX and not self._parts):
            self._add(text, "\n\n")
            return
        joint = "\n\n"
        for sentence in _sentences(text):
            self._add(sentence, joint)
            joint = " "

    def _list(self, lines: list[str]) -> None:
        joint = "\n\n"
        for line in lines:
            for part in _fitting(line.rstrip()):
                self._add(part, joint)
                joint = "\n"

    def _code(self, text: str) -> None:
        if len(text) <= MAX:
            self._add(text, "\n\n")
            return
        first, *lines = text.split("\n")
        fence = re.match(r"\s*[`~]+", first)
        opening, closing = first[:100], fence[0].strip()[:20] if fence else "```"
        self._groups(
            [part for line in lines[:-1] for part in _fitting(line, MAX - 150)], f"{opening}\n", f"\n{closing}"
        )

    def _table(self, lines: list[str]) -> None:
        text = "\n".join(lines)
        if len(text) <= MAX:
            self._add(text, "\n\n")
            return
        head = ""
        if len(lines) > 2 and not _WORD.search(lines[1]) and len(lines[0]) + len(lines[1]) <= TARGET // 2:
            head, lines = f"{lines[0]}\n{lines[1]}\n", lines[2:]
        self._groups([part for line in lines for part in _fitting(line, MAX - len(head))], head, "")

    def _groups(self, rows: list[str], head: str, foot: str) -> None:
        """Rows in pieces of their own, each with the same head and foot."""
        group: list[str] = []
        size = around = len(head) + len(foot)
        for row in rows:
            if group and size + len(row) + 1 > TARGET:
                self._add(head + "\n".join(group) + foot, "\n\n")
                self._flush()
                group, size = [], around
            group.append(row)
            size += len(row) + 1
        if group:
            self._add(head + "\n".join(group) + foot, "\n\n")

    def _add(self, text: str, joint: str) -> None:
        if self._bare and _WORD.search(text):
            self._bare = False
        if self._parts:
            size = self._size + len(joint) + len(text)
            # A short lead-in ("Prices:") stays with what it leads to.
            if size > MAX or (size > TARGET and self._size > TINY):
                self._flush()
            if self._parts:
                self._parts.append(joint)
                self._size += len(joint)
        self._parts.append(text)
        self._size += len(text)

    def _flush(self) -> None:
        if not self._parts:
            return
        text = "".join(self._parts).strip()
        self._parts, self._size = [], 0
        if not _WORD.search(text):
            return
        last = self._pieces[-1] if self._pieces and not self._fresh else None
        room = last is not None and len(text) <= TINY and len(last.text) + len(text) + 2 <= MAX
        if last is not None and room and "```" not in last.text[-4:]:
            self._pieces[-1] = Piece(f"{last.text}\n{text}", last.heading, last.page)
            return
        self._pieces.append(Piece(text, self._heading, self._page))
        self._fresh = False


def _fenced(text: str) -> Iterator[tuple[int, int]]:
    """Where code blocks begin and end, their fences included; one that is never closed is no code block."""
    opening: re.Match[str] | None = None
    for line in _FENCE.finditer(text):
        if opening is None:
            opening = line
        elif line[1].startswith(opening[1]) and not line[2].strip():
            yield opening.start(), line.end()
            opening = None


def _runs(block: str) -> Iterator[tuple[str, list[str]]]:
    """A block's lines in runs of one kind: "#" heading (one line each), "|" table, "-" list, "" text."""
    kind, run = "", list[str]()
    for line in block.split("\n"):
        now = _kind(line, kind)
        if run and (now != kind or now == "#"):
            yield kind, run
            run = []
        kind = now
        run.append(line)
    if run:
        yield kind, run


def _kind(line: str, before: str) -> str:
    bare = line.lstrip()
    first = bare[:1]
    if first == "#" and line[:4].strip():
        title = bare.lstrip("#")
        if len(bare) - len(title) <= 6 and title[:1] in (" ", "\t"):
            return "#"
    if first == "|":
        return "|"
    if _ITEM.match(line):
        return "-"
    return "-" if before == "-" else ""  # an item goes on


def _sentences(text: str) -> Iterator[str]:
    at = 0
    for match in _SENTENCE.finditer(text):
        yield from _fitting(text[at : match.end()].strip())
        at = match.end()
    if rest := text[at:].strip():
        yield from _fitting(rest)


def _fitting(text: str, limit: int = MAX) -> Iterator[str]:
    """The text in parts of at most `limit`, cut at lines, commas or spaces where there are any."""
    at = 0  # an index, not a shorter text each time: a paragraph may have millions of characters
    while len(text) - at > limit:
        cut = 0
        for match in _SOFT.finditer(text, at + limit // 2, at + limit):
            cut = match.end()
            if match[0] == "\n":
                break
        cut = cut or at + limit
        if part := text[at:cut].strip():
            yield part
        at = cut
    if rest := text[at:].strip("\n"):
        yield rest
