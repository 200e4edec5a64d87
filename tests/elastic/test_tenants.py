"""Tenants share the indexes and nothing else: no foreign chunk, and no score that depends on somebody else's."""

from __future__ import annotations

import random
import time

import numpy as np
import pytest

from webchatagent.core.analysis import stems, trigrams
from webchatagent.core.chunks import DocumentKey, Legs, NewChunk
from webchatagent.core.models import EmbeddingSpace
from webchatagent.stores.chunks_sqlite import SqliteChunkStore
from webchatagent.stores.elastic_bulk import find
from webchatagent.stores.elastic_erasing import expunge_erased, merge_deleted

from ..elastic_node.opened import open_elastic, stored_bytes

pytestmark = [pytest.mark.service, pytest.mark.usefixtures("elastic_node")]
WORDS = [f"{a}{b}{c}en" for a in "bdfglmnprst" for b in "aeiou" for c in "klmrst"]
SPACE = EmbeddingSpace("shared@1", 32, 512)
A, B, BOT = 1, 2, 7


def sentences(seed, count):
    """Texts of words of which some are frequent and most are rare."""
    dice = random.Random(seed)
    weights = [1 / (n + 1) for n in range(len(WORDS))]
    return [" ".join(dice.choices(WORDS, weights, k=dice.randint(8, 60))) for _ in range(count)]


def fill(store, tenant, texts, per_document=20):
    """Documents of some chunks each, with vectors that follow from their words."""
    for number in range(0, len(texts), per_document):
        part = [NewChunk(t, f"Title {number}") for t in texts[number : number + per_document]]
        store.replace_document(tenant, DocumentKey(BOT, 1, number), part)
    store.ensure_space(SPACE)
    while missing := store.missing_vectors(tenant, SPACE.id, 200):
        store.put_vectors(tenant, SPACE.id, [r for r, _ in missing], np.stack([vector(t) for _, t in missing]))


def vector(text):
    """A direction for a text, the same wherever it is made."""
    out = np.zeros(SPACE.dimensions, np.float32)
    for word in stems(text, "en"):
        out += np.random.default_rng(abs(hash_of(word))).standard_normal(SPACE.dimensions).astype(np.float32)
    return out / np.linalg.norm(out)


def hash_of(word):
    return int.from_bytes(word.encode()[:8].ljust(8, b"_"), "big") % 2**32


def ask(store, tenant, question, limit=20):
    """What each leg finds: (text, score), best first."""
    legs = Legs(stems(question, "en"), trigrams(question), vector(question), SPACE.id)
    found = store.search(tenant, BOT, legs, limit)
    out = {}
    for leg, hits in found.items():
        chunks = {c.ref: c for c in store.get(tenant, [h.ref for h in hits])}
        assert len(chunks) == len(hits)
        out[leg] = [(chunks[h.ref].text, h.score) for h in hits]
    return out


QUESTIONS = [" ".join(random.Random(n).sample(WORDS[:120], 4)) for n in range(15)]


def test_scores_are_those_of_sqlite(tmp_path, figures):
    texts = sentences(1, 300)
    elastic, sqlite = open_elastic(tmp_path), SqliteChunkStore(tmp_path / "sqlite")
    for store in (elastic, sqlite):
        fill(store, A, texts)
    same = {"stem": [0, 0], "trigram": [0, 0], "dense": [0, 0]}
    for question in QUESTIONS:
        one, other = ask(elastic, A, question), ask(sqlite, A, question)
        for leg in same:
            scores = dict(other[leg])
            mine = dict(one[leg])
            assert one[leg][0][1] == pytest.approx(other[leg][0][1], rel=1e-3)
            for text in scores.keys() & mine.keys():
                assert mine[text] == pytest.approx(scores[text], rel=1e-3, abs=1e-3)
            same[leg][0] += len(scores.keys() & mine.keys())
            same[leg][1] += len(scores)
    for leg, (equal, of) in same.items():
        figures.line("Elasticsearch beside SQLite, best 20 of 300", f"{leg}: {equal} of {of} hits the same")
        assert equal >= 0.97 * of, leg
    sqlite.close()


