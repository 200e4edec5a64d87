"""What Meta sends, read without trust: any part may be missing, odd, or of a kind that nobody knows yet.

Facts from Meta's published examples, and from its change of 2026: people may have an ID for one business (`user_id`)
instead of a number (`wa_id`, `from`), and a user name.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from webchatagent.core.api import storable

MEDIA = ("image", "document", "audio", "video", "sticker")
STATES = ("sent", "delivered", "read", "failed")
MOST_TEXT = 8000
OLDEST = timedelta(days=8)
"""Meta tries for seven days; what is older was kept by somebody and is sent again."""
FUTURE = timedelta(hours=25)


@dataclass(frozen=True)
class Sender:
    """Who wrote: at least one of `user_id` and `wa_id` is there."""

    user_id: str = ""
    wa_id: str = field(default="", repr=False)
    name: str = field(default="", repr=False)
    username: str = field(default="", repr=False)


@dataclass(frozen=True)
class Said:
    """One message. `text` is what the person wrote or chose; `data` what the kind needs besides."""

    id: str
    at: datetime
    sender: Sender
    kind: str
    text: str = field(default="", repr=False)
    data: dict[str, Any] = field(default_factory=dict, repr=False)
    reply_to: str = ""

    @property
    def key(self) -> str:
        """What it is known by here."""
        return digest(self.id)


@dataclass(frozen=True)
class Status:
    """What became of a message of ours: `opaque` is the id that we sent along."""

    id: str
    state: str
    at: datetime
    opaque: str = ""
    code: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Wish:
    """That a person wants marketing messages or not, said in WhatsApp's own menu."""

    sender: Sender
    stop: bool


@dataclass
class Read:
    """A whole payload. `bad` are digests of what could not be read; `foreign` counts what is for another number."""

    said: list[Said] = field(default_factory=list)
    statuses: list[Status] = field(default_factory=list)
    wishes: list[Wish] = field(default_factory=list)
    notices: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    bad: list[str] = field(default_factory=list)
    foreign: int = 0


