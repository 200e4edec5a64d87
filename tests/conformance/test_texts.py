"""The sentences of the platform, in every language."""

from __future__ import annotations

import re
import string

import pytest

from webchatagent.core.texts import LANGUAGES, say, table

KEYS = sorted(table())
DEVANAGARI = re.compile(r"[\u0900-\u097f]")


def placeholders(sentence: str) -> set[str]:
    """The names in braces."""
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name}


@pytest.mark.parametrize("key", KEYS)
def test_a_sentence_exists_in_every_language_with_the_same_values(key):
    row = table()[key]
    assert set(row) == set(LANGUAGES)
    assert all(row[language].strip() for language in LANGUAGES)
    assert len({frozenset(placeholders(row[language])) for language in LANGUAGES}) == 1


@pytest.mark.parametrize("key", KEYS)
def test_no_language_is_a_copy_of_another(key):
    row = table()[key]
    assert DEVANAGARI.search(row["hi"])
    assert not DEVANAGARI.search(row["en"] + row["de"])
    assert row["en"] != row["de"]


def test_a_language_that_nobody_speaks_here_gets_english():
    assert say("notice_title", "fr") == "Privacy notice"
