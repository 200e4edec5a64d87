"""Citations in a stream: the same text however it is split, and no number that names nothing."""

from __future__ import annotations

import hypothesis.strategies as st
import pytest
from hypothesis import example, given, settings

from webchatagent.core.citations import CitationStream

PASSAGES = {1: 100, 2: 200, 3: 100}  # the first and the third are of one document


def run(pieces):
    stream = CitationStream(PASSAGES)
    return "".join([stream.feed(p) for p in pieces] + [stream.close()]), stream.cited


@pytest.mark.parametrize(
    ("text", "shown", "cited"),
    [
        ("Yes [1].", "Yes [1].", [1]),
        ("Two [2], one [1], two [2].", "Two [1], one [2], two [1].", [2, 1]),
        ("Same document [1] and [3].", "Same document [1] and [1].", [1]),
        ("Unknown [9].", "Unknown.", []),
        ("Unknown [9] [8] then [1].", "Unknown then [1].", [1]),
        ("[0][1]", "[1]", [1]),
        ("A [1][2] pair", "A [1][2] pair", [1, 2]),
        ("Not [1234] nor [x] nor [", "Not [1234] nor [x] nor [", []),
        ("Forged [12[9]] and [1[9]2].", "Forged [12 ] and [1 2].", []),
        ("हाँ [2]।", "हाँ [1]।", [2]),
        ("ends with blanks  ", "ends with blanks  ", []),
        ("", "", []),
    ],
)
def test_numbers_are_checked_and_counted_from_one(text, shown, cited):
    assert run([text]) == (shown, cited)


parts = st.lists(
    st.sampled_from(["[1]", "[2]", "[3]", "[9]", "[", "]", " ", "\n", "\t", "word", "[12", "7", "12345", "।"])
)


@given(parts, st.data())
@example(["word", " ", "[9]"], None)
@settings(max_examples=400, deadline=None)
def test_any_split_gives_the_same(found, data):
    text = "".join(found)
    cuts = [] if data is None else sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    pieces = list(text) if data is None else [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert run(pieces) == run([text])


@given(parts)
@example(["[12", "[9]", "]"])
def test_every_number_that_is_shown_names_a_source(found):
    import re

    shown, cited = run(found)
    numbers = {int(n) for n in re.findall(r"\[(\d{1,3})\]", shown)}
    assert numbers <= set(range(1, len(cited) + 1))


def test_a_stream_holds_a_few_characters_only():
    stream = CitationStream(PASSAGES)
    assert stream.feed("Hello wor") == "Hello wor"
    assert stream.feed("ld [") == "ld"
    assert stream.feed("1") == ""
    assert stream.feed("] and") == " [1] and"
