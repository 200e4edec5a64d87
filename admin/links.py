"""Links that people get by mail: random, hashed where they are kept, for one use and a limited time."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from urllib.parse import urlsplit

from sqlalchemy import delete, select

from webchatagent.core.addresses import is_loopback
from webchatagent.core.clock import now
from webchatagent.core.db.accounts import AccountLink
from webchatagent.core.errors import Conflict, NotFound
from webchatagent.core.settings import Settings
from webchatagent.core.tenancy import TenantSession
from webchatagent.core.tenants import Platform

REGISTER_HOURS = 24
RESET_HOURS = 1
SIGN_IN_HOURS = 1
HOURS = {"register": REGISTER_HOURS, "reset": RESET_HOURS, "sign_in": SIGN_IN_HOURS}


def new_token() -> tuple[str, str]:
    """A token of 256 random bits for a link, and what is kept of it."""
    token = secrets.token_urlsafe(32)
    return token, hash_token(token)


def hash_token(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def link_to(settings: Settings, base: str, path: str) -> str:
    """The address of a page of the admin for a mail: the fixed public address, else the one of this request.

    Who asks chooses the Host of a request, so a mail that leaves the house takes it from this machine only. Raises
    Conflict with the code `public_url_missing` otherwise.
    """
    if not settings.public_url and settings.smtp_url and not is_loopback(urlsplit(base).hostname or ""):
        raise Conflict(
            "Mails hold links, and this server does not know its address.",
            "set WEBCHATAGENT_PUBLIC_URL",
            code="public_url_missing",
        )
    return f"{(settings.public_url or base).rstrip('/')}/admin{path}"


def make_link(db: TenantSession, kind: str, email: str, user_id: int = 0) -> str:
    """Make a link of an account, in the caller's transaction; returns its token. Earlier ones of the kind end."""
    db.execute(delete(AccountLink).where(AccountLink.kind == kind, AccountLink.email == email))
    token, kept = new_token()
    db.add(
        AccountLink(
            kind=kind, email=email, user_id=user_id, token_hash=kept, expires_at=now() + timedelta(hours=HOURS[kind])
        )
    )
    return token


def find_link(platform: Platform, kind: str, token: str) -> AccountLink:
    """The link of a token. Raises NotFound with the code `link_over`: unknown, used and expired ones look the same."""
    with platform.database.read() as db:
        row = db.scalar(
            select(AccountLink).where(AccountLink.kind == kind, AccountLink.token_hash == hash_token(token))
        )
    if row is None or row.expires_at < now() or (kind == "reset" and not row.user_id):
        raise link_over()
    return row


def use_link(db: TenantSession, row: AccountLink) -> None:
    """Use a link up, in the caller's transaction. Raises NotFound when somebody was faster."""
    done = db.execute(delete(AccountLink).where(AccountLink.id == row.id, AccountLink.expires_at >= now()))
    if not getattr(done, "rowcount", 0):
        raise link_over()


def link_over() -> NotFound:
    """What a link that opens nothing says."""
    return NotFound("This link has ended, or was used.", "ask for a new one", code="link_over")