def digest(text: str) -> str:
    """SHA-256, as hexadecimal digits."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def read_payload(payload: Any, number_id: str) -> Read:
    """All that a payload holds for one number."""
    out = Read()
    for entry in _list(_dict(payload).get("entry")):
        for change in _list(_dict(entry).get("changes")):
            change = _dict(change)
            _read_change(out, str(change.get("field") or ""), _dict(change.get("value")), number_id)
    return out


def _read_change(out: Read, name: str, value: dict[str, Any], number_id: str) -> None:
    metadata = _dict(value.get("metadata"))
    if name == "messages" or name == "user_preferences":
        if not number_id or metadata.get("phone_number_id") != number_id:
            out.foreign += 1
            return
    elif "metadata" not in value:
        out.notices.append((name, value))
        return
    contacts = [_dict(c) for c in _list(value.get("contacts"))]
    for raw in _list(value.get("messages")) if name == "messages" else ():
        _into(out, out.said, raw, lambda raw: read_message(raw, contacts))
    for raw in _list(value.get("statuses")) if name == "messages" else ():
        _into(out, out.statuses, raw, read_status)
    for raw in _list(value.get("user_preferences")) if name == "user_preferences" else ():
        _into(out, out.wishes, raw, lambda raw: read_wish(raw, contacts))


def _into(out: Read, found: list[Any], raw: Any, reader: Any) -> None:
    """One item; a bad one is noted, and harms no other."""
    try:
        item = reader(raw)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError):
        out.bad.append(digest(json.dumps(raw, sort_keys=True, default=str)))
    else:
        if item is not None:
            found.append(item)


def read_message(raw: dict[str, Any], contacts: list[dict[str, Any]]) -> Said | None:
    """One message, or None for one of a group. Raises ValueError, TypeError, KeyError for a bad one."""
    number = _text(raw["id"], 400)
    if not number:
        raise ValueError("no id")
    if raw.get("group_id"):
        return None
    kind = _text(raw.get("type") or "unsupported", 20)
    text, data = _content(kind, raw)
    reply_to = _text(_dict(raw.get("context")).get("id"), 400)
    return Said(number, _moment(raw["timestamp"]), _sender(raw, contacts), kind, text, data, reply_to)


def _content(kind: str, raw: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """What was written or chosen, and what the kind needs besides."""
    found = _dict(raw.get(kind))
    if kind == "text":
        return _text(found.get("body")), {}
    if kind == "button":
        return _text(found.get("text")), {"choice": _text(found.get("payload"), 300)}
    if kind == "reaction":
        return _text(found.get("emoji"), 40), {}
    if kind in MEDIA:
        keys = ("id", "mime_type", "filename")
        data = {key: _text(found.get(key), 240) for key in keys if found.get(key)}
        if not data.get("id"):
            raise ValueError("a file without an id")
        return _text(found.get("caption")), {**data, "voice": found.get("voice") is True}
    if kind == "location":
        return ", ".join(filter(None, (_text(found.get("name"), 200), _text(found.get("address"), 300)))), {}
    if kind == "system":
        return "", {key: _text(found.get(key), 160) for key in ("type", "wa_id", "user_id") if found.get(key)}
    if kind == "order":
        return _text(found.get("text")), {"items": len(_list(found.get("product_items")))}
    if kind == "contacts":
        return "", {"items": len(_list(raw.get("contacts")))}
    return _interactive(found) if kind == "interactive" else ("", {})


def _interactive(found: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """A button or a row of ours, or another kind of answer."""
    kind = _text(found.get("type"), 40)
    chosen = _dict(found.get(kind))
    if kind in ("button_reply", "list_reply"):
        return _text(chosen.get("title"), 300), {"choice": _text(chosen.get("id"), 300), "type": kind}
    return "", {"type": kind}


def _sender(raw: dict[str, Any], contacts: list[dict[str, Any]]) -> Sender:
    """Who wrote, with what the list of contacts says of them. Raises ValueError for nobody."""
    wa_id, user_id = _number(raw.get("from")), _text(raw.get("from_user_id"), 160)
    mine = [
        c
        for c in contacts
        if (wa_id and _number(c.get("wa_id")) == wa_id) or (user_id and _text(c.get("user_id"), 160) == user_id)
    ]
    if not mine and not (wa_id or user_id) and len(contacts) == 1:
        mine = contacts
    return _named(wa_id, user_id, mine[0] if mine else {})


def _named(wa_id: str, user_id: str, contact: dict[str, Any]) -> Sender:
    profile = _dict(contact.get("profile"))
    wa_id = wa_id or _number(contact.get("wa_id"))
    user_id = user_id or _text(contact.get("user_id"), 160)
    if not (wa_id or user_id):
        raise ValueError("nobody")
    return Sender(user_id, wa_id, _text(profile.get("name"), 200), _text(profile.get("username"), 100))


def read_status(raw: dict[str, Any]) -> Status | None:
    """A notice on a message of ours; None for a kind that nobody needs. Raises ValueError, TypeError, KeyError."""
    state = raw["status"]
    if state not in STATES:
        return None
    error = next((_dict(e) for e in _list(raw.get("errors"))), {})
    detail = _text(_dict(error.get("error_data")).get("details"), 200)
    reason = ": ".join(dict.fromkeys(filter(None, (_text(error.get("title"), 100), detail))))
    opaque = _text(raw.get("biz_opaque_callback_data"), 36)
    return Status(_text(raw["id"], 400), state, _moment(raw["timestamp"]), opaque, _text(error.get("code"), 20), reason)


def read_wish(raw: dict[str, Any], contacts: list[dict[str, Any]]) -> Wish | None:
    """What a person wants. Raises ValueError, KeyError."""
    if raw.get("category") != "marketing_messages":
        return None
    wa_id, user_id = _number(raw.get("wa_id")), _text(raw.get("user_id"), 160)
    return Wish(
        _named(wa_id, user_id, contacts[0] if not (wa_id or user_id) and contacts else {}), raw["value"] == "stop"
    )


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: Any, most: int = MOST_TEXT) -> str:
    """A text that can be stored; numbers are written, all else is nothing."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return ""
    return storable(str(value))[:most]


def _number(value: Any) -> str:
    """The digits of a phone number."""
    return "".join(c for c in _text(value, 60) if c.isascii() and c.isdigit())[:40]


def _moment(value: Any) -> datetime:
    """A time in seconds since 1970. Raises ValueError, OverflowError."""
    return datetime.fromtimestamp(int(value), UTC)
