"""Chunks as Elasticsearch holds them, and the names they have there."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..core.analysis import stems, trigrams, words
from ..core.chunks import Chunk, DocumentKey, NewChunk
from .bm25 import HEAD, gain

MEAN = {"stems": 60.0, "grams": 400.0}
"""Lengths of a usual chunk. The weights in the index are made with them, since a tenant's own mean changes with every
document; the best chunks are scored anew with the tenant's mean."""
LONGEST = 200


@dataclass(frozen=True)
class Ref:
    """The parts of a chunk's name: `tenant.document.edition-nonce.number`."""

    tenant: int
    document: int
    version: str
    number: int

    def __str__(self) -> str:
        return f"{self.tenant}.{self.document}.{self.version}.{self.number}"


def read_ref(text: object) -> Ref | None:
    """The parts of a name; None for what is none."""
    parts = str(text).split(".")
    if len(parts) != 4 or not (parts[0].isdigit() and parts[1].isdigit() and parts[3].isdigit()):
        return None
    return Ref(int(parts[0]), int(parts[1]), parts[2], int(parts[3]))


def head_id(tenant_id: int, document_id: int) -> str:
    """The name of the record that says which version of a document is the current one."""
    return f"{tenant_id}.{document_id}"


def feature(term: str) -> str:
    """A term as the name of a weight; a very long one is told by its hash."""
    return term if len(term) <= LONGEST else hashlib.sha256(term.encode()).hexdigest()


def is_plain(term: str) -> bool:
    """Whether a term can stand in a text: it has letters, digits and marks only, and is one word."""
    return words(term) == [term]


def chunk_fields(chunk: NewChunk) -> dict[str, Any]:
    """The analysed words of a chunk, to be shown and to be searched."""
    head, body = stems(f"{chunk.title} {chunk.heading}", chunk.language), stems(chunk.text, chunk.language)
    whole = f"{chunk.title} {chunk.heading} {chunk.text}"
    grams = trigrams(whole)
    often = Counter[str](body)
    for stem in head:
        often[stem] += HEAD  # type: ignore[assignment]  # a Counter may hold parts of one
    return {
        "stemmed": " ".join([*head, "|", *body]),
        "folded": " ".join(words(whole)),
        "stem_count": len(head) + len(body),
        "gram_count": len(grams),
        "stems": _weights(often, len(head) + len(body), MEAN["stems"]),
        "grams": _weights(Counter(grams), len(grams), MEAN["grams"]),
    }


def _weights(often: Mapping[str, float], length: int, mean: float) -> dict[str, float]:
    return {feature(term): gain(n, length, mean) for term, n in often.items()}


def chunk_record(tenant_id: int, key: DocumentKey, version: str, number: int, chunk: NewChunk) -> dict[str, Any]:
    """A chunk's record."""
    return {
        "kind": "chunk",
        "tenant": tenant_id,
        "bot": key.bot_id,
        "source": key.source_id,
        "document": key.document_id,
        "edition": edition(version),
        "version": version,
        "number": number,
        "size": len(f"{chunk.title}{chunk.heading}{chunk.text}".encode()),
        "text": chunk.text,
        "title": chunk.title,
        "heading": chunk.heading,
        "language": chunk.language,
        "url": chunk.url,
        "page": chunk.page,
        "digest": digest(chunk),
        **chunk_fields(chunk),
    }


def edition(version: str) -> int:
    """How many versions of the document came before."""
    return int(version.partition("-")[0])


def digest(chunk: NewChunk) -> str:
    """Equal for chunks that embed equally."""
    return hashlib.sha256(chunk.embedded_text.encode()).hexdigest()[:32]


SHOWN = "tenant bot source document number version text title heading language url page stemmed".split()


def read_chunk(ref: str, record: Mapping[str, Any]) -> Chunk:
    """The chunk of a record."""
    return Chunk(
        ref,
        DocumentKey(record["bot"], record["source"], record["document"]),
        record["number"],
        record["text"],
        record["title"],
        record["heading"],
        record["language"],
        record["url"],
        record["page"],
        record["stemmed"].replace("|", " "),
    )


def stem_count(term: str, stemmed: Sequence[str], bar: int) -> float:
    """How often a stem stands among analysed words; before the bar, in title and heading, it counts more."""
    return sum(HEAD if i < bar else 1.0 for i, word in enumerate(stemmed) if word == term)


def gram_count(gram: str, folded: str) -> int:
    """How often a trigram stands in folded words, between blanks."""
    if len(gram) < 3:
        return f" {folded} ".replace(" ", "  ").count(f" {gram} ")
    found = folded.count(gram)
    if found and gram[0] == gram[-1]:  # it may overlap itself
        found = sum(folded.startswith(gram, i) for i in range(len(folded) - 2))
    return found
