"""The message catalogues: what the code says, compared with what is translated.

Running it (`python -m webchatagent.admin.catalogues`) adds new messages to each `.po`, drops what is gone, and
compiles the `.mo` files.
"""

from __future__ import annotations

from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

HERE = Path(__file__).resolve().parent
FOLDER = HERE / "translations"
TRANSLATED = ("de", "hi")
ONCE = datetime(2026, 1, 1, tzinfo=UTC)
"""A fixed date in the headers, so that an update changes nothing but messages."""
METHODS = [("**.py", "python"), ("templates/**.html", "jinja2")]
KEYWORDS = {"_": None, "gettext": None, "lazy_gettext": None, "ngettext": (1, 2)}


def path(language: str, ending: str) -> Path:
    """The catalogue file of a language."""
    return FOLDER / language / "LC_MESSAGES" / f"messages.{ending}"


def extract() -> set[str | tuple[str, str]]:
    """Every message of code and templates; those with a plural as pairs."""
    found: set[str | tuple[str, str]] = set()
    for _, _, message, _, _ in extract_from_dir(HERE, METHODS, {"templates/**.html": {"trimmed": "true"}}, KEYWORDS):
        found.add(message if isinstance(message, str) else (message[0], message[1]))
    return found


def read(language: str) -> Catalog:
    """The catalogue of a language."""
    with path(language, "po").open("rb") as file:
        return read_po(file, locale=language)


def compiled(language: str) -> bytes:
    """What the `.mo` of a language must hold."""
    out = BytesIO()
    write_mo(out, read(language))
    return out.getvalue()


def update(language: str) -> None:
    """Bring a catalogue up to what the code says, and compile it."""
    old, wanted = read(language), extract()
    new = Catalog(
        locale=language,
        project="WebChatAgent admin",
        version="1",
        fuzzy=False,
        creation_date=ONCE,
        revision_date=ONCE,
        header_comment="# Messages of the admin.",
        msgid_bugs_address="",
        last_translator="",
        language_team="",
    )
    for message in sorted(wanted, key=str):
        known = old.get(message if isinstance(message, str) else message[0])
        new.add(message, known.string if known else None)
    with path(language, "po").open("wb") as file:
        write_po(file, new, width=0, omit_header=False)
    path(language, "mo").write_bytes(compiled(language))


if __name__ == "__main__":
    for name in TRANSLATED:
        update(name)
