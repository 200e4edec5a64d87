"""Registering, and choosing a new password: each by a link in a mail, with answers that tell nobody who is here."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from webchatagent.core import audit, mail
from webchatagent.core.db.tenants import Membership, TenantRow
from webchatagent.core.errors import Forbidden, InvalidRequest
from webchatagent.core.tenants import OPERATOR, Platform, Tenant, create_tenant, operator_tenant
from webchatagent.core.texts import LANGUAGES

from . import accounts
from .accounts import USERS, check_email, check_password, find_user
from .links import HOURS, find_link, link_to, make_link, use_link
from .slugs import slug_of


def request_registration(platform: Platform, email: str, language: str, base: str) -> None:
    """Mail a link to go on with, or say there that the address has an account; the caller learns neither.

    Raises InvalidRequest for what is no address, Forbidden where registration is closed.
    """
    check_open(platform)
    _mail_link(platform, "register", check_email(email), language, base)


def request_reset(platform: Platform, email: str, language: str, base: str) -> None:
    """Mail a link to choose a new password, to an address that has an account; the caller does not learn which."""
    _mail_link(platform, "reset", check_email(email), language, base)


def _mail_link(platform: Platform, kind: str, email: str, language: str, base: str) -> None:
    known = find_user(platform, email)
    here = operator_tenant(platform)
    settings = platform.settings
    link_to(settings, base, "/")  # refuses for every address, or for none
    ring: list[str] = []
    with here.write() as db:
        token = make_link(db, kind, email, known or 0)
        if kind == "register" and known is not None:
            ring = mail.post_mail(db, here, "known", email, language, link=link_to(settings, base, "/login/"))
        elif kind == "register" or known is not None:
            link = link_to(settings, base, f"/{kind}/{token}")
            ring = mail.post_mail(db, here, kind, email, language, hours=HOURS[kind], link=link)
    platform.ring(ring)


def check_open(platform: Platform) -> None:
    """Raise Forbidden where only the operator makes tenants."""
    if platform.settings.registration != "open":
        raise Forbidden("Registration is closed here.", "ask the operator", code="registration_closed")


def register(platform: Platform, token: str, company: str, password: str, locale: str) -> tuple[int, Tenant]:
    """Make an account for the address of a link, and its tenant; returns the person's id and the tenant.

    Raises NotFound for a link that ended, InvalidRequest for a weak password or no name, Conflict for an account.
    """
    check_open(platform)
    link = find_link(platform, "register", token)
    company = check_company(company)
    check_password(password, link.email)
    with platform.database.write() as db:
        use_link(db, link)
    return _found(platform, accounts.add_person(platform, link.email, password), company, locale)


def register_verified(platform: Platform, email: str, company: str, locale: str) -> tuple[int, Tenant]:
    """As `register`, for an address that a provider has verified: the caller saw to that. The password is nobody's.

    Raises InvalidRequest for no name, Conflict for an account, Forbidden where registration is closed.
    """
    check_open(platform)
    company = check_company(company)
    return _found(platform, accounts.add_person(platform, check_email(email), accounts.new_password()), company, locale)


def check_company(company: str) -> str:
    """The name in one line. Raises InvalidRequest for none."""
    company = " ".join(company.split())[:200]
    if not company:
        raise InvalidRequest("The company needs a name.", "enter one", code="name_missing", field="company")
    return company


def _found(platform: Platform, user_id: int, company: str, locale: str) -> tuple[int, Tenant]:
    with audit.acting(f"user:{user_id}"):
        made = create_tenant(
            platform, next(_free_slugs(platform, company)), company, locale if locale in LANGUAGES else "en"
        )
        with made.write() as db:
            db.add(Membership(user_id=user_id, tenant_id=made.id, role="owner"))
            audit.record(db, audit.current_actor(), "member.joined", f"user:{user_id}", role="owner")
        with operator_tenant(platform).write() as db:
            audit.record(db, audit.current_actor(), "account.registered", f"user:{user_id}", tenant=made.slug)
    return user_id, made


def _free_slugs(platform: Platform, company: str) -> Iterator[str]:
    base = slug_of(company, "company")
    with platform.database.read() as db:
        taken = set(db.scalars(sa.select(TenantRow.slug).where(TenantRow.slug.startswith(base, autoescape=True))))
    taken.add(OPERATOR)
    yield from (s for s in (base, *(f"{base}-{n}" for n in range(2, 100_000))) if s not in taken)


def reset_password(platform: Platform, token: str, password: str, base: str) -> int:
    """Set a new password by a link, end every session, and say so by mail; returns the person's id.

    Raises NotFound for a link that ended, InvalidRequest for a weak password.
    """
    link = find_link(platform, "reset", token)
    check_password(password, link.email)
    with platform.database.write() as db:
        use_link(db, link)
    with audit.acting(f"user:{link.user_id}"):
        accounts.set_password(platform, link.user_id, password)
    tell_changed(platform, link.user_id, base)
    return link.user_id


def tell_changed(platform: Platform, user_id: int, base: str) -> None:
    """Mail a person that their password was changed, in their language."""
    with platform.database.read() as db:
        email, language = db.execute(sa.select(USERS.c.email, USERS.c.locale).where(USERS.c.id == user_id)).one()
    here = operator_tenant(platform)
    with here.write() as db:
        link = link_to(platform.settings, base, "/reset/")
        ring = mail.post_mail(db, here, "password_changed", email.lower(), language or "en", link=link)
    platform.ring(ring)
