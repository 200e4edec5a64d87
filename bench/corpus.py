"""A deterministic corpus: 200 documents, about 1.55 million characters, one planted fact each, and a question for each."""

from __future__ import annotations

import random

WORDS = (
    "order delivery invoice customer return parcel warranty account garden window battery recipe bicycle insurance "
    "ticket museum harbour engine contract deadline report meeting kitchen carpet blanket coffee mountain river bridge "
    "season market village teacher doctor nurse library camera pencil bottle basket letter island forest winter summer "
    "opens closes arrives repairs delivers includes requires offers replaces explains measures collects returns covers "
    "quick careful regular special annual monthly local modern quiet heavy light fresh early late common public private"
).split()
DOCUMENTS, CHARACTERS = 200, 7750


def documents(seed: int = 7) -> list[tuple[str, str]]:
    """(name, Markdown) of each document."""
    dice = random.Random(seed)
    out = []
    for n in range(DOCUMENTS):
        parts, size = [f"# Handbook {n}\n"], 0
        while size < CHARACTERS:
            sentences = [" ".join(dice.choices(WORDS, k=dice.randint(8, 16))).capitalize() + "." for _ in range(5)]
            parts.append(" ".join(sentences))
            size += len(parts[-1])
        parts.insert(len(parts) // 2, f"The access code of the {_name(n)} depot is {1000 + n * 37}.")
        out.append((f"handbook-{n}.md", "\n\n".join(parts)))
    return out


def questions() -> list[str]:
    """One question per document."""
    return [f"What is the access code of the {_name(n)} depot?" for n in range(DOCUMENTS)]


def _name(n: int) -> str:
    syllables = ("ka", "lo", "mi", "ter", "vos", "ran", "del", "qui", "zor", "pel")
    return (syllables[n % 10] + syllables[n // 10 % 10] + syllables[n // 100 % 10] + "ton").capitalize()
