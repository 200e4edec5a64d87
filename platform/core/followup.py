"""Questions that need the one before: "And how long does it take?"."""

from __future__ import annotations

from .analysis import STOP_WORDS, words

_POINTERS = {
    "en": frozenset("it its this that these those they them their he she him her his there then one ones".split()),
    "de": frozenset(
        "es das dies diese dieser dieses diesen sie er ihn ihm ihr ihre ihren sein seine dafür damit davon "
        "daran dort dann dabei dazu welche".split()
    ),
    "hi": frozenset("यह वह ये वे इसे उसे इसका उसका इसके उसके इसकी उसकी इसमें उसमें इससे उससे वहाँ यहाँ इन उन इनका उनका".split()),
}
_OPENERS = frozenset("and also what about und auch और तो".split())
FEW = 4


def points_back(question: str, language: str) -> bool:
    """Whether a question leans on what was said before: it points with a pronoun, or opens with "and", and says little."""
    found = words(question)
    if not found:
        return False
    stop = STOP_WORDS.get(language, frozenset()) | _POINTERS.get(language, frozenset()) | _OPENERS
    content = [w for w in found if w not in stop]
    pointing = any(w in _POINTERS.get(language, ()) for w in found) or found[0] in _OPENERS
    return pointing and len(content) <= FEW
