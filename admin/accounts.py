"""People who may log in to the admin: making them, finding them, their passwords. Needs no Flask, so it starts fast.

The table belongs to Flask-AppBuilder; the columns named here are compared with it by a test.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from werkzeug.security import generate_password_hash

from webchatagent.core import audit
from webchatagent.core.db.tenants import Membership
from webchatagent.core.errors import Conflict, InvalidRequest, NotFound
from webchatagent.core.tenancy import system_scope
from webchatagent.core.tenants import Platform, Tenant, ensure_operator, operator_tenant

from .roles import MEMBER_ROLES

USERS = sa.table(
    "ab_user",
    *(
        sa.column(name, kind)
        for name, kind in (  # type: ignore[arg-type]
            ("id", sa.Integer()),
            ("first_name", sa.String()),
            ("last_name", sa.String()),
            ("username", sa.String()),
            ("email", sa.String()),
            ("password", sa.String()),
            ("active", sa.Boolean()),
            ("created_on", sa.DateTime()),
            ("changed_on", sa.DateTime()),
            ("last_login", sa.DateTime()),
            ("session_epoch", sa.Integer()),
            ("is_operator", sa.Boolean()),
            ("locale", sa.String()),
            ("totp", sa.String()),
            ("totp_used", sa.Integer()),
            ("recovery", sa.Text()),
        )
    ),
)
MIN_PASSWORD = 12
MAX_PASSWORD = 256
"""Longer ones only cost time to hash."""


def create_user(
    platform: Platform, email: str, *, tenant: Tenant | None, role: str, password: str | None = None
) -> tuple[int, str]:
    """Make a person with a role in a tenant, or an operator (`tenant` None, `role` operator); returns (id, password).

    A person who exists already gets the role there; their password stays, unless one is given, and comes back empty.
    Without a password a strong one is made. Raises InvalidRequest.
    """
    email = check_email(email)
    if role not in (*MEMBER_ROLES, "operator") or (tenant is None) != (role == "operator"):
        raise InvalidRequest(f"{role!r} is not a role here.", f"use one of: {', '.join(MEMBER_ROLES)}", field="role")
    if tenant is None:
        ensure_operator(platform)
    if password is not None:
        check_password(password)
    known = find_user(platform, email)
    if known is not None:
        user_id, shown = known, password or ""
        if password:
            set_password(platform, known, password)
    else:
        shown = password or new_password()
        user_id = _insert(platform, email, shown)
    _grant(platform, user_id, tenant, role)
    return user_id, shown


def add_person(platform: Platform, email: str, password: str) -> int:
    """Make an account without any tenant, for an address that was proven by a link; returns its id.

    Raises InvalidRequest for a weak password, Conflict when there is such an account.
    """
    check_password(password, email)
    if find_user(platform, email) is not None:
        raise Conflict("There is such an account already.", "sign in", code="account_exists", field="email")
    return _insert(platform, email, password)


def _insert(platform: Platform, email: str, password: str) -> int:
    now = datetime.now(UTC).replace(tzinfo=None)
    row: dict[str, Any] = {
        "first_name": email.split("@")[0][:64],
        "last_name": "",
        "username": email[:128],
        "email": email,
        "password": hash_password(password),
        "active": True,
        "created_on": now,
        "changed_on": now,
        "session_epoch": 1,
        "is_operator": False,
        "locale": "",
    }
    with platform.database.write() as db:
        return int(db.execute(sa.insert(USERS).values(**row).returning(USERS.c.id)).scalar_one())


def _grant(platform: Platform, user_id: int, tenant: Tenant | None, role: str) -> None:
    with system_scope("grant a role in any tenant"), platform.database.write() as db:
        if tenant is None:
            db.execute(sa.update(USERS).where(USERS.c.id == user_id).values(is_operator=True))
            return
        held = db.scalar(sa.select(Membership).where(Membership.user_id == user_id, Membership.tenant_id == tenant.id))
        if held is None:
            db.add(Membership(user_id=user_id, tenant_id=tenant.id, role=role))
        else:
            held.role = role


def find_user(platform: Platform, email: str) -> int | None:
    """The id of the person with this address, whatever its case; None when there is none."""
    wanted = email.strip().lower()
    with platform.database.read() as db:
        return db.scalar(sa.select(USERS.c.id).where(sa.func.lower(USERS.c.email) == wanted))


def set_password(platform: Platform, user_id: int, password: str) -> None:
    """Set a password and end every session of the person. Raises InvalidRequest for a weak one."""
    check_password(password)
    hashed = hash_password(password)
    with operator_tenant(platform).write() as db:
        db.execute(
            sa.update(USERS)
            .where(USERS.c.id == user_id)
            .values(password=hashed, session_epoch=USERS.c.session_epoch + 1)
        )
        audit.record(db, audit.current_actor(), "account.password_changed", f"user:{user_id}")


@dataclass(frozen=True)
class Person:
    """An account, with how many tenants it works in."""

    id: int
    email: str
    active: bool
    is_operator: bool
    last_login: datetime | None
    tenants: int


def list_people(platform: Platform, *, search: str = "", page: int = 0, size: int = 50) -> tuple[Sequence[Person], int]:
    """A page of accounts by address, and how many there are."""
    wanted = [sa.func.lower(USERS.c.email).contains(search.lower(), autoescape=True)] if search else []
    memberships = (
        sa.select(sa.func.count(Membership.id))
        .where(Membership.user_id == USERS.c.id)
        .correlate(USERS)
        .scalar_subquery()
    )
    columns = (USERS.c.id, USERS.c.email, USERS.c.active, USERS.c.is_operator, USERS.c.last_login, memberships)
    with system_scope("count in how many tenants people are"), platform.database.read() as db:
        total = db.scalar(sa.select(sa.func.count(USERS.c.id)).where(*wanted)) or 0
        rows = db.execute(
            sa.select(*columns).where(*wanted).order_by(sa.func.lower(USERS.c.email)).limit(size).offset(page * size)
        )
        people = [
            Person(i, email, bool(active), bool(operator), at.replace(tzinfo=UTC) if at else None, tenants)
            for i, email, active, operator, at, tenants in rows
        ]
    return people, total


def count_active(platform: Platform) -> int:
    """How many accounts are not locked."""
    with platform.database.read() as db:
        return db.scalar(sa.select(sa.func.count(USERS.c.id)).where(USERS.c.active)) or 0


def active_accounts(platform: Platform) -> list[tuple[int, str, str]]:
    """Number, address and language of every account that is not locked."""
    with platform.database.read() as db:
        rows = db.execute(
            sa.select(USERS.c.id, USERS.c.email, USERS.c.locale).where(USERS.c.active).order_by(USERS.c.id)
        )
        return [(number, email.lower(), language or "en") for number, email, language in rows]


def set_active(platform: Platform, user_id: int, active: bool) -> None:
    """Let an account in, or keep it out; every session of it ends. Raises NotFound."""
    with operator_tenant(platform).write() as db:
        done = db.execute(
            sa.update(USERS).where(USERS.c.id == user_id).values(active=active, session_epoch=USERS.c.session_epoch + 1)
        )
        if not getattr(done, "rowcount", 0):
            raise NotFound("There is no such account.", code="account_not_found")
        audit.record(db, audit.current_actor(), "account.unlocked" if active else "account.locked", f"user:{user_id}")


def hash_password(password: str) -> str:
    """The scrypt hash that is stored (about a tenth of a second)."""
    return generate_password_hash(password, method="scrypt", salt_length=16)


def new_password() -> str:
    """A password of 120 random bits, in groups that can be read out: `xxxxx-xxxxx-xxxxx-xxxxx`."""
    letters = "abcdefghijkmnpqrstuvwxyz23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
    return "-".join("".join(secrets.choice(letters) for _ in range(5)) for _ in range(4))


COMMON = ("password", "passwort", "qwert", "12345", "abcde", "letmein", "iloveyou", "webchatagent")
"""What guessers try first; a password must be more than one of these and a few digits."""


def check_password(password: str, email: str = "") -> None:
    """Refuse a password that is too short or too long, all the same, a usual one, or the address. InvalidRequest."""
    plain = password.lower()
    for known in (*COMMON, *(part for part in re.split(r"[@.]", email.lower()) if len(part) > 2)):
        plain = plain.replace(known, "")
    enough = MIN_PASSWORD <= len(password) <= MAX_PASSWORD and len(set(password)) >= 5 and len(plain) >= 6
    if not enough or not password.strip("\0"):
        raise InvalidRequest(
            f"A password has {MIN_PASSWORD} to {MAX_PASSWORD} characters, and is not a usual one.",
            "choose a longer one",
            code="password_weak",
            field="password",
        )


def check_email(email: str) -> str:
    """The address in lower case. Raises InvalidRequest when it cannot be one."""
    email = email.strip().lower()
    name, _, host = email.partition("@")
    if not name or not host or any(c.isspace() for c in email) or "@" in host or len(email) > 128:
        raise InvalidRequest(
            f"{email!r} is not an e-mail address.", "write it as name@host", code="email_wrong", field="email"
        )
    return email
