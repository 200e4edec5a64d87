"""Keys with which programs work for a tenant: made once, shown once, kept as a digest.

A key reads `wca_<12 hex digits>_<43 characters>`. The digits name it and find its row; the rest are 256 random bits, so
a fast keyed digest is enough: there is nothing to guess.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import select, update

from . import audit
from .clock import now
from .db.access import ApiKey
from .errors import InvalidRequest, NotFound, WebChatAgentError
from .tenancy import system_scope
from .tenants import Platform, Tenant, load_tenant

SCOPES = {
    "bots:read": "See bots and their settings.",
    "bots:write": "Make bots and change their settings.",
    "sources:read": "See sources, documents and their states.",
    "sources:write": "Add, read again and delete sources and documents.",
    "conversations:read": "Read conversations.",
    "conversations:write": "Delete conversations.",
    "search": "Search the passages of a bot.",
    "chat": "Ask a bot that wants a key.",
}
"""What a key may be allowed to do."""
_KEY = re.compile(r"wca_([0-9a-f]{12})_([A-Za-z0-9_-]{43})", re.ASCII)
_NOBODY = "00000000." + "0" * 64
USED_SECONDS = 60
"""How exact `last_used_at` is: a write a request would be a price for nothing."""
MAX_DAYS = 3650


class KeyRefused(WebChatAgentError):
    """There is no key, or it is unknown, revoked or over."""

    status, code = 401, "key_invalid"


@dataclass(frozen=True)
class KeyLine:
    """A key in a list; nothing of its secret. `id` is its public part, such as `3f0c1a2b4d5e`."""

    id: str
    name: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None

    @property
    def state(self) -> str:
        """`active`, `expired` or `revoked`."""
        if self.revoked_at:
            return "revoked"
        return "expired" if self.expires_at and self.expires_at <= now() else "active"


@dataclass(frozen=True)
class NewKey:
    """A key that was just made. `secret` is the whole key, handed out this once."""

    line: KeyLine
    secret: str = field(repr=False)


@dataclass(frozen=True)
class Caller:
    """A program that showed a valid key."""

    tenant: Tenant
    key_id: int
    prefix: str
    scopes: frozenset[str]

    @property
    def actor(self) -> str:
        """How the audit trail names it."""
        return f"key {self.prefix}"


def create_key(tenant: Tenant, name: str, scopes: Iterable[str], *, days: int = 0, actor: str) -> NewKey:
    """Make a key that is valid for `days` (0: until it is revoked). Raises InvalidRequest."""
    name, wanted = name.strip(), sorted(set(scopes))
    if not 0 < len(name) <= 100:
        raise InvalidRequest("A key needs a name of 1 to 100 characters.", "say what uses it", field="name")
    unknown = [s for s in wanted if s not in SCOPES]
    if unknown or not wanted:
        what = f"{unknown[0]!r} is not a scope." if unknown else "A key needs a scope."
        raise InvalidRequest(what, f"use some of: {', '.join(SCOPES)}", field="scopes")
    if not 0 <= days <= MAX_DAYS:
        raise InvalidRequest(f"A key is valid for at most {MAX_DAYS} days.", "0 means until revoked", field="days")
    prefix, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    with tenant.write() as db:
        row = ApiKey(
            prefix=prefix,
            digest=tenant.platform.secret_box.digest(secret, _place(tenant.id, prefix)),
            name=name,
            scopes=wanted,
            expires_at=now() + timedelta(days=days) if days else None,
        )
        db.add(row)
        audit.record(db, actor, "key.created", prefix, scopes=wanted, days=days)
        db.flush()
        return NewKey(_line(row), f"wca_{prefix}_{secret}")


def list_keys(tenant: Tenant) -> list[KeyLine]:
    """The tenant's keys, the newest first, revoked ones included."""
    with tenant.read() as db:
        return [_line(row) for row in db.scalars(select(ApiKey).order_by(ApiKey.id.desc()))]


def revoke_key(tenant: Tenant, key: str, *, actor: str) -> KeyLine:
    """End a key by its public part, at once and for ever. Safe to repeat. Raises NotFound."""
    with tenant.write() as db:
        row = db.scalar(select(ApiKey).where(ApiKey.prefix == key))
        if row is None:
            raise NotFound(f"There is no key {key}.", "see `webchatagent key list TENANT`", code="key_not_found")
        if row.revoked_at is None:
            row.revoked_at = now()
            audit.record(db, actor, "key.revoked", key)
        return _line(row)


def authenticate(platform: Platform, key: str) -> Caller:
    """Who shows a key. Raises KeyRefused; only who knows the secret learns that a key is revoked or over."""
    match = _KEY.fullmatch(key)
    prefix, secret = match.groups() if match else ("", "")
    with system_scope("find the tenant of a key"), platform.database.read() as db:
        row = db.scalar(select(ApiKey).where(ApiKey.prefix == prefix))
    place = _place(row.tenant_id if row else 0, prefix)
    if not platform.secret_box.matches(secret, row.digest if row else _NOBODY, place) or row is None:
        raise KeyRefused("This key is not known.", "send `Authorization: Bearer` with a key of the tenant")
    state = _line(row).state
    if state != "active":
        raise KeyRefused(f"This key is {state}.", "make a new one")
    tenant = load_tenant(platform, tenant_id=row.tenant_id)
    _note_use(tenant, row)
    _digest_anew(tenant, row, secret)
    return Caller(tenant, row.id, row.prefix, frozenset(row.scopes))


def _note_use(tenant: Tenant, row: ApiKey) -> None:
    if row.last_used_at is None or row.last_used_at < now() - timedelta(seconds=USED_SECONDS):
        with tenant.write() as db:
            db.execute(update(ApiKey).where(ApiKey.id == row.id).values(last_used_at=now()))


def _digest_anew(tenant: Tenant, row: ApiKey, secret: str) -> None:
    """A key that was digested with a master key of before gets a digest with the present one when it is used."""
    box = tenant.platform.secret_box
    if row.digest.partition(".")[0] != box.current:
        with tenant.write() as db:
            digest = box.digest(secret, _place(tenant.id, row.prefix))
            db.execute(update(ApiKey).where(ApiKey.id == row.id).values(digest=digest))


def _place(tenant_id: int, prefix: str) -> str:
    """What binds a digest to its row: copied to another tenant or key, it matches nothing."""
    return f"{tenant_id}|api_key|{prefix}"


def _line(row: ApiKey) -> KeyLine:
    return KeyLine(
        row.prefix, row.name, tuple(row.scopes), row.created_at, row.expires_at, row.last_used_at, row.revoked_at
    )
