"""Writing to somebody first, or after the window closed: an approved template, and only with an opt-in on record."""

from __future__ import annotations

from typing import Any

from webchatagent.core.api import (
    Conflict,
    Forbidden,
    InvalidRequest,
    Tenant,
    audit_record,
    current_actor,
    grant_consent,
    keep_message,
)

from .client import Graph, GraphFailed
from .config import Config
from .handle import put
from .models import Person
from .optin import PURPOSE, may_begin
from .outbox import is_open
from .payload import Sender
from .people import CHANNEL, answering_bot, block_list, find, find_or_make, is_blocked
from .webhook import start_answer
from .writing import Out


def send_template(
    tenant: Tenant, phone: str, name: str, language: str, values: tuple[str, ...] = (), proof: str = ""
) -> int:
    """Send a template to a number; returns the id of the message.

    `proof` says where the opt-in is kept that was given elsewhere; it is put on record. Raises InvalidRequest for a wrong
    number or template, Forbidden without an opt-in, after STOP, or for somebody who is blocked or restricted.
    """
    wa_id = "".join(c for c in phone if c.isascii() and c.isdigit())
    if not 7 <= len(wa_id) <= 15:
        raise InvalidRequest("This is no phone number.", "write it with its country, such as +49…", field="phone")
    template = approved(tenant, name, language)
    body = template_body(template, values)
    person = _person(tenant, wa_id, proof, marketing=template.get("category") != "UTILITY")
    text = written(template, values)
    with tenant.write() as db:
        message = keep_message(db, person.session_id, "agent", text or name, language[:2])
        sent = put(db, person.id, Out("template", body), message)
        ring = start_answer(db, person.id)
        audit_record(db, current_actor(), "whatsapp.template_sent", f"template:{name}"[:200])
    tenant.platform.ring(ring)
    return sent


def _person(tenant: Tenant, wa_id: str, proof: str, *, marketing: bool) -> Person:
    """The person, when they may be written to."""
    sender, config, bot = Sender(wa_id=wa_id), tenant.config(Config), answering_bot(tenant)
    with tenant.write() as db:
        blocked = is_blocked(tenant, block_list(db), sender)
        person = find(db, config.phone_number_id, sender)
        if blocked or (person is not None and (person.restricted or person.stopped)):
            raise Forbidden(
                "This person does not want messages.", "wait until they write", code="optin_withdrawn", field="phone"
            )
        if person is None and len(proof.strip()) < 3:
            raise _no_optin()
        person = person or find_or_make(tenant, db, sender, bot)
    if may_begin(tenant, person) or (is_open(person) and not marketing):
        return person
    if len(proof.strip()) < 3:
        raise _no_optin()
    grant_consent(tenant, person.session_id, PURPOSE, config.optin_text, channel=CHANNEL, proof=proof)
    return person


def _no_optin() -> Forbidden:
    return Forbidden(
        "There is no opt-in of this person on record.",
        "let them send START, or say where their consent is kept",
        code="optin_missing",
        field="proof",
    )


def approved(tenant: Tenant, name: str, language: str) -> dict[str, Any]:
    """The template, as Meta approved it. Raises InvalidRequest, Conflict when Meta does not answer."""
    config = tenant.config(Config)
    try:
        rows = Graph(config).templates(config.business_id, name)
    except GraphFailed as error:
        raise Conflict(error.message, error.cure or "try again", code="whatsapp_refused") from None
    for row in rows:
        if row.get("language") == language and row.get("status") == "APPROVED":
            return row
    states = ", ".join(f"{row.get('language')}: {row.get('status')}" for row in rows[:10])
    cure = f"Meta knows: {states}" if states else "make it in WhatsApp Manager"
    raise InvalidRequest("Meta has not approved this template.", cure, code="template_not_approved", field="template")


def _text_of(template: dict[str, Any]) -> str:
    parts = template.get("components")
    body = (
        next((p for p in parts if isinstance(p, dict) and p.get("type") == "BODY"), {})
        if isinstance(parts, list)
        else {}
    )
    return str(body.get("text") or "")


def template_body(template: dict[str, Any], values: tuple[str, ...]) -> dict[str, Any]:
    """The body of a template with its values in order. Raises InvalidRequest when their number differs."""
    text = _text_of(template)
    wanted = len({i for i in range(1, 100) if f"{{{{{i}}}}}" in text})
    if wanted != len(values):
        raise InvalidRequest(f"The template takes {wanted} values.", "write one a line", field="values")
    made: dict[str, Any] = {"name": template["name"], "language": {"code": template["language"]}}
    if values:
        made["components"] = [{"type": "body", "parameters": [{"type": "text", "text": v} for v in values]}]
    return {"type": "template", "template": made}


def written(template: dict[str, Any], values: tuple[str, ...]) -> str:
    """What the person reads, for the conversation."""
    text = _text_of(template)
    for number, value in enumerate(values, 1):
        text = text.replace(f"{{{{{number}}}}}", value)
    return text[:4000]
