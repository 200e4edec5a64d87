"""The scores of words in memory are those of FTS5's own bm25(), whatever was written and deleted before."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from webchatagent.core.chunks import DocumentKey, NewChunk
from webchatagent.stores import word_cache
from webchatagent.stores.chunks_sqlite import SqliteChunkStore

WORDS = ("walrus", "otter", "seal", "tide", "ice", "eis", "बर्फ")
TEXT = st.lists(st.sampled_from(WORDS), min_size=1, max_size=12).map(" ".join)
CHANGE = st.tuples(st.integers(1, 4), st.lists(st.tuples(TEXT, TEXT), max_size=3))
TENANT, FOREIGN = 1, 2


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(word_cache, "QUIET", 0.0)


def fts5(store: SqliteChunkStore, tenant: int, table: str, terms: list[str], bot: int) -> dict[int, float]:
    weights = {"stem": f", {word_cache.HEAD}, 1.0", "trigram": ""}[table]
    match = " OR ".join(f'"{t}"' for t in dict.fromkeys(terms))
    rows = store._files.connection(tenant).execute(
        f"select rowid, -bm25(by_{table}{weights}) from by_{table} where by_{table} match ? "
        "and +rowid in (select id from chunk where bot_id = ?)",
        (match, bot),
    )
    return dict(rows.fetchall())


def scores(store: SqliteChunkStore, tenant: int, table: str, terms: list[str], bot: int) -> dict[int, float]:
    db = store._files.connection(tenant)
    return {int(h.ref): h.score for h in store._words.best(db, tenant, table, terms, bot, 100)}


@settings(max_examples=40, deadline=None)
@given(st.lists(CHANGE, min_size=1, max_size=6), st.lists(st.sampled_from(WORDS), min_size=1, max_size=3))
def test_scores_are_those_of_fts5_after_any_changes(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, list[tuple[str, str]]]], asked: list[str]
) -> None:
    store = SqliteChunkStore(tmp_path_factory.mktemp("chunks"))
    store.replace_document(FOREIGN, DocumentKey(1, 1, 1), [NewChunk("walrus walrus seal", "walrus")])
    for document, texts in changes:
        bot = 1 + document % 2
        chunks = [NewChunk(text, title, language="xx") for title, text in texts]
        store.replace_document(TENANT, DocumentKey(bot, 1, document), chunks)
        for tenant in (TENANT, FOREIGN):
            for table, terms in (("stem", asked), ("trigram", [a[:3] for a in asked])):
                for of in (1, 2):
                    expected = fts5(store, tenant, table, terms, of)
                    assert scores(store, tenant, table, terms, of) == pytest.approx(expected, rel=1e-5)
    store.close()


def test_best_hits_come_first_and_ties_by_age(tmp_path: Path) -> None:
    store = SqliteChunkStore(tmp_path)
    store.replace_document(
        TENANT, DocumentKey(1, 1, 1), [NewChunk(t) for t in ("walrus seal", "walrus seal", "seal", "walrus", "ice ice")]
    )
    db = store._files.connection(TENANT)
    found = [h.ref for h in store._words.best(db, TENANT, "stem", ["walrus"], 1, 2)]
    assert found == [4, 1]


def test_little_memory_forgets_tenants_and_still_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(word_cache, "BUDGET", 300)
    store = SqliteChunkStore(tmp_path)
    for tenant in (TENANT, FOREIGN):
        store.replace_document(tenant, DocumentKey(1, 1, 1), [NewChunk(f"walrus seal number{tenant}"), NewChunk("ice")])
    for _ in range(3):
        for tenant in (TENANT, FOREIGN):
            for word in ("walrus", "seal", "ice"):
                assert len(scores(store, tenant, "stem", [word], 1)) == 1
    assert store._words._size <= 300


def test_a_file_of_an_older_version_is_brought_up_to_date(tmp_path: Path) -> None:
    store = SqliteChunkStore(tmp_path)
    store.replace_document(TENANT, DocumentKey(1, 1, 1), [NewChunk("walrus seal"), NewChunk("ice")])
    db = store._files.connection(TENANT)
    for statement in (
        "alter table chunk drop column stem_count",
        "alter table chunk drop column trigram_count",
        "drop table stem_places",
        "drop table trigram_places",
        "update meta set value = '1.2' where key = 'analysis'",
    ):
        db.execute(statement)
    store.close()
    again = SqliteChunkStore(tmp_path)
    assert scores(again, TENANT, "stem", ["walrus"], 1) == pytest.approx(fts5(again, TENANT, "stem", ["walrus"], 1))


def test_while_a_file_changes_fts5_answers_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(word_cache, "QUIET", 1.0)
    store = SqliteChunkStore(tmp_path)
    now = [100.0]
    store._words = cache = word_cache.WordCache(lambda: now[0])
    key = DocumentKey(1, 1, 1)
    for step, texts in enumerate((["walrus ice"], ["walrus walrus", "ice"], ["walrus", "seal walrus", "ice"])):
        store.replace_document(TENANT, key, [NewChunk(t) for t in texts])
        now[0] += 0.9
        expected = pytest.approx(fts5(store, TENANT, "stem", ["walrus"], 1), rel=1e-5)
        assert scores(store, TENANT, "stem", ["walrus"], 1) == expected, step
        assert store.frequencies(TENANT, ["walrus", "otter"])[1] == {"walrus": len(texts) - (len(texts) > 1)}
        assert not cache._kept
    now[0] += 1.0
    assert scores(store, TENANT, "stem", ["walrus"], 1) == expected
    assert list(cache._kept) == [TENANT]


@pytest.mark.parametrize("token", ['"', "a b", "NEAR(", "wal*", "", "-", "head:walrus"])
def test_a_token_with_signs_is_in_no_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, token: str) -> None:
    store = SqliteChunkStore(tmp_path)
    store.replace_document(TENANT, DocumentKey(1, 1, 1), [NewChunk("walrus head a b")])
    for quiet in (0.0, 60.0):
        monkeypatch.setattr(word_cache, "QUIET", quiet)
        store._words = word_cache.WordCache()
        assert scores(store, TENANT, "stem", [token], 1) == {}
