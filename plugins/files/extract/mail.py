"""E-mail as a file."""

from __future__ import annotations

import email
import email.policy
from email.message import EmailMessage

from webchatagent.core.api import DocumentProblem

from .text import Read, decode


def read(data: bytes, name: str, media_type: str) -> Read:
    """Subject, sender, date and the text part of a message; an HTML part only where there is no other."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in data[:64]:
        data = decode(data).encode()
    message = email.message_from_bytes(data.lstrip(), policy=email.policy.default)
    if message.get_content_type() in ("multipart/encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime"):
        raise DocumentProblem("encrypted", "The message is encrypted", "save it decrypted")
    body = "\n\n".join(part for part in (_text(p) for p in _texts(message)) if part.strip())
    subject = _field(message, "subject")
    head = [f"{label}: {value}" for label in ("From", "To", "Date") if (value := _field(message, label))]
    if not body.strip() and not subject:
        return "", "", ""
    return "\n\n".join(part for part in (f"# {subject}" if subject else "", "\n".join(head), body) if part), subject, ""


def whole(data: bytes) -> str:
    """The texts of a message without its head."""
    message = email.message_from_bytes(data.lstrip(), policy=email.policy.default)
    return "\n\n".join(_text(part) for part in _texts(message))


def _field(message: EmailMessage, name: str) -> str:
    try:
        return " ".join(str(message.get(name) or "").split())
    except Exception:  # the parser of headers fails on some that are broken
        return ""


def _texts(message: EmailMessage) -> list[EmailMessage]:
    """The parts that are read: of alternatives the plain one, of the rest every text that is no attachment."""
    if message.get_content_type() == "multipart/alternative":
        parts = [p for p in message.iter_parts() if isinstance(p, EmailMessage)]
        plain = [p for p in parts if p.get_content_type() == "text/plain" and _text(p).strip()]
        return plain[:1] or [found for part in reversed(parts) for found in _texts(part)][:1]
    if message.is_multipart():
        return [found for part in message.iter_parts() if isinstance(part, EmailMessage) for found in _texts(part)]
    is_text = (
        message.get_content_type() in ("text/plain", "text/html") and message.get_content_disposition() != "attachment"
    )
    return [message] if is_text else []


def _text(part: EmailMessage) -> str:
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return ""
    text = decode(payload, part.get_content_charset("") or "")
    if part.get_content_type() == "text/html":
        from .web import plain

        return plain(text)
    return text
