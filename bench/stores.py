"""Both chunk stores by themselves: many small tenants, one large one, and what a question costs in each.

python bench/stores.py [--elasticsearch URL] [--tenants 100] [--chunks 1000] [--large 100000]
"""

from __future__ import annotations

import argparse
import random
import resource
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from webchatagent.core.chunks import ChunkStore, DocumentKey, Legs, NewChunk
from webchatagent.core.models import EmbeddingSpace
from webchatagent.stores.chunks_elastic import ElasticsearchChunkStore
from webchatagent.stores.chunks_sqlite import SqliteChunkStore

SPACE = EmbeddingSpace("bench@1", 384, 512)
BOT, PER_DOCUMENT = 1, 100
WORDS = [
    f"{a}{b}{c}{d}" for a in "bdfglmnprst" for b in "aeiou" for c in "klmrstv" for d in ("en", "er", "ung", "lich")
]
WEIGHTS = [1 / (n + 2) for n in range(len(WORDS))]


def texts(seed: int, count: int) -> Iterator[str]:
    """Texts of some sixty words, frequent and rare ones."""
    dice = random.Random(seed)
    for _ in range(count):
        yield " ".join(dice.choices(WORDS, WEIGHTS, k=60))


def fill(store: ChunkStore, tenant: int, count: int) -> None:
    """A tenant with so many chunks, each with a vector."""
    made, dice = list(texts(tenant, count)), np.random.default_rng(tenant)
    store.ensure_space(SPACE)
    for start in range(0, count, PER_DOCUMENT):
        part = [NewChunk(t) for t in made[start : start + PER_DOCUMENT]]
        store.replace_document(tenant, DocumentKey(BOT, 1, start // PER_DOCUMENT), part)
        missing = store.missing_vectors(tenant, SPACE.id, PER_DOCUMENT, start // PER_DOCUMENT)
        rows = dice.standard_normal((len(missing), SPACE.dimensions)).astype(np.float32)
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        store.put_vectors(tenant, SPACE.id, [ref for ref, _ in missing], rows)


def ask(store: ChunkStore, tenants: list[int], rounds: int) -> list[float]:
    """Milliseconds of each question: its legs, its ten best chunks."""
    from webchatagent.core.analysis import stems, trigrams

    dice, took = random.Random(7), []
    for _ in range(rounds):
        question = " ".join(dice.choices(WORDS, WEIGHTS, k=6))
        vector = np.random.default_rng(dice.randrange(1 << 30)).standard_normal(SPACE.dimensions).astype(np.float32)
        legs = Legs(stems(question, "de"), trigrams(question), vector / np.linalg.norm(vector), SPACE.id)
        tenant, begin = dice.choice(tenants), time.perf_counter()
        found = store.search(tenant, BOT, legs, 50)
        store.frequencies(tenant, legs.stems)
        store.get(tenant, [hit.ref for leg in found.values() for hit in leg[:4]])
        took.append((time.perf_counter() - begin) * 1000)
    return took


def run(name: str, store: ChunkStore, args: argparse.Namespace) -> None:
    """Fill a store, ask it, and print a line for each shape."""
    small, large = list(range(1, args.tenants + 1)), [100_000]
    for shape, tenants, count in (
        (f"{args.tenants} x {args.chunks}", small, args.chunks),
        (f"1 x {args.large}", large, args.large),
    ):
        begin = time.perf_counter()
        for tenant in tenants:
            fill(store, tenant, count)
        seconds = time.perf_counter() - begin
        time.sleep(1.5)  # the embedded store makes its arrays once a file is quiet
        ask(store, tenants, args.rounds)  # warm
        took = sorted(ask(store, tenants, args.rounds))
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(
            f"{name:14} {shape:>14} chunks: fill {seconds:6.1f} s, question p50 {statistics.median(took):6.1f} ms, "
            f"p99 {took[int(len(took) * 0.99)]:6.1f} ms, memory of this process {memory} MB",
            flush=True,
        )


def main() -> None:
    """Both stores, or the embedded one alone when no cluster is named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--elasticsearch", default="")
    for option, default in (("tenants", 100), ("chunks", 1000), ("large", 100_000), ("rounds", 300)):
        parser.add_argument(f"--{option}", type=int, default=default)
    args = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="stores-"))
    try:
        run("SQLite", SqliteChunkStore(folder), args)
    finally:
        shutil.rmtree(folder)
    if args.elasticsearch:
        run("Elasticsearch", ElasticsearchChunkStore(args.elasticsearch), args)


if __name__ == "__main__":
    main()
