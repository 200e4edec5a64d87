"""Words, stems and trigrams, and which language a text is in."""

from __future__ import annotations

import json
import threading
import unicodedata

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from webchatagent.core.analysis import LANGUAGES, STOP_WORDS, detect_language, stems, trigrams, words


def test_marks_stay_with_their_letters():
    assert words("क्षत्रिय, हिन्दी!") == ["क्षत्रिय", "हिन्दी"]
    assert words("re\u0301sume\u0301") == ["résumé"]


@pytest.mark.parametrize(
    ("language", "one", "other"),
    [("en", "opening", "opens"), ("de", "Häuser", "Hauses"), ("hi", "पुस्तकों", "पुस्तकें"), ("en", "STRASSE", "straße")],
)
def test_forms_of_a_word_meet(language, one, other):
    assert stems(one, language)[0] == stems(other, language)[0]


def test_stop_words_go_unless_nothing_is_left():
    assert stems("where is the pool", "en") == ["pool"]
    assert stems("who are you", "en") == ["who", "are", "you"]
    assert stems("qui est là", "fr") == ["qui", "est", "là"]


def test_trigrams_are_of_each_word():
    assert trigrams("Pool to") == ["poo", "ool", "to"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_stop_words_are_written_as_words_come_out(language):
    assert all(words(w) == [unicodedata.normalize("NFC", w)] for w in STOP_WORDS[language])


@given(st.text(max_size=60), st.sampled_from([*LANGUAGES, "xx"]))
@settings(max_examples=200, deadline=None)
def test_no_token_holds_a_blank_or_a_sign(text, language):
    for token in [*words(text), *stems(text, language), *trigrams(text)]:
        assert (token and all(unicodedata.category(c)[0] in "LNM" for c in token)) or not token.isprintable()
        assert all(c > "\x7f" or c.isalnum() for c in token)


@given(st.text(max_size=60))
def test_composed_and_decomposed_texts_are_alike(text):
    assert words(unicodedata.normalize("NFD", text)) == words(unicodedata.normalize("NFC", text))


@pytest.mark.parametrize(
    ("text", "default", "language"),
    [
        ("Wann öffnet das Schwimmbad?", "en", "de"),
        ("When does the pool open?", "de", "en"),
        ("तरणताल कब खुलता है?", "en", "hi"),
        ("WhatsApp पर संदेश कैसे भेजें", "en", "hi"),
        ("Schwimmbad", "de", "de"),
        ("12345", "hi", "hi"),
        ("", "fr", "en"),
    ],
)
def test_the_language_of_a_question(text, default, language):
    assert detect_language(text, default) == language


@pytest.mark.parametrize(("folder", "language"), [("covidfaq-de", "de"), ("covidfaq-en", "en"), ("squad2", "en")])
def test_languages_of_real_questions(evaldata, folder, language):
    path = evaldata / "retrieval" / folder / "queries.dev.jsonl"
    if not path.exists():
        pytest.skip(f"{folder} is not there")
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    texts = [r["text"] for r in rows if r.get("lang", language) == language]
    right = sum(detect_language(t, language) == language for t in texts)
    assert len(texts) > 20 and right / len(texts) >= 0.98


def test_stemming_in_threads_gives_the_same():
    expected = [stems(f"swimming pools opening {n}", "en") for n in range(200)]
    out = {}

    def run(name):
        out[name] = [stems(f"swimming pools opening {n}", "en") for n in range(200)]

    threads = [threading.Thread(target=run, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(found == expected for found in out.values())
