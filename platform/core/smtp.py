"""Sending one mail over SMTP: with TLS where the server offers it, and never a password without."""

from __future__ import annotations

import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formataddr, formatdate
from urllib.parse import parse_qs, unquote, urlsplit

from .addresses import is_loopback
from .errors import Unavailable
from .settings import SettingError, Settings

WIDE = SMTP.clone(max_line_length=900)
"""A long address in a header must stay one word: folded, it would be written in a form that mail programs do not read."""
TIMEOUT = 20.0
"""Seconds that each step of the conversation may take."""


@dataclass(frozen=True)
class MailServer:
    """Where mails go: `secure` means TLS from the first byte; `sender` is the address in From."""

    host: str
    port: int
    user: str
    password: str
    secure: bool
    sender: str

    def __repr__(self) -> str:
        return f"<MailServer {self.host}:{self.port}>"


def parse_smtp_url(settings: Settings) -> MailServer:
    """The mail server of `SMTP_URL`: `smtp://user:password@host:587?from=bot@example.org`, or `smtps://`."""
    try:
        parts = urlsplit(settings.smtp_url)
        port, host = parts.port, parts.hostname or ""
    except ValueError:
        host, port, parts = "", None, urlsplit("")
    if parts.scheme not in ("smtp", "smtps") or not host:
        raise SettingError("WEBCHATAGENT_SMTP_URL is not an address", "write smtp://user:password@host:587")
    secure = parts.scheme == "smtps"
    public = urlsplit(settings.public_url).hostname or "localhost"
    sender = (parse_qs(parts.query).get("from") or [f"no-reply@{public}"])[0]
    return MailServer(
        host,
        port or (465 if secure else 587 if parts.username else 25),
        unquote(parts.username or ""),
        unquote(parts.password or ""),
        secure,
        sender,
    )


def deliver(
    settings: Settings,
    recipient: str,
    subject: str,
    text: str,
    number: str,
    unsubscribe: str = "",
    calendar: str = "",
) -> None:
    """Send one mail. `number` is the same for every attempt, so that a receiver can drop a second copy.

    `unsubscribe` becomes the headers of RFC 8058, by which mail programs unsubscribe with one click. `calendar` is an
    iCalendar file, which they offer to take over.

    Raises Unavailable with a sentence that holds neither the password nor the recipient.
    """
    server = parse_smtp_url(settings)
    message = EmailMessage(policy=WIDE)
    message["From"] = formataddr(("WebChatAgent", server.sender))
    message["To"] = recipient
    message["Subject"] = subject
    message["Date"] = formatdate()
    message["Message-ID"] = f"<{number}@{server.sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    if unsubscribe:
        message["List-Unsubscribe"] = f"<{unsubscribe}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(text)
    if calendar:
        message.add_attachment(calendar, subtype="calendar", filename="event.ics", params={"method": "PUBLISH"})
    try:
        _send(server, message)
    except smtplib.SMTPException as error:
        code = getattr(error, "smtp_code", "")
        raise Unavailable(
            f"The mail server refused a mail ({type(error).__name__} {code}).".replace(" )", ")"),
            "check WEBCHATAGENT_SMTP_URL",
        ) from None
    except OSError as error:
        raise Unavailable(
            f"The mail server does not answer ({type(error).__name__}).", "check WEBCHATAGENT_SMTP_URL"
        ) from None


def _send(server: MailServer, message: EmailMessage) -> None:
    tls = ssl.create_default_context()
    name = server.sender.rpartition("@")[2] or "localhost"  # the default would look a name up
    if server.secure:
        client: smtplib.SMTP = smtplib.SMTP_SSL(server.host, server.port, name, timeout=TIMEOUT, context=tls)
    else:
        client = smtplib.SMTP(server.host, server.port, name, timeout=TIMEOUT)
    with client:
        client.ehlo()
        encrypted = server.secure
        if not encrypted and client.has_extn("starttls"):
            client.starttls(context=tls)
            client.ehlo()
            encrypted = True
        if server.user:
            if not encrypted and not is_loopback(server.host):
                raise smtplib.SMTPException("no TLS, so no password")
            client.login(server.user, server.password)
        client.send_message(message)
