"""What the contract of chunk stores writes and asks: keys, texts, vectors, and what a question finds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from ..core.analysis import stems, trigrams
from ..core.chunks import ChunkStore, DocumentKey, Hit, Legs, NewChunk
from ..core.models import EmbeddingSpace, Vectors

A, B = 1, 2
BOT, OTHER_BOT = 10, 11
SPACE = EmbeddingSpace("contract@1", 4, 512)
OTHER_SPACE = EmbeddingSpace("contract@2", 3, 512)


def key(document: int = 1, bot: int = BOT, source: int = 5) -> DocumentKey:
    """The key of a document."""
    return DocumentKey(bot, source, document)


def texts(*parts: str, language: str = "en", title: str = "") -> list[NewChunk]:
    """Chunks of plain texts."""
    return [NewChunk(part, title, language=language) for part in parts]


def legs(question: str, language: str = "en") -> Legs:
    """The word legs of a question."""
    return Legs(stems=stems(question, language), trigrams=trigrams(question))


def vectors(*rows: tuple[float, ...]) -> Vectors:
    """Unit vectors."""
    out = np.array(rows, np.float32)
    return out / np.linalg.norm(out, axis=1, keepdims=True)


def shown(store: ChunkStore, tenant: int, hits: list[Hit]) -> list[str]:
    """The texts of hits, in their order."""
    return [c.text for c in store.get(tenant, [h.ref for h in hits])]


def find(
    store: ChunkStore, question: str, language: str = "en", *, tenant: int = A, bot: int = BOT, leg: str = "stem"
) -> list[str]:
    """The texts that one leg finds."""
    return shown(store, tenant, store.search(tenant, bot, legs(question, language), 10).get(leg, []))


def embed_all(store: ChunkStore, tenant: int = A, space: EmbeddingSpace = SPACE) -> int:
    """Give every chunk without a vector one; returns how many."""
    missing = store.missing_vectors(tenant, space.id, 1000)
    rows = (
        vectors(*[tuple(float(i + j + 1) for j in range(space.dimensions)) for i, _ in enumerate(missing)])
        if missing
        else None
    )
    return store.put_vectors(tenant, space.id, [ref for ref, _ in missing], rows) if rows is not None else 0


def write_documents(make: Callable[[Path], ChunkStore], folder: Path, first: int, count: int) -> None:
    """What a child process does: write documents of two chunks, each twice."""
    store = make(folder)
    for _ in range(2):
        for number in range(first, first + count):
            store.replace_document(A, key(number), texts(f"alpha word{number}", f"beta word{number}"))
    store.close()
