"""An answer as WhatsApp shows it: its signs for bold and italic, texts that are not too long, sources, buttons, lists."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .words import say

MOST_TEXT = 4096
MOST_BODY = 1024
MOST_ROWS = 10
MOST_SOURCES = 5
_CODE = re.compile(r"(```.*?```|`[^`\n]+`)", re.S)
_RULES = (
    (re.compile(r"^#{1,6}\s+(.+?)\s*#*$", re.M), lambda m: f"\x01{_bare(m[1])}\x01"),
    (re.compile(r"!\[([^\]\n]*)\]\(\s*<?([^\s)>]+)>?[^)\n]*\)"), lambda m: f"{m[1]} {m[2]}".strip()),
    (re.compile(r"\[([^\]\n]+)\]\(\s*<?([^\s)>]+)>?[^)\n]*\)"), lambda m: _link(m[1], m[2])),
    (re.compile(r"(\*\*|__)(?=\S)(.+?)(?<=\S)\1"), "\x01\\2\x01"),
    (re.compile(r"(?<![\w*])\*(?=[^\s*])([^*\n]+?)(?<=\S)\*(?![\w*])"), r"_\1_"),
    (re.compile(r"~~(?=\S)(.+?)(?<=\S)~~"), r"~\1~"),
    (re.compile(r"^(\s*)[*+]\s+", re.M), r"\1- "),
)


@dataclass(frozen=True)
class Out:
    """One message to be sent: the part of the body that its kind needs, and what its buttons stand for."""

    kind: str
    body: dict[str, Any] = field(repr=False)
    choices: tuple[dict[str, str], ...] = field(default=(), repr=False)


def _bare(text: str) -> str:
    return text.replace("**", "").replace("__", "")


def _link(text: str, address: str) -> str:
    return address if text.strip() in (address, address.removeprefix("mailto:")) else f"{text}: {address}"


def formatted(markdown: str) -> str:
    """Markdown in WhatsApp's signs; what stands in code stays as it is."""
    pieces = _CODE.split(markdown.replace("\x01", ""))
    for index in range(0, len(pieces), 2):
        for pattern, by in _RULES:
            pieces[index] = pattern.sub(by, pieces[index])  # type: ignore[arg-type]
        pieces[index] = pieces[index].replace("\x01", "*")
    return re.sub(r"\n{3,}", "\n\n", "".join(pieces)).strip()


def length(text: str) -> int:
    """How long WhatsApp takes a text to be: signs beyond the first plane count twice."""
    return len(text) + sum(c > "\uffff" for c in text)


def split(text: str, most: int = MOST_TEXT) -> Iterator[str]:
    """A text in pieces that are not too long: between paragraphs, lines, sentences or words, else anywhere."""
    text = text.strip()
    while length(text) > most:
        cut = _cut(text, most)
        yield text[:cut].rstrip()
        text = text[cut:].lstrip()
    if text:
        yield text


