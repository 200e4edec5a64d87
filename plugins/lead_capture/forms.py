"""The form of leads: what the widget draws, and reading what was sent."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from webchatagent.core.api import InvalidRequest, Tenant, public_address, read_email

from .config import Config
from .words import LANGUAGES, boxes, say

_PHONE = re.compile(r"\+?[\d\s()/.-]{5,30}")
LENGTHS = {"name": 200, "email": 254, "phone": 40, "company": 200, "message": 4000}


@dataclass(frozen=True)
class Sent:
    """What somebody left. `agreed` are the names of the boxes that they ticked themselves."""

    name: str = ""
    email: str = ""
    phone: str = ""
    company: str = ""
    message: str = ""
    answers: tuple[tuple[str, str], ...] = ()
    agreed: frozenset[str] = field(default_factory=frozenset)


def form_part(tenant: Tenant, language: str) -> dict[str, Any]:
    """The form as the widget draws it."""
    spoken = language if language in LANGUAGES else "en"
    config = tenant.config(Config)
    fields: list[dict[str, Any]] = [
        _field("name", spoken, "text", needed=True),
        _field("email", spoken, "email", needed=not config.phone),
    ]
    fields += [_field(n, spoken, kind) for n, kind in (("phone", "tel"), ("company", "text")) if getattr(config, n)]
    fields += [_field("message", spoken, "textarea")] if config.message else []
    for number, question in enumerate(config.questions):
        label, needed = question.rstrip(" *"), question.endswith("*")
        fields.append({"name": f"q{number}", "label": label, "type": "text", "required": needed, "maxLength": 1000})
    link = public_address(tenant, f"/t/{tenant.slug}/privacy?lang={spoken}")
    fields += [
        {"name": name, "label": text, "type": "checkbox", "required": False, "url": link}
        for name, (_, text) in boxes(tenant, spoken).items()
    ]
    return {
        "type": "form",
        "title": config.title or say("title", spoken),
        "text": config.intro or say("intro", spoken, tenant=tenant.name),
        "action": f"/x/lead_capture/{tenant.slug}/lead/{spoken}",
        "event": "lead",
        "submit": say("submit", spoken),
        "fields": fields,
    }


def _field(name: str, language: str, kind: str, *, needed: bool = False) -> dict[str, Any]:
    label = say(f"field_{name}", language)
    return {"name": name, "label": label, "type": kind, "required": needed, "maxLength": LENGTHS[name]}


def read_form(tenant: Tenant, sent: Any, language: str) -> Sent:
    """What was sent, checked. Raises InvalidRequest naming the field."""
    if not isinstance(sent, Mapping):
        raise InvalidRequest("The request is not a JSON object.", "send an object")
    config = tenant.config(Config)
    values = {name: _text(sent, name, limit, language) for name, limit in LENGTHS.items()}
    typed, values["email"] = values["email"], read_email(values["email"])
    if typed and not values["email"]:
        raise _wrong("email", "wrong_email", language)
    if values["phone"] and not _PHONE.fullmatch(values["phone"]):
        raise _wrong("phone", "wrong_phone", language)
    if not values["email"] and not values["phone"]:
        raise _wrong("email", "how_to_reach", language)
    if not values["name"]:
        raise _wrong("name", "must_fill", language)
    answers = []
    for number, question in enumerate(config.questions):
        answer = _text(sent, f"q{number}", 1000, language)
        if question.endswith("*") and not answer:
            raise _wrong(f"q{number}", "must_fill", language)
        answers += [(question.rstrip(" *"), answer)] if answer else []
    agreed = frozenset(name for name in boxes(tenant, language) if sent.get(name) is True)
    return Sent(**values, answers=tuple(answers), agreed=agreed)


def _text(sent: Mapping[str, Any], name: str, limit: int, language: str) -> str:
    value = sent.get(name, "")
    if not isinstance(value, str) or len(value) > limit:
        raise _wrong(name, "too_long", language)
    lines = [" ".join(line.split()) for line in value.replace("\x00", "").splitlines()]
    return ("\n" if name == "message" else " ").join(lines).strip()


def _wrong(name: str, key: str, language: str) -> InvalidRequest:
    return InvalidRequest(say(key, language), "correct it", field=name)
