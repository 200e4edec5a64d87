"""The contract of `core.chunks.ChunkStore` as tests. A store passes when it runs this class unchanged:

    class TestMine(ChunkStoreContract):
        def make_store(self, folder): return MyStore(...)

`make_store` opens the same data when it is called twice with one folder; it must be importable by name, since the
tests of several processes open the store in children. `leftovers(folder)` gives every byte the store still keeps, or
None where bytes cannot be looked at. Two tenants hold documents with equal ids everywhere.
"""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ..core.analysis import stems
from ..core.chunks import ChunkStore, Hit, Lacking, Legs, NewChunk
from ..core.models import EmbeddingSpace
from .chunk_store_values import (
    BOT,
    OTHER_BOT,
    OTHER_SPACE,
    SPACE,
    A,
    B,
    embed_all,
    find,
    key,
    legs,
    shown,
    texts,
    vectors,
    write_documents,
)


class ChunkStoreContract:
    """Subclass it and give `make_store`."""

    def make_store(self, folder: Path) -> ChunkStore:
        """Open the store on a folder."""
        raise NotImplementedError

    def leftovers(self, folder: Path) -> bytes | None:
        """Every byte that the store keeps."""
        return b"".join(p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file())

    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[ChunkStore]:
        store = self.make_store(tmp_path / "store")
        store.ensure_space(SPACE)
        store.ensure_space(OTHER_SPACE)
        yield store
        store.close()

    # -- replacing ------------------------------------------------------------------------------------------

    def test_a_document_is_found_at_once_with_all_its_fields(self, store: ChunkStore) -> None:
        chunk = NewChunk("The lighthouse keeper sleeps.", "Coast", "Towers > North", "en", "https://a.example/x", 7)
        assert store.replace_document(A, key(3), [chunk]) == 1
        (hit,) = store.search(A, BOT, legs("lighthouse"), 5)["stem"]
        (found,) = store.get(A, [hit.ref])
        assert (found.text, found.title, found.heading, found.language, found.url, found.page) == (
            chunk.text,
            chunk.title,
            chunk.heading,
            chunk.language,
            chunk.url,
            chunk.page,
        )
        assert found.key == key(3) and found.number == 0
        assert set(stems("lighthouse keeper coast tower", "en")) <= set(found.stems)

    def test_title_and_heading_are_searchable(self, store: ChunkStore) -> None:
        store.replace_document(A, key(), [NewChunk("Nothing special.", "Zebra", "Okapi")])
        assert find(store, "zebra") and find(store, "okapi") and find(store, "okap", leg="trigram")

    def test_a_replaced_text_is_not_found_any_more(self, store: ChunkStore) -> None:
        store.replace_document(A, key(), texts("old walrus", "second walrus"))
        store.replace_document(A, key(), texts("new ostrich"))
        assert find(store, "walrus") == [] and find(store, "walrus", leg="trigram") == []
        assert find(store, "ostrich") == ["new ostrich"]
        assert store.stats(A).chunks == 1 and store.frequencies(A, ["walrus", "ostrich"]) == (1, {"ostrich": 1})

    def test_replacing_by_nothing_empties_a_document(self, store: ChunkStore) -> None:
        store.replace_document(A, key(), texts("walrus"))
        assert store.replace_document(A, key(), []) == 0
        assert store.stats(A).documents == 0 and find(store, "walrus") == []

    def test_a_reader_sees_the_old_chunks_or_the_new_ones_never_a_mix(self, store: ChunkStore) -> None:
        store.replace_document(A, key(), texts(*[f"round 0 part {i} canary" for i in range(6)]))
        over, mixed, looks = threading.Event(), [], [0]

        def read() -> None:
            while not over.is_set():
                found = shown(store, A, store.search(A, BOT, Legs(stems=["canari"]), 50).get("stem", []))
                looks[0] += 1
                if found and len({f.split(" part")[0] for f in found}) > 1:
                    mixed.append(found)
            store.close()

        with ThreadPoolExecutor(1) as pool:
            reading = pool.submit(read)
            for number in range(1, 25):
                store.replace_document(A, key(), texts(*[f"round {number} part {i} canary" for i in range(6)]))
            over.set()
            reading.result(30)  # raises what the reader met
        assert not mixed and looks[0] > 0
        assert len(find(store, "canary")) == 6

    def test_vectors_of_unchanged_texts_are_kept(self, store: ChunkStore) -> None:
        store.replace_document(A, key(), texts("stays", "goes", "stays"))
        assert embed_all(store) == 3
        store.replace_document(A, key(), texts("new", "stays", "stays"))
        assert [text for _, text in store.missing_vectors(A, SPACE.id, 10)] == ["new"]
        assert store.count_vectors(A, SPACE.id, 1) == 2
        found = store.search(A, BOT, Legs(vector=vectors((1, 2, 3, 4))[0], space=SPACE.id), 10)["dense"]
        assert shown(store, A, found) == ["stays", "stays"]

    def test_a_changed_title_asks_for_a_new_vector(self, store: ChunkStore) -> None:
        store.replace_document(A, key(), texts("same", title="One"))
        embed_all(store)
        store.replace_document(A, key(), texts("same", title="Two"))
        assert [text for _, text in store.missing_vectors(A, SPACE.id, 10)] == ["Two\nsame"]

    # -- spaces ---------------------------------------------------------------------------------------------

    def test_what_a_space_lacks_is_counted_in_chunks_and_bytes(self, store: ChunkStore) -> None:
        assert store.lacking(A, SPACE.id) == Lacking(0, 0)
        store.replace_document(A, key(1), [NewChunk("größer", "T", "H"), NewChunk("b")])
        store.replace_document(B, key(1), texts("foreign"))
        assert store.lacking(A, SPACE.id) == store.lacking(A, OTHER_SPACE.id) == Lacking(2, 11)
        embed_all(store)
        assert store.lacking(A, SPACE.id) == Lacking(0, 0) and store.lacking(A, OTHER_SPACE.id).chunks == 2
        assert store.lacking(B, SPACE.id).chunks == 1

    def test_a_space_is_deleted_in_steps_and_nothing_else_is(self, store: ChunkStore) -> None:
        for tenant in (A, B):
            store.replace_document(tenant, key(1), texts("one walrus", "two", "three"))
            embed_all(store, tenant)
            embed_all(store, tenant, OTHER_SPACE)
        assert [store.delete_vectors(A, OTHER_SPACE.id, 2) for _ in range(3)] == [2, 1, 0]
        assert store.stats(A).vectors == {SPACE.id: 3} and store.stats(A).chunks == 3
        assert store.stats(B).vectors == {SPACE.id: 3, OTHER_SPACE.id: 3}
        assert find(store, "walrus") == ["one walrus"]

    def test_a_deleted_space_finds_nothing_and_can_be_filled_again(self, store: ChunkStore) -> None:
        def nearest(space: EmbeddingSpace) -> list[Hit]:
            vector = vectors(tuple(float(j + 1) for j in range(space.dimensions)))[0]
            return store.search(A, BOT, Legs(vector=vector, space=space.id), 10).get("dense", [])

        store.replace_document(A, key(1), texts("one", "two"))
        embed_all(store)
        embed_all(store, A, OTHER_SPACE)
        assert len(nearest(SPACE)) == len(nearest(OTHER_SPACE)) == 2
        store.delete_vectors(A, OTHER_SPACE.id, 10)
        assert len(nearest(SPACE)) == 2 and nearest(OTHER_SPACE) == []
        embed_all(store, A, OTHER_SPACE)
        assert len({h.ref for h in nearest(OTHER_SPACE)}) == len(nearest(OTHER_SPACE)) == 2

    # -- vectors --------------------------------------------------------------------------------------------

    def test_missing_vectors_come_oldest_first_limited_and_by_document(self, store: ChunkStore) -> None:
        store.replace_document(A, key(1), texts("a", "b"))
        store.replace_document(A, key(2), texts("c"))
        assert [t for _, t in store.missing_vectors(A, SPACE.id, 10)] == ["a", "b", "c"]
        assert [t for _, t in store.missing_vectors(A, SPACE.id, 2)] == ["a", "b"]
        assert [t for _, t in store.missing_vectors(A, SPACE.id, 10, 2)] == ["c"]
        assert store.missing_vectors(B, SPACE.id, 10) == []

    def test_vectors_of_chunks_that_are_gone_are_left_out(self, store: ChunkStore) -> None:
        store.replace_document(A, key(1), texts("a", "b"))
        refs = [ref for ref, _ in store.missing_vectors(A, SPACE.id, 10)]
        store.replace_document(A, key(1), texts("b changed"))
        assert store.put_vectors(A, SPACE.id, refs, vectors((1, 0, 0, 0), (0, 1, 0, 0))) == 0
        assert store.count_vectors(A, SPACE.id, 1) == 0 and store.stats(A).vectors.get(SPACE.id, 0) == 0

    def test_a_vector_written_twice_counts_once(self, store: ChunkStore) -> None:
        store.replace_document(A, key(1), texts("a"))
        refs = [ref for ref, _ in store.missing_vectors(A, SPACE.id, 10)]
        store.put_vectors(A, SPACE.id, refs, vectors((1, 0, 0, 0)))
        store.put_vectors(A, SPACE.id, refs, vectors((1, 0, 0, 0)))
        assert store.count_vectors(A, SPACE.id, 1) == 1 and store.stats(A).vectors == {SPACE.id: 1}

    def test_spaces_are_kept_apart(self, store: ChunkStore) -> None:
        store.replace_document(A, key(1), texts("a", "b"))
        embed_all(store)
        assert len(store.missing_vectors(A, OTHER_SPACE.id, 10)) == 2
        assert store.search(A, BOT, Legs(vector=vectors((1, 1, 1))[0], space=OTHER_SPACE.id), 5).get("dense", []) == []
        embed_all(store, space=OTHER_SPACE)
        assert store.stats(A).vectors == {SPACE.id: 2, OTHER_SPACE.id: 2}
        assert len(store.search(A, BOT, Legs(vector=vectors((1, 1, 1))[0], space=OTHER_SPACE.id), 5)["dense"]) == 2

    def test_the_nearest_come_first_with_their_cosines(self, store: ChunkStore) -> None:
        store.replace_document(A, key(1), texts("east", "north", "between"))
        refs = [ref for ref, _ in store.missing_vectors(A, SPACE.id, 10)]
        store.put_vectors(A, SPACE.id, refs, vectors((1, 0, 0, 0), (0, 1, 0, 0), (1, 1, 0, 0)))
        hits = store.search(A, BOT, Legs(vector=vectors((1, 0, 0, 0))[0], space=SPACE.id), 2)["dense"]
        assert shown(store, A, hits) == ["east", "between"]
        assert hits[0].score == pytest.approx(1, abs=0.01) and hits[1].score == pytest.approx(0.7071, abs=0.01)

    def test_the_dense_leg_follows_every_change(self, store: ChunkStore) -> None:
        east = Legs(vector=vectors((1, 0, 0, 0))[0], space=SPACE.id)
        for round_ in range(3):
            store.replace_document(A, key(round_), texts(f"one {round_}"))
            embed_all(store)
            assert len(store.search(A, BOT, east, 9)["dense"]) == round_ + 1
        store.delete_documents(A, [1])
        assert sorted(shown(store, A, store.search(A, BOT, east, 9)["dense"])) == ["one 0", "one 2"]
        store.delete_tenant(A)
        assert not store.search(A, BOT, east, 9).get("dense")

    # -- deleting -------------------------------------------------------------------------------------------

    @pytest.mark.parametrize("how", ["documents", "bot", "tenant"])
    def test_deleting_leaves_no_byte(self, store: ChunkStore, tmp_path: Path, how: str) -> None:
        canaries = ["quetzalcoatl", "xylophonist", "zugzwang"]
        for tenant in (A, B):
            store.replace_document(
                tenant, key(1), [NewChunk(f"{canaries[0]} sings", canaries[1], canaries[2], url="https://x.example")]
            )
            embed_all(store, tenant)
        store.replace_document(A, key(2, OTHER_BOT if how == "bot" else BOT), texts("the rest remains"))
        store.delete_tenant(B)
        if how == "documents":
            assert store.delete_documents(A, [1, 999]) == 1
        elif how == "bot":
            assert store.delete_bot(A, BOT) == 1
        else:
            store.delete_tenant(A)
        assert all(find(store, word) == [] for word in canaries)
        assert store.stats(A).chunks == (0 if how == "tenant" else 1) and store.count_vectors(A, SPACE.id, 1) == 0
        kept = self.leftovers(tmp_path / "store")
        if kept is not None:
            for word in canaries:
                assert word.encode() not in kept and stems(word, "en")[0].encode() not in kept, word

    def test_deleting_what_is_not_there_is_fine(self, store: ChunkStore) -> None:
        store.delete_tenant(A)
        assert store.delete_documents(A, [1]) == 0 and store.delete_bot(A, BOT) == 0
        store.replace_document(A, key(1), texts("walrus"))
        assert store.delete_documents(A, []) == 0 and store.delete_bot(A, OTHER_BOT) == 0
        assert find(store, "walrus") == ["walrus"]

    def test_a_tenant_begins_anew_after_it_was_deleted(self, store: ChunkStore) -> None:
        store.replace_document(A, key(1), texts("walrus"))
        store.delete_tenant(A)
        assert store.stats(A).chunks == 0
        store.replace_document(A, key(1), texts("ostrich"))
        assert find(store, "walrus") == [] and find(store, "ostrich") == ["ostrich"]

    # -- borders --------------------------------------------------------------------------------------------

    def test_tenants_with_equal_ids_never_meet(self, store: ChunkStore) -> None:
        store.replace_document(A, key(1), texts("walrus of a", "more of a"))
        store.replace_document(B, key(1), texts("walrus of b"))
        embed_all(store, A)
        embed_all(store, B)
        assert find(store, "walrus", tenant=A) == ["walrus of a"] and find(store, "walrus", tenant=B) == ["walrus of b"]
        near = Legs(vector=vectors((1, 1, 1, 1))[0], space=SPACE.id)
        assert all(t.endswith("of b") for t in shown(store, B, store.search(B, BOT, near, 9)["dense"]))
        assert store.frequencies(B, stems("more walrus", "en"))[0] == 1
        chunk = store.get(A, [store.search(A, BOT, legs("walrus"), 1)["stem"][0].ref])[0]
        assert all(n.text.endswith("of a") for n in store.neighbours(A, [chunk]))
        store.delete_documents(A, [1])
        assert find(store, "walrus", tenant=B) == ["walrus of b"] and store.count_vectors(B, SPACE.id, 1) == 1

    def test_a_bot_finds_its_own_documents_only(self, store: ChunkStore) -> None:
        store.replace_document(A, key(1), texts("walrus of the one"))
        store.replace_document(A, key(2, OTHER_BOT), texts("walrus of the other"))
        embed_all(store)
        near = Legs(vector=vectors((1, 1, 1, 1))[0], space=SPACE.id)
        for bot, expected in ((BOT, ["walrus of the one"]), (OTHER_BOT, ["walrus of the other"]), (99, [])):
            assert find(store, "walrus", bot=bot) == expected
            assert find(store, "walrus", bot=bot, leg="trigram") == expected
            assert shown(store, A, store.search(A, bot, near, 9)["dense"]) == expected
        assert store.stats(A, BOT).chunks == 1 and store.stats(A).chunks == 2 and store.stats(A, 99).chunks == 0

    # -- words ----------------------------------------------------------------------------------------------

    @pytest.mark.parametrize(
        ("language", "question", "right", "wrong"),
        [
            ("en", "when does the pool open daily", "The pool opens daily at nine.", "The library lends books."),
            (
                "de",
                "Öffnungszeiten des Schwimmbads",
                "Das Schwimmbad öffnet täglich um neun.",
                "Die Bücherei verleiht Bücher.",
            ),
            ("hi", "पुस्तकालय कब खुलता है", "पुस्तकालय सुबह नौ बजे खुलता है।", "तरणताल शाम को बंद होता है।"),
        ],
    )
    def test_the_better_text_ranks_first(
        self, store: ChunkStore, language: str, question: str, right: str, wrong: str
    ) -> None:
        for number in range(6):  # in two texts a word of one of them says nothing yet
            store.replace_document(A, key(number), texts(f"{wrong} {number}", language=language))
        store.replace_document(A, key(9), texts(right, language=language))
        assert find(store, question, language)[0] == right
        assert find(store, question, language, leg="trigram")[0] == right

    def test_scores_fall_and_the_limit_holds(self, store: ChunkStore) -> None:
        for number in range(8):
            store.replace_document(A, key(number), texts("walrus " * (number + 1) + "filler " * 20))
        hits = store.search(A, BOT, legs("walrus"), 5)
        for leg in ("stem", "trigram"):
            scores = [h.score for h in hits[leg]]
            assert len(scores) == 5 and scores == sorted(scores, reverse=True)

    @pytest.mark.parametrize(
        "token",
        [
            '"',
            '""',
            "'",
            "*",
            "NEAR(",
            "AND",
            "OR",
            "NOT",
            "head:x",
            "^a",
            "a-b",
            "{x}",
            "(",
            ")",
            "a\x00b",
            "\x00",
            "",
            " ",
            "a b",
            "a\u20ddb",
            "x\U0001e4d0x",
            "\ud7ff",
            "\U0010ffff",
            "-",
            "+",
            ":",
            ";--",
            "%",
            "_",
            "\\",
            "ß" * 5000,
            "क्षत्रिय",
        ],
    )
    def test_no_query_breaks_a_leg(self, store: ChunkStore, token: str) -> None:
        store.replace_document(A, key(1), texts(f"walrus {token} ostrich"))
        for question in (
            Legs(stems=[token]),
            Legs(trigrams=[token]),
            Legs(stems=[token, "walrus"], trigrams=[token, "wal"]),
            legs(token),
            legs(f"walrus {token}"),
        ):
            store.search(A, BOT, question, 5)
        assert find(store, f"walrus {token}")
        store.frequencies(A, [token])

    def test_ten_thousand_tokens_are_answered(self, store: ChunkStore) -> None:
        store.replace_document(A, key(1), texts("walrus"))
        many = [f"word{i}" for i in range(10_000)] + ["walrus"]
        assert len(store.search(A, BOT, Legs(stems=many, trigrams=[*many, "wal"]), 5)["stem"]) == 1
        assert store.frequencies(A, many) == (1, {"walrus": 1})

    def test_a_question_without_words_finds_nothing(self, store: ChunkStore) -> None:
        store.replace_document(A, key(1), texts("walrus"))
        assert not any(store.search(A, BOT, legs("?!"), 5).values())
        assert store.search(A, BOT, Legs(), 5).get("stem", []) == []

    def test_frequencies_count_chunks(self, store: ChunkStore) -> None:
        store.replace_document(A, key(1), texts("walrus walrus", "walrus ostrich", "nothing"))
        assert store.frequencies(A, stems("walrus ostrich quagga", "en")) == (3, {"walrus": 2, "ostrich": 1})
        assert store.frequencies(B, ["walrus"]) == (0, {})

    # -- reading --------------------------------------------------------------------------------------------

    def test_neighbours_are_the_chunks_before_and_after(self, store: ChunkStore) -> None:
        store.replace_document(A, key(1), texts("zero", "first", "second", "third"))
        store.replace_document(A, key(2), texts("foreign"))
        chunks = {c.text: c for c in store.get(A, [ref for ref, _ in store.missing_vectors(A, SPACE.id, 10)])}
        assert [n.text for n in store.neighbours(A, [chunks["first"]])] == ["zero", "second"]
        assert [n.text for n in store.neighbours(A, [chunks["zero"]])] == ["first"]
        assert [n.text for n in store.neighbours(A, [chunks["third"]])] == ["second"]
        assert store.neighbours(A, [chunks["foreign"]]) == []

    def test_get_keeps_the_order_and_leaves_out_what_is_gone(self, store: ChunkStore) -> None:
        store.replace_document(A, key(1), texts("a"))
        store.replace_document(A, key(2), texts("b"))
        one, two = (ref for ref, _ in store.missing_vectors(A, SPACE.id, 10))
        assert [c.text for c in store.get(A, [two, one])] == ["b", "a"]
        store.delete_documents(A, [1])
        assert [c.text for c in store.get(A, [two, one])] == ["b"]
        assert store.get(A, []) == [] and store.get(B, [two]) == []

    def test_stats_count_documents_chunks_and_vectors(self, store: ChunkStore) -> None:
        assert store.stats(A).chunks == 0
        store.replace_document(A, key(1), texts("a", "b"))
        store.replace_document(A, key(2, OTHER_BOT), texts("c"))
        embed_all(store)
        whole, one = store.stats(A), store.stats(A, OTHER_BOT)
        assert (whole.documents, whole.chunks, dict(whole.vectors)) == (2, 3, {SPACE.id: 3})
        assert (one.documents, one.chunks, dict(one.vectors)) == (1, 1, {SPACE.id: 1})

    def test_documents_are_listed_with_their_chunks(self, store: ChunkStore) -> None:
        assert store.documents(A) == {}
        store.replace_document(A, key(1), texts("a", "b"))
        store.replace_document(A, key(2, OTHER_BOT), texts("c"))
        store.replace_document(B, key(3), texts("d"))
        assert store.documents(A) == {1: 2, 2: 1}
        store.replace_document(A, key(1), texts("a"))
        store.delete_documents(A, [2])
        assert store.documents(A) == {1: 1}

    # -- several at once ------------------------------------------------------------------------------------

    def test_everything_is_there_after_opening_anew(self, store: ChunkStore, tmp_path: Path) -> None:
        store.replace_document(A, key(1), texts("walrus"))
        embed_all(store)
        store.close()
        again = self.make_store(tmp_path / "store")
        assert find(again, "walrus") == ["walrus"] and again.count_vectors(A, SPACE.id, 1) == 1
        again.close()

    def test_threads_write_side_by_side(self, store: ChunkStore) -> None:
        failed: list[BaseException] = []

        def write(first: int) -> None:
            try:
                for number in range(first, first + 8):
                    store.replace_document(A, key(number), texts(f"walrus {number}", f"ostrich {number}"))
            except BaseException as error:
                failed.append(error)
            finally:
                store.close()

        threads = [threading.Thread(target=write, args=(n * 100,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert not failed and store.stats(A).documents == 32 and store.stats(A).chunks == 64

    def test_two_processes_write_side_by_side(self, store: ChunkStore, tmp_path: Path) -> None:
        context = multiprocessing.get_context("spawn")
        children = [
            context.Process(target=write_documents, args=(self.make_store, tmp_path / "store", first, 10))
            for first in (0, 100)
        ]
        for child in children:
            child.start()
        for child in children:
            child.join(60)
        assert [c.exitcode for c in children] == [0, 0]
        assert store.stats(A).documents == 20 and store.stats(A).chunks == 40
        assert find(store, "word103") != [] and store.frequencies(A, stems("alpha", "en"))[1] == {
            stems("alpha", "en")[0]: 20
        }
