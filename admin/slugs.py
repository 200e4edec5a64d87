"""Short names from names."""

from __future__ import annotations

import re
import unicodedata

UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})


def slug_of(name: str, fallback: str = "bot") -> str:
    """A short name from a name: letters and digits of the Latin alphabet with dashes; `fallback` when none are left."""
    text = unicodedata.normalize("NFKD", name.lower().translate(UMLAUTS)).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", text).strip("-")[:50].strip("-") or fallback
