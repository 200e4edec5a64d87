"""Signing in at another company: the methods that plugins offer, and whose account a person there enters.

Needs no Flask. The table belongs to Flask-AppBuilder's models; a test compares the columns named here with it.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from webchatagent.core import audit, mail
from webchatagent.core.egress import calling
from webchatagent.core.errors import Conflict, NotFound, WebChatAgentError
from webchatagent.core.login import Identity, LoginFailed, LoginMethod
from webchatagent.core.tenants import Platform, Tenant, operator_tenant

from .accounts import USERS, check_email
from .links import HOURS, link_to, make_link

log = logging.getLogger(__name__)
EXTERNAL = sa.table(
    "external_login",
    *(
        sa.column(name, kind)
        for name, kind in (  # type: ignore[arg-type]
            ("user_id", sa.Integer()),
            ("provider", sa.String()),
            ("issuer", sa.String()),
            ("subject", sa.String()),
            ("email", sa.String()),
            ("name", sa.String()),
            ("picture", sa.String()),
            ("created_at", sa.DateTime()),
        )
    ),
)


@dataclass(frozen=True)
class Way:
    """A method as the pages show it: its key (`<plugin>-<id>`), the provider's name, the linked address or None."""

    key: str
    label: str
    email: str | None = None


def _methods(here: Tenant) -> dict[str, tuple[str, LoginMethod]]:
    return {f"{plugin}-{m.id}": (plugin, m) for plugin, m in here.hooks.each("login_methods", tenant=here)}


def list_ways(platform: Platform, user_id: int | None = None) -> list[Way]:
    """What is switched on, by the name of the provider; for a person with what they linked."""
    found = _methods(operator_tenant(platform))
    linked: dict[str, str] = {}
    if user_id is not None:
        with platform.database.read() as db:
            rows = db.execute(sa.select(EXTERNAL.c.provider, EXTERNAL.c.email).where(EXTERNAL.c.user_id == user_id))
            linked = dict(rows.all())
    ways = [Way(key, method.label, linked.pop(key, None)) for key, (_, method) in found.items()]
    gone = [Way(key, key, email) for key, email in linked.items()]
    """Links whose plugin is off now: they can still be taken away."""
    return sorted(ways, key=lambda w: w.label) + gone


def _method(platform: Platform, key: str) -> tuple[Tenant, str, LoginMethod]:
    here = operator_tenant(platform)
    try:
        return (here, *_methods(here)[key])
    except KeyError:
        raise NotFound("There is no such way to sign in.", code="not_found") from None


@contextlib.contextmanager
def _asking(plugin: str, here: Tenant) -> Iterator[None]:
    """Run a plugin's code; whatever it raises becomes a LoginFailed, so that it harms nobody."""
    try:
        with calling(plugin, here):
            yield
    except WebChatAgentError:
        raise
    except Exception:  # a plugin's code: it may fail in any way
        log.exception("plugin %s failed in a sign-in", plugin)
        raise LoginFailed("odd", "The sign-in failed.") from None


def begin(platform: Platform, key: str, base: str) -> tuple[str, dict[str, str]]:
    """Where to send a person, and what their session keeps meanwhile. Raises NotFound, LoginFailed."""
    here, plugin, method = _method(platform, key)
    with _asking(plugin, here):
        return method.begin(link_to(platform.settings, base, f"/sign-in/{key}/back"))


def finish(platform: Platform, key: str, params: Mapping[str, str], kept: Mapping[str, str]) -> Identity:
    """Who came back. Raises NotFound, LoginFailed."""
    here, plugin, method = _method(platform, key)
    with _asking(plugin, here):
        return method.finish(params, kept)


def owner_of(platform: Platform, key: str, identity: Identity) -> int | None:
    """The person who linked this identity; what the provider says of them now is kept instead of what it said."""
    mine = (
        EXTERNAL.c.provider == key,
        EXTERNAL.c.issuer == identity.issuer,
        EXTERNAL.c.subject == identity.subject,
    )
    with platform.database.write() as db:
        found = db.scalar(sa.select(EXTERNAL.c.user_id).where(*mine))
        if found is not None:
            db.execute(sa.update(EXTERNAL).where(*mine).values(**_shown(identity)))
    return found


def _shown(identity: Identity) -> dict[str, str]:
    return {"email": identity.email, "name": identity.name, "picture": identity.picture}


def check_verified(identity: Identity) -> None:
    """Raise LoginFailed (`login_unverified`) unless the provider vouches for an address that can be one."""
    if not identity.email_verified or not identity.email or check_email(identity.email) != identity.email.lower():
        raise LoginFailed("unverified", "The provider has not verified the address.", "verify it there")


def link(platform: Platform, user_id: int, key: str, identity: Identity) -> None:
    """Let a person enter their account with an identity; the caller has proven that both are theirs.

    Raises LoginFailed for an address that is not verified, Conflict when either of the two is linked already.
    """
    check_verified(identity)
    values = {"issuer": identity.issuer, "subject": identity.subject, **_shown(identity)}
    created = datetime.now(UTC).replace(tzinfo=None)
    try:
        with operator_tenant(platform).write() as db:
            db.execute(sa.insert(EXTERNAL).values(user_id=user_id, provider=key, created_at=created, **values))
            audit.record(db, f"user:{user_id}", "account.login_linked", f"user:{user_id}", method=key)
    except IntegrityError:
        raise Conflict("This sign-in is linked already.", "unlink it first", code="login_taken") from None


def unlink(platform: Platform, user_id: int, key: str) -> None:
    """Take a link away, and what came with it; without one nothing happens."""
    with operator_tenant(platform).write() as db:
        done = db.execute(sa.delete(EXTERNAL).where(EXTERNAL.c.user_id == user_id, EXTERNAL.c.provider == key))
        if getattr(done, "rowcount", 0):
            audit.record(db, f"user:{user_id}", "account.login_unlinked", f"user:{user_id}", method=key)


def mail_proof(platform: Platform, user_id: int, label: str, language: str, base: str) -> str:
    """Mail a person a link that proves that the account is theirs; returns their address."""
    here = operator_tenant(platform)
    with platform.database.read() as db:
        email = str(db.scalar(sa.select(USERS.c.email).where(USERS.c.id == user_id))).lower()
    with here.write() as db:
        token = make_link(db, "sign_in", email, user_id)
        address = link_to(platform.settings, base, f"/sign-in/confirm/{token}")
        ring = mail.post_mail(
            db, here, "sign_in", email, language, provider=label, hours=HOURS["sign_in"], link=address
        )
    platform.ring(ring)
    return email


def as_dict(identity: Identity) -> dict[str, Any]:
    """An identity for a session."""
    return asdict(identity)