def test_a_tenant_neither_sees_nor_feels_another_one(tmp_path, figures):
    store = open_elastic(tmp_path)
    mine = [f"{t} acme" for t in sentences(1, 100)]
    fill(store, A, mine)
    before = [ask(store, A, question) for question in QUESTIONS]
    frequent = store.frequencies(A, stems(QUESTIONS[0], "en"))
    fill(store, B, [f"{t} globex" for t in sentences(2, 1000)], per_document=250)
    after = [ask(store, A, question) for question in QUESTIONS]
    assert store.frequencies(A, stems(QUESTIONS[0], "en")) == frequent
    for one, other in zip(before, after, strict=True):
        for leg in ("stem", "trigram"):
            assert one[leg] == other[leg]  # to the last bit: the same hits, in the same order, with the same scores
        assert [t for t, _ in one["dense"]] == [t for t, _ in other["dense"]]
        assert [s for _, s in one["dense"]] == pytest.approx([s for _, s in other["dense"]])
    foreign = sum("globex" in text for found in after for leg in found.values() for text, _ in leg)
    refs = [r for r, _ in store.missing_vectors(B, "none@1", 50)]
    foreign += len(store.get(A, refs)) + store.put_vectors(A, SPACE.id, refs, np.ones((len(refs), 32), np.float32))
    assert len(refs) == 50 and foreign == 0
    hits = sum(len(leg) for found in after for leg in found.values())
    figures.line(
        "tenants on Elasticsearch", f"{hits} hits of a tenant of 100 chunks beside one of 1000: foreign {foreign}"
    )


def test_every_record_says_whose_it_is_and_lies_with_its_tenant(tmp_path):
    store = open_elastic(tmp_path)
    for tenant in (A, B):
        fill(store, tenant, sentences(tenant, 30))
    client, indexes = store._connection.read, store._indexes
    for tenant, other in ((A, B), (B, A)):
        query = {"term": {"tenant": tenant}}
        assert len(list(find(client, indexes.all, str(tenant), query))) == 30 + 2 + 30
        hits = client.search(index=indexes.all, query={"bool": {"must_not": [{"terms": {"tenant": [tenant, other]}}]}})
        assert hits["hits"]["hits"] == []
    hits = client.search(index=indexes.all, query={"match_all": {}}, size=500)["hits"]["hits"]
    assert {h["_routing"] for h in hits} == {"1", "2"}
    assert all(h["_routing"] == str(h["_source"]["tenant"]) == h["_id"].split(".")[0] for h in hits)


def test_what_was_deleted_leaves_the_disk(tmp_path):
    store, kept = open_elastic(tmp_path), "remainingword"
    gone = {}
    for tenant, how in ((A, "documents"), (B, "bot"), (3, "tenant")):
        gone[how] = f"zyx{how}canary"
        store.replace_document(tenant, DocumentKey(BOT, 1, 1), [NewChunk(f"{gone[how]} text", f"title{gone[how]}")])
        store.replace_document(tenant, DocumentKey(BOT + 1, 1, 2), [NewChunk(kept)])
        store.ensure_space(SPACE)
        refs = [r for r, _ in store.missing_vectors(tenant, SPACE.id, 9)]
        store.put_vectors(tenant, SPACE.id, refs, np.ones((2, 32), np.float32))
    store.delete_documents(A, [1])
    store.delete_bot(B, BOT)
    store.delete_tenant(3)
    client, indexes = store._connection.write, store._indexes
    assert expunge_erased(client, indexes) is False  # too early: the cluster still keeps it for copies
    limit = time.monotonic() + 90
    while any(word.encode() in stored_bytes(tmp_path) for word in gone.values()):
        assert time.monotonic() < limit
        merge_deleted(client, indexes)
    assert kept.encode() in stored_bytes(tmp_path)
    assert expunge_erased(client, indexes, later=0) is True
    assert expunge_erased(client, indexes, later=0) is False  # the note is gone
    assert store.stats(3).chunks == 0 and store.stats(A).chunks == store.stats(B).chunks == 1
