"""The contract of chunk stores, run over each of them, and against a simple model of what they must do."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from webchatagent.core.chunks import ChunkStore, DocumentKey, Legs, NewChunk
from webchatagent.stores.chunks_sqlite import SqliteChunkStore
from webchatagent.testing.chunk_store_contract import ChunkStoreContract

from ..elastic_node.opened import open_elastic

STORES = {"sqlite": SqliteChunkStore, "elasticsearch": open_elastic}
"""Every implementation; a later one is added here and passes the same tests."""


class TestSqlite(ChunkStoreContract):
    """The embedded store."""

    @staticmethod
    def make_store(folder: Path) -> ChunkStore:
        return SqliteChunkStore(folder)

    def test_another_version_of_the_analysis_rebuilds_the_words(self, store, tmp_path, monkeypatch):
        store.replace_document(1, DocumentKey(1, 1, 1), [NewChunk("the walrus sleeps")])
        before = store.missing_vectors(1, "s", 10)
        store.close()
        monkeypatch.setattr("webchatagent.stores.chunks_sqlite.VERSION", 999)
        monkeypatch.setattr(
            "webchatagent.stores.chunks_sqlite.stems", lambda text, language: [w + "x" for w in text.lower().split()]
        )
        again = SqliteChunkStore(tmp_path / "store")
        assert again.search(1, 1, Legs(stems=["walrus"]), 5)["stem"] == []
        assert len(again.search(1, 1, Legs(stems=["walrusx"]), 5)["stem"]) == 1
        assert again.missing_vectors(1, "s", 10) == before  # the same chunks, so that vectors stay theirs
        assert again.delete_documents(1, [1]) == 1
        assert again.frequencies(1, ["walrusx"]) == (0, {})
        again.close()

    def test_an_index_of_words_in_the_old_shape_is_rebuilt(self, store, tmp_path):
        import sqlite3

        store.replace_document(1, DocumentKey(1, 1, 1), [NewChunk("a\u20ddb walrus")])
        store.close()
        with sqlite3.connect(tmp_path / "store" / "1.sqlite", isolation_level=None) as db:
            db.execute("drop table by_trigram")
            db.execute(
                "create virtual table by_trigram using fts5(body, content='', detail=none, tokenize='unicode61')"
            )
            db.execute("update meta set value = 1 where key = 'analysis'")
        db.close()
        again = SqliteChunkStore(tmp_path / "store")
        assert len(again.search(1, 1, Legs(trigrams=["a\u20ddb"]), 5)["trigram"]) == 1
        again.close()


@pytest.mark.service
@pytest.mark.usefixtures("elastic_node")
class TestElasticsearch(ChunkStoreContract):
    """The store of a cluster, on a real node."""

    @staticmethod
    def make_store(folder: Path) -> ChunkStore:
        return open_elastic(folder)

    def leftovers(self, folder: Path) -> bytes | None:
        return None  # bytes go later; see tests/elastic


WORDS = ("walrus", "ostrich", "quagga", "okapi")
TENANTS, BOTS, DOCUMENTS = (1, 2), (1, 2), (1, 2, 3)
SPACES = ("s1", "s2")
chunk_lists = st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(" ".join), max_size=4)


@pytest.mark.parametrize("name", ["sqlite", pytest.param("elasticsearch", marks=pytest.mark.service)])
def test_a_store_does_what_the_model_does(name, request):
    """Any order of writing, embedding and deleting leaves a store with what a dictionary would hold."""
    if name == "elasticsearch":
        request.getfixturevalue("elastic_node")

    class Machine(RuleBasedStateMachine):
        refs = Bundle("refs")

        @initialize()
        def begin(self):
            self.folder = Path(tempfile.mkdtemp())
            self.store = STORES[name](self.folder)
            self.model = {}  # (tenant, document) -> (bot, texts)

        def teardown(self):
            if hasattr(self, "store"):
                self.store.close()
                shutil.rmtree(self.folder, ignore_errors=True)

        @rule(
            tenant=st.sampled_from(TENANTS),
            bot=st.sampled_from(BOTS),
            document=st.sampled_from(DOCUMENTS),
            texts=chunk_lists,
        )
        def replace(self, tenant, bot, document, texts):
            self.store.replace_document(tenant, DocumentKey(bot, 1, document), [NewChunk(t) for t in texts])
            self.model.pop((tenant, document), None)
            if texts:
                self.model[tenant, document] = (bot, texts)

        @rule(target=refs, tenant=st.sampled_from(TENANTS), space=st.sampled_from(SPACES), limit=st.integers(1, 5))
        def look(self, tenant, space, limit):
            return multiple(*[(tenant, space, ref) for ref, _ in self.store.missing_vectors(tenant, space, limit)])

        @rule(which=refs)
        def embed(self, which):
            tenant, space, ref = which
            chunks = self.store.get(tenant, [ref])
            written = self.store.put_vectors(tenant, space, [ref], np.ones((1, 4), np.float32) / 2)
            assert written <= len(chunks)

        @rule(tenant=st.sampled_from(TENANTS), documents=st.lists(st.sampled_from(DOCUMENTS), unique=True))
        def delete_documents(self, tenant, documents):
            gone = sum(len(self.model.pop((tenant, d), (0, []))[1]) for d in documents)
            assert self.store.delete_documents(tenant, documents) == gone

        @rule(tenant=st.sampled_from(TENANTS), bot=st.sampled_from(BOTS))
        def delete_bot(self, tenant, bot):
            mine = [k for k, v in self.model.items() if k[0] == tenant and v[0] == bot]
            assert self.store.delete_bot(tenant, bot) == sum(len(self.model.pop(k)[1]) for k in mine)

        @rule(tenant=st.sampled_from(TENANTS))
        def delete_tenant(self, tenant):
            self.store.delete_tenant(tenant)
            for k in [k for k in self.model if k[0] == tenant]:
                del self.model[k]

        @rule()
        def open_anew(self):
            self.store.close()
            self.store = STORES[name](self.folder)

        @invariant()
        def counts_and_searches_agree(self):
            if not hasattr(self, "store"):
                return
            for tenant in TENANTS:
                mine = {d: v for (t, d), v in self.model.items() if t == tenant}
                stats = self.store.stats(tenant)
                assert (stats.documents, stats.chunks) == (len(mine), sum(len(t) for _, t in mine.values()))
                for bot in BOTS:
                    expected = sorted(t for b, texts in mine.values() if b == bot for t in texts if "walrus" in t)
                    legs = Legs(stems=["walrus"], trigrams=["wal"], vector=np.ones(4, np.float32) / 2, space="s1")
                    found = self.store.search(tenant, bot, legs, 50)
                    for leg in ("stem", "trigram"):
                        assert (
                            sorted(c.text for c in self.store.get(tenant, [h.ref for h in found.get(leg, [])]))
                            == expected
                        )
                    dense = self.store.get(tenant, [h.ref for h in found.get("dense", [])])
                    assert all(c.key.bot_id == bot for c in dense)
                    assert len(dense) == len(found.get("dense", []))
                for space in SPACES:
                    missing = len(self.store.missing_vectors(tenant, space, 99))
                    assert missing + stats.vectors.get(space, 0) == stats.chunks
                    assert stats.vectors.get(space, 0) == sum(
                        self.store.count_vectors(tenant, space, d) for d in DOCUMENTS
                    )

    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=60 if name == "sqlite" else 12,
            stateful_step_count=15,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
