"""The splitter: nothing is lost, nothing is too long, structure is kept."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from webchatagent.core.splitting import MAX, TARGET, Piece, split

SENTENCE = "The quick brown fox number {} jumps over the lazy dog near the river bank. "


def words(n: int) -> str:
    return "".join(SENTENCE.format(i) for i in range(n)).strip()


def letters(text: str) -> str:
    return re.sub(r"[\W_]", "", text)


def is_subsequence(small: str, large: str) -> bool:
    rest = iter(large)
    return all(c in rest for c in small)


def test_nothing_gives_nothing() -> None:
    assert split("") == split("\n\n \f\n") == split("---\n\n***\n\n| | |\n|---|---|") == []


def test_heading_path_is_beside_the_text_not_in_it() -> None:
    assert split("# Guide\n\nIntro.\n\n## Prices\n\nTen euros.\n\n# Contact\n\nMail us.") == [
        Piece("Intro.", "Guide", 0),
        Piece("Ten euros.", "Guide > Prices", 0),
        Piece("Mail us.", "Contact", 0),
    ]


def test_headings_need_no_blank_lines() -> None:
    assert split("# A\nfirst\n## B\nsecond") == [Piece("first", "A", 0), Piece("second", "A > B", 0)]


def test_underlined_headings() -> None:
    assert split("Title\n=====\n\nText.\n\nPart\n----\nMore.") == [
        Piece("Text.", "Title", 0),
        Piece("More.", "Title > Part", 0),
    ]


def test_heading_with_nothing_below_is_kept_as_text() -> None:
    assert split("# Only a title") == [Piece("Only a title", "", 0)]
    assert split("# Team\n\n## Anna\n\n## Ben\n\nCooks.\n\n## Carla") == [
        Piece("Anna", "Team", 0),
        Piece("Cooks.", "Team > Ben", 0),
        Piece("Carla", "Team", 0),
    ]


def test_hash_without_space_is_text() -> None:
    assert split("#hashtag and C# here") == [Piece("#hashtag and C# here", "", 0)]


def test_small_paragraphs_are_merged_up_to_the_target() -> None:
    pieces = split("\n\n".join(["A short paragraph of some words."] * 100))
    assert all(TARGET * 0.8 < len(p.text) <= TARGET for p in pieces[:-1])


def test_long_paragraph_is_cut_between_sentences() -> None:
    pieces = split(words(100))
    assert len(pieces) > 5
    assert all(p.text.endswith(".") and len(p.text) <= TARGET for p in pieces)


def test_hindi_is_cut_at_the_danda() -> None:
    pieces = split("गोपनीयता नीति यह बताती है कि हम आपकी जानकारी कैसे सुरक्षित रखते हैं। " * 60)
    assert len(pieces) > 5
    assert all(p.text.endswith("।") for p in pieces)


def test_chinese_is_cut_without_spaces() -> None:
    pieces = split("我们保护您的隐私并遵守法律规定。" * 200)
    assert all(p.text.endswith("。") and len(p.text) <= MAX for p in pieces)


def test_paragraph_between_target_and_maximum_stays_whole() -> None:
    text = words(10)
    assert TARGET < len(text) <= MAX
    assert [p.text for p in split(f"# A\n\n{text}")] == [text]


def test_table_is_cut_by_rows_with_its_head_repeated() -> None:
    head = "| Plan | Price |\n|---|---|"
    table = head + "".join(f"\n| Plan number {i} | {i * 9} euros a month |" for i in range(100))
    pieces = split(f"# Prices\n\n{table}")
    assert len(pieces) > 4
    for piece in pieces:
        assert piece.text.startswith(head) and piece.text.endswith("|") and piece.heading == "Prices"
    assert sum(p.text.count("euros") for p in pieces) == 100


def test_small_table_stays_with_its_lead_in() -> None:
    assert [p.text for p in split("Our prices:\n| A | B |\n|---|---|\n| 1 | 2 |")] == [
        "Our prices:\n\n| A | B |\n|---|---|\n| 1 | 2 |"
    ]


def test_code_is_kept_whole_and_its_comments_are_no_headings() -> None:
    code = "```python\n# not a heading\n\nprint(1)\n```"
    assert split(f"# Use\n\nRun:\n\n{code}\n\nDone.") == [Piece(f"Run:\n\n{code}\n\nDone.", "Use", 0)]


def test_long_code_is_cut_by_lines_each_part_fenced() -> None:
    code = "```python\n" + "\n".join(f"value_{i} = compute({i})" for i in range(100)) + "\n```"
    pieces = split(code)
    assert len(pieces) > 2
    assert all(p.text.startswith("```python\n") and p.text.endswith("\n```") and len(p.text) <= MAX for p in pieces)


def test_list_is_cut_between_items() -> None:
    pieces = split("\n".join(f"- item {i} with a handful of words in it" for i in range(60)))
    assert all(line.startswith("- item") for p in pieces for line in p.text.split("\n"))


def test_pages_are_counted_and_not_mixed() -> None:
    assert split("# Doc\n\none\ftwo\n\f\fthree four") == [
        Piece("one", "Doc", 1),
        Piece("two", "Doc", 2),
        Piece("three four", "Doc", 4),
    ]


def test_tiny_rest_joins_the_piece_before() -> None:
    text = words(8)
    assert len(split(f"{text}\n\nThe end of it.")) == 1


def test_windows_line_ends() -> None:
    assert split("# A\r\n\r\none\r\n\r\n## B\r\n\r\ntwo") == [Piece("one", "A", 0), Piece("two", "A > B", 0)]


LINES = st.one_of(
    st.text(alphabet="abc äß हिन्दी .!?,|#-`~\t\"')", max_size=60),
    st.text(max_size=40),
    st.sampled_from(
        [
            "",
            "",
            "# Head",
            "## Sub",
            "### Deep",
            "```",
            "~~~",
            "| a | b |",
            "|---|---|",
            "- item",
            "1. one",
            "---",
            "===",
            "\f",
            "x" * 1000,
            words(3),
            "| " + "cell " * 300 + "|",
            "Title\n===",
            "# " + "h" * 300,
        ]
    ),
)


@settings(max_examples=400, deadline=None)
@given(st.lists(LINES, max_size=40).map("\n".join))
@example("```\n" + "y" * 2000 + "\n```")
@example("|" + "z" * 2000 + "\n|---|\n|" + "q" * 3000)
def test_nothing_is_lost_and_nothing_is_too_long(markdown: str) -> None:
    pieces = split(markdown)
    for piece in pieces:
        assert len(piece.text) <= MAX
        assert letters(piece.text)
        assert piece.text == piece.text.strip()
    kept = letters("".join(p.text for p in pieces))
    if not re.search(r"^[ \t]*(?:=+|-{3,})[ \t]*$", markdown, re.M):  # which makes headings of other lines
        lines = re.split(r"[\n\r\f]", markdown)
        assert is_subsequence(letters("".join(line for line in lines if not line.lstrip().startswith("#"))), kept)
    assert set(letters(markdown)) <= set(kept + letters("".join(p.heading for p in pieces)))


@pytest.mark.parametrize(
    "nasty",
    [
        "\n" * 200_000,
        " " * 200_000,
        "#" * 200_000,
        "| " * 100_000,
        "```\n" * 50_000,
        "." * 200_000,
        '."' * 100_000,
        "- " * 100_000,
        "a\n---\n" * 40_000,
        "x" * 200_000,
        "\n \n\t" * 60_000,
        "~~~" * 60_000,
        "line of text\n" * 200_000,
    ],
)
def test_hostile_text_takes_linear_time(nasty: str) -> None:
    begin = time.process_time()
    for piece in split(nasty):
        assert len(piece.text) <= MAX
    assert time.process_time() - begin < 5  # the bound only catches quadratic behaviour
