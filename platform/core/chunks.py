"""The chunk store: what holds passages, their index of words and their vectors. One protocol, one contract suite."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from .models import EmbeddingSpace, Vectors

Ref = int | str
"""A store's own name of a chunk; only the store that gave it understands it."""


@dataclass(frozen=True)
class DocumentKey:
    """Where a document's chunks belong."""

    bot_id: int
    source_id: int
    document_id: int


@dataclass(frozen=True)
class NewChunk:
    """A chunk to index. `text` is shown and cited; title and heading are indexed and embedded in front of it."""

    text: str
    title: str = ""
    heading: str = ""
    language: str = "en"
    url: str = ""
    page: int = 0

    @property
    def embedded_text(self) -> str:
        """What an embedding model sees."""
        head = " > ".join(part for part in (self.title, self.heading) if part)
        return f"{head}\n{self.text}" if head else self.text


@dataclass(frozen=True)
class Chunk:
    """A stored chunk; `number` counts from 0 within its document. `stemmed` are its analysed words, between blanks."""

    ref: Ref
    key: DocumentKey
    number: int
    text: str
    title: str
    heading: str
    language: str
    url: str
    page: int
    stemmed: str = field(default="", repr=False)

    @property
    def stems(self) -> list[str]:
        """The analysed words. Made when asked for: most chunks that are read are not shown."""
        return self.stemmed.split()


class Hit(NamedTuple):
    """A chunk found by one leg, with the leg's own score (BM25, or the cosine)."""

    ref: Ref
    score: float


@dataclass(frozen=True)
class Legs:
    """One question, as the legs see it; an empty leg is not run. The vector belongs to `space`."""

    stems: Sequence[str] = ()
    trigrams: Sequence[str] = ()
    vector: Vectors | None = None
    space: str = ""


@dataclass(frozen=True)
class IndexStats:
    """What a tenant (or one bot of it) has indexed; `vectors` per space id."""

    documents: int
    chunks: int
    vectors: Mapping[str, int]


@dataclass(frozen=True)
class Lacking:
    """What a space still lacks: how many chunks, and how many bytes of UTF-8 their texts have."""

    chunks: int
    size: int


class ChunkStore(Protocol):
    """Keeps the chunks of all tenants apart. `tenant_id` is positional everywhere and has no default.

    Readers see a document's old chunks or its new ones, never a mix. Deleting is complete when the call returns.
    """

    def ensure_space(self, space: EmbeddingSpace) -> None:
        """Make room for vectors of a space."""

    def replace_document(self, tenant_id: int, key: DocumentKey, chunks: Sequence[NewChunk]) -> int:
        """Put the chunks in place of the document's present ones, searchable by words at once.

        Vectors of chunks whose embedded text did not change are kept. Returns the number of chunks.
        """

    def missing_vectors(
        self, tenant_id: int, space_id: str, limit: int, document_id: int | None = None
    ) -> list[tuple[Ref, str]]:
        """Chunks without a vector in the space, oldest first: (ref, text to embed)."""

    def put_vectors(self, tenant_id: int, space_id: str, refs: Sequence[Ref], vectors: Vectors) -> int:
        """Add vectors; refs of chunks that are gone meanwhile are left out. Returns how many were written."""

    def count_vectors(self, tenant_id: int, space_id: str, document_id: int) -> int:
        """How many chunks of a document have a vector in the space."""

    def lacking(self, tenant_id: int, space_id: str) -> Lacking:
        """How much is still without a vector in the space."""

    def delete_vectors(self, tenant_id: int, space_id: str, limit: int) -> int:
        """Delete vectors of one space, `limit` at most; chunks and other spaces stay. Returns how many went."""

    def delete_documents(self, tenant_id: int, document_ids: Sequence[int]) -> int:
        """Delete the chunks and vectors of documents; returns how many chunks went."""

    def delete_bot(self, tenant_id: int, bot_id: int) -> int:
        """Delete everything of one bot; returns how many chunks went."""

    def delete_tenant(self, tenant_id: int) -> None:
        """Delete everything of the tenant."""

    def search(self, tenant_id: int, bot_id: int, legs: Legs, limit: int) -> dict[str, list[Hit]]:
        """Run each leg (`stem`, `trigram`, `dense`) over one bot's chunks; best first, `limit` each at most."""

    def frequencies(self, tenant_id: int, stems: Sequence[str]) -> tuple[int, dict[str, int]]:
        """The number of chunks, and in how many of them each stem occurs."""

    def get(self, tenant_id: int, refs: Sequence[Ref]) -> list[Chunk]:
        """The chunks, in the order of the refs; those that are gone are left out."""

    def neighbours(self, tenant_id: int, chunks: Sequence[Chunk]) -> list[Chunk]:
        """The chunks right before and right after each of some chunks, each once, by document and number."""

    def stats(self, tenant_id: int, bot_id: int | None = None) -> IndexStats:
        """Counts of what is indexed."""

    def documents(self, tenant_id: int) -> dict[int, int]:
        """The documents that are there, with the number of their chunks."""

    def tidy(self) -> None:
        """Take what was deleted off the disk, where that could not be done at once. Called once a minute."""

    def close(self) -> None:
        """Let go of files and connections."""
