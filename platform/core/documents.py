"""What travels on the way from a source to passages: found documents, their bytes, their text."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

State = Literal[
    "queued",
    "fetching",
    "indexing",
    "searchable",
    "no_text",
    "encrypted",
    "unsupported",
    "broken",
    "too_large",
    "unreachable",
    "gone",
]
"""A document's state, in the words a person sees. The first three pass; the others stay until something changes."""
STATES: tuple[State, ...] = get_args(State)
PASSING: frozenset[State] = frozenset({"queued", "fetching", "indexing"})
"""States that end by themselves."""


@dataclass(frozen=True)
class Blob:
    """The bytes of one document. `name` is the file's own name (never used as a path), `media_type` may be empty."""

    name: str
    data: bytes = field(repr=False)
    media_type: str = ""


@dataclass(frozen=True)
class ExtractedText:
    """A document's text as Markdown: `#` headings, `|` tables, `-` lists; `\\f` stands between the pages of a PDF."""

    markdown: str
    title: str = ""
    language: str = ""


@dataclass(frozen=True)
class FoundDocument:
    """One document that a connector found.

    `external_id` names it within its source, for ever: the id of a JSONL line, a relative path, a URL.
    Exactly one of `data` (bytes, to be extracted) and `text` (Markdown, ready) is set.
    `memory` is the connector's own note about the document (an ETag, say), handed back at the next run.
    """

    external_id: str
    title: str = ""
    name: str = ""
    url: str = ""
    media_type: str = ""
    language: str = ""
    data: bytes | None = field(default=None, repr=False)
    text: str | None = field(default=None, repr=False)
    memory: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Unchanged:
    """The document is as it was at the last run; its new `memory` is kept."""

    external_id: str
    memory: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Failed:
    """The document could not be had; `state` is one of `STATES`, the message is a sentence for the tenant."""

    external_id: str
    state: State
    message: str
    url: str = ""
    title: str = ""


Finding = FoundDocument | Unchanged | Failed


@dataclass(frozen=True)
class SourceSpec:
    """What a connector is asked to read. `known` maps external ids of the last run to the connector's memory."""

    target: str
    config: Mapping[str, object] = field(default_factory=dict)
    known: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Connector:
    """A kind of source.

    `claims(target)` says whether this kind reads the target a person typed. `find(spec)` yields what is there;
    ids of `known` that it does not yield are gone. With `local`, it reads the machine that adds the source
    (files, folders) and runs there at once; else it runs in a worker. `hosts(target)` names the hosts it will call.
    `expand(name, data)` turns one uploaded file into documents, for a kind that takes uploads.
    """

    kind: str
    claims: Callable[[str], bool]
    find: Callable[[SourceSpec], Iterator[Finding]]
    local: bool = False
    hosts: Callable[[str], frozenset[str]] = lambda target: frozenset()
    expand: Callable[[str, bytes], Iterator[Finding]] | None = None


@dataclass(frozen=True)
class Passage:
    """A piece of a document, small enough to be cited: `chunk_no` counts from 0 within the document."""

    document_id: int
    chunk_no: int
    text: str
    title: str
    heading: str
    language: str
    url: str = ""
    page: int = 0
