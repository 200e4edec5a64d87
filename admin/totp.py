"""One-time codes by time (RFC 6238: HMAC-SHA1, 30 seconds, six digits) as a second factor, and codes for when the
phone is gone."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import struct
from urllib.parse import quote

import sqlalchemy as sa

from webchatagent.core import audit
from webchatagent.core.clock import now
from webchatagent.core.tenants import Platform, operator_tenant

from .accounts import USERS

STEP = 30
SPARE_CODES = 8


def new_secret() -> str:
    """A secret of 160 random bits, as the base32 that apps take."""
    return base64.b32encode(secrets.token_bytes(20)).decode()


def code_at(secret: str, counter: int) -> str:
    """The six digits of one step of time."""
    digest = hmac.new(base64.b32decode(secret), struct.pack(">Q", counter), hashlib.sha1).digest()
    offset = digest[-1] & 15
    number = struct.unpack(">I", digest[offset : offset + 4])[0] & 0x7FFFFFFF
    return f"{number % 1_000_000:06d}"


def match(secret: str, typed: str, used: int = 0) -> int:
    """The step that a typed code belongs to, now or one step beside it, later than `used`; 0 when there is none."""
    at = int(now().timestamp()) // STEP
    for counter in (at, at - 1, at + 1):
        if counter > used and hmac.compare_digest(code_at(secret, counter), typed):
            return counter
    return 0


def address_for(secret: str, email: str) -> str:
    """The address that a QR code holds for an app."""
    return f"otpauth://totp/WebChatAgent:{quote(email)}?secret={secret}&issuer=WebChatAgent"


def enrol(platform: Platform, user_id: int, secret: str) -> list[str]:
    """Ask a person for codes of `secret` from now on, and end their other sessions; returns the spare codes."""
    codes = ["-".join(secrets.token_hex(3) for _ in range(2)) for _ in range(SPARE_CODES)]
    sealed = platform.secret_box.seal(secret, f"user|{user_id}|totp")
    _write(platform, user_id, "account.second_factor_on", totp=sealed, recovery=" ".join(map(_hash, codes)))
    return codes


def withdraw(platform: Platform, user_id: int) -> None:
    """Ask for no code any more."""
    _write(platform, user_id, "account.second_factor_off", totp="", recovery="")


def _write(platform: Platform, user_id: int, action: str, **values: str) -> None:
    with operator_tenant(platform).write() as db:
        db.execute(
            sa.update(USERS)
            .where(USERS.c.id == user_id)
            .values(totp_used=0, session_epoch=USERS.c.session_epoch + 1, **values)
        )
        audit.record(db, audit.current_actor(), action, f"user:{user_id}")


def verify(platform: Platform, user_id: int, typed: str) -> bool:
    """Whether a code is right; each works once, a spare code as well."""
    typed = "".join(typed.split()).lower()
    with platform.database.write() as db:
        row = db.execute(
            sa.select(USERS.c.totp, USERS.c.totp_used, USERS.c.recovery).where(USERS.c.id == user_id).with_for_update()
        ).first()
        if row is None or not row.totp:
            return False
        step = match(platform.secret_box.open(row.totp, f"user|{user_id}|totp"), typed, row.totp_used)
        spare = row.recovery.split()
        if step:
            values: dict[str, object] = {"totp_used": step}
        elif _hash(typed) in spare:
            values = {"recovery": " ".join(h for h in spare if h != _hash(typed))}
        else:
            return False
        db.execute(sa.update(USERS).where(USERS.c.id == user_id).values(**values))
    return True


def _hash(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()
