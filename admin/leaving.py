"""Closing a workspace, and deleting an account that is the only owner of some. Needs no Flask."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from babel.dates import format_date
from sqlalchemy import delete, select

from webchatagent.core import audit, closing, mail
from webchatagent.core.db.accounts import AccountLink
from webchatagent.core.db.operating import NoticeRecipient
from webchatagent.core.db.tenants import Membership, TenantRow
from webchatagent.core.errors import Conflict
from webchatagent.core.tenancy import system_scope
from webchatagent.core.tenants import Platform, Tenant, load_tenant, operator_tenant

from .accounts import USERS
from .links import link_to
from .members import change_role, list_members

CLOSE = "close"
"""The fate of a workspace that nobody takes over."""


@dataclass(frozen=True)
class OnlyOwned:
    """A workspace whose only owner somebody is, with the members who could take it over."""

    tenant_id: int
    name: str
    heirs: Mapping[int, str]
    """Addresses by the number of the person."""


def close_workspace(tenant: Tenant, actor: str, base: str) -> None:
    """Close a tenant and tell its owners by mail. `actor` is what the mail calls who did it. Raises Forbidden."""
    settings = tenant.platform.settings
    link = link_to(settings, base, "/closing/")
    owners = [m.email for m in list_members(tenant) if m.role == "owner"]
    until = closing.close_tenant(tenant)
    shown = {"company": tenant.name, "actor": actor, "date": format_date(until.date(), "long", locale=tenant.locale)}
    ring: list[str] = []
    with tenant.write() as db:
        for email in owners:
            ring += mail.post_mail(db, tenant, "tenant_closed", email, tenant.locale, link=link, **shown)
    tenant.platform.ring(ring)


def only_owned(platform: Platform, user_id: int) -> Sequence[OnlyOwned]:
    """The open workspaces that nobody else owns; each needs a fate before the account is deleted."""
    mine = select(Membership.tenant_id).where(Membership.user_id == user_id, Membership.role == "owner")
    others = select(Membership.tenant_id).where(Membership.user_id != user_id, Membership.role == "owner")
    wanted = (TenantRow.id.in_(mine), TenantRow.id.not_in(others), TenantRow.erase_at.is_(None))
    with system_scope("find what somebody owns alone"), platform.database.read() as db:
        owned = db.execute(select(TenantRow.id, TenantRow.name).where(*wanted).order_by(TenantRow.name, TenantRow.id))
        names = dict(owned.all())
        members = db.execute(
            select(Membership.tenant_id, Membership.user_id, USERS.c.email)
            .join(USERS, USERS.c.id == Membership.user_id)
            .where(Membership.tenant_id.in_(names), Membership.user_id != user_id)
            .order_by(sa.func.lower(USERS.c.email))
        ).all()
    return [OnlyOwned(i, name, {user: email for t, user, email in members if t == i}) for i, name in names.items()]


def delete_account(platform: Platform, user_id: int, fates: Mapping[int, str] | None = None, base: str = "") -> None:
    """Delete a person's account with their memberships.

    `fates` says for each workspace that they own alone who takes it over, by the number of the member, or `close`.
    Raises Conflict with the code `last_owner` when one lacks a fate that is possible; nothing is changed then. What they
    did stays in the audit trails, under a number that leads to nobody any more.
    """
    fates = fates or {}
    owned = only_owned(platform, user_id)
    for one in owned:
        if fates.get(one.tenant_id) not in (CLOSE, *map(str, one.heirs)):
            raise Conflict("A workspace needs an owner.", "hand it over, or close it", code="last_owner")
    with platform.database.read() as db:
        email = (db.scalar(sa.select(USERS.c.email).where(USERS.c.id == user_id)) or "").lower()
    for one in owned:
        here, fate = load_tenant(platform, tenant_id=one.tenant_id), fates[one.tenant_id]
        if fate == CLOSE:
            close_workspace(here, email, base)
        else:
            change_role(here, int(fate), "owner")
    with operator_tenant(platform).write() as db:
        with system_scope("a person's memberships are of many tenants"):
            db.execute(delete(Membership).where(Membership.user_id == user_id))
        db.execute(delete(AccountLink).where(AccountLink.email == email))
        db.execute(delete(NoticeRecipient).where(NoticeRecipient.user_id == user_id))
        db.execute(sa.delete(USERS).where(USERS.c.id == user_id))  # with what they linked, by the foreign key
        mail.erase_mails(db, email)
        audit.record(db, audit.current_actor(), "account.deleted", f"user:{user_id}")
    platform.database.forget_deleted()