def _cut(text: str, most: int) -> int:
    end = most
    while length(text[:end]) > most:
        end -= max(1, (length(text[:end]) - most) // 2)
    for sign in ("\n\n", "\n", ". ", "। ", " "):
        found = text.rfind(sign, end // 2, end)
        if found > 0:
            return found + len(sign)
    while end > 1 and (unicodedata.combining(text[end]) or unicodedata.category(text[end]) in ("Mc", "Mn", "Cf")):
        end -= 1
    return end


def short(text: str, most: int) -> str:
    """A label of at most so many signs."""
    text = " ".join(text.split())
    return text if length(text) <= most else next(split(text, most - 1)) + "…"


def text_messages(text: str) -> list[Out]:
    """A text as one message or several."""
    return [Out("text", {"type": "text", "text": {"body": piece, "preview_url": False}}) for piece in split(text)]


def answer_messages(
    markdown: str, sources: Sequence[Mapping[str, Any]], parts: Sequence[Mapping[str, Any]], language: str
) -> list[Out]:
    """An answer: its text with the sources below, then its parts."""
    text = formatted(markdown)
    if listed := _sources(sources, language):
        text = f"{text}\n\n{listed}"
    return [*text_messages(text), *(out for part in parts for out in part_messages(part, language))]


def _sources(sources: Sequence[Mapping[str, Any]], language: str) -> str:
    lines: list[str] = []
    for source in sources[:MOST_SOURCES]:
        title, url = short(str(source.get("title") or ""), 80), str(source.get("url") or "")
        lines.append(f"[{source.get('n', len(lines) + 1)}] " + " – ".join(filter(None, (title, url))))
    return "\n".join([f"*{say('sources', language)}*", *lines]) if lines else ""


def part_messages(part: Mapping[str, Any], language: str) -> list[Out]:
    """A part of an answer: a card to confirm becomes buttons, times become lists, and what nobody knows its text."""
    kind = part.get("type")
    if kind == "action" and part.get("state") == "proposed":
        return _card(part)
    if kind == "action":
        return text_messages(str(part.get("done") or ""))
    if kind == "slots":
        return _lists(part, language)
    if kind in ("image", "file") and str(part.get("url", "")).startswith("https://"):
        return [_media(part)]
    return text_messages("\n".join(str(part[k]) for k in ("title", "text") if isinstance(part.get(k), str)))


def _card(part: Mapping[str, Any]) -> list[Out]:
    """What is proposed, with all its facts, and two buttons. Facts that do not fit go before."""
    title = f"*{part.get('title', '')}*"
    facts = "\n".join(f"{row['label']}: {row['value']}" for row in part.get("rows", ()))
    question = str(part.get("text") or "")
    whole = "\n\n".join(filter(None, (title, facts, question)))
    before: list[Out] = []
    if length(whole) > MOST_BODY:
        before, whole = text_messages(f"{title}\n\n{facts}"), short(f"{title} {question}", MOST_BODY)
    buttons = list(part.get("buttons", ()))[:3]
    action = {"buttons": [{"type": "reply", "reply": {"title": short(b["label"], 20)}} for b in buttons]}
    choices = tuple({"press": str(b["action"])} for b in buttons)
    return [*before, Out("buttons", _interactive("button", whole, action), choices)]


def _lists(part: Mapping[str, Any], language: str) -> list[Out]:
    """Times as rows to choose from, ten in a list; what a row stands for is said as the person's own words."""
    slots = [(day["label"], slot) for day in part.get("days", ()) for slot in day["slots"]]
    text = "\n\n".join(filter(None, (f"*{part.get('title', '')}*", str(part.get("text") or ""))))
    out = []
    for start in range(0, len(slots), MOST_ROWS):
        sections: list[dict[str, Any]] = []
        for label, slot in slots[start : start + MOST_ROWS]:
            if not sections or sections[-1]["title"] != short(label, 24):
                sections.append({"title": short(label, 24), "rows": []})
            sections[-1]["rows"].append({"title": short(str(slot["label"]), 24), "description": short(label, 72)})
        action = {"button": short(say("choose", language), 20), "sections": sections}
        choices = tuple({"say": str(slot["value"])} for _, slot in slots[start : start + MOST_ROWS])
        out.append(Out("list", _interactive("list", short(text, MOST_BODY), action), choices))
    return out


def _interactive(kind: str, text: str, action: dict[str, Any]) -> dict[str, Any]:
    return {"type": "interactive", "interactive": {"type": kind, "body": {"text": text or "…"}, "action": action}}


def _media(part: Mapping[str, Any]) -> Out:
    kind = "image" if part["type"] == "image" else "document"
    content = {"link": str(part["url"]), "caption": short(str(part.get("title") or ""), MOST_BODY)}
    return Out(kind, {"type": kind, kind: {k: v for k, v in content.items() if v}})


def numbered(body: dict[str, Any], public_id: str) -> dict[str, Any]:
    """The body with ids on its buttons and rows: `<message>:<n>` names the n-th choice."""
    action = body.get("interactive", {}).get("action", {})
    places = [b["reply"] for b in action.get("buttons", ())]
    places += [row for section in action.get("sections", ()) for row in section["rows"]]
    for number, place in enumerate(places):
        place["id"] = f"{public_id}:{number}"
    return body
