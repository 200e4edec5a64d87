"""The members of a tenant: who they are, their one role, inviting and removing them. Needs no Flask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy import delete, func, select

from webchatagent.core import audit, mail
from webchatagent.core.clock import now
from webchatagent.core.db.accounts import Invitation
from webchatagent.core.db.tenants import Membership, TenantRow
from webchatagent.core.entitlements import check_room
from webchatagent.core.errors import Conflict, InvalidRequest, NotFound
from webchatagent.core.tenancy import TenantSession, system_scope
from webchatagent.core.tenants import Platform, Tenant, load_tenant
from webchatagent.core.texts import say

from .accounts import USERS, check_email, find_user
from .links import hash_token, link_over, link_to, new_token
from .roles import MEMBER_ROLES

DAYS = 7
"""How long an invitation holds."""
MOST_OPEN = 100
"""Invitations of one tenant that may be open at a time, so that nobody mails the world from here."""


@dataclass(frozen=True)
class Member:
    """A person in a tenant. `last_login` is None for somebody who never came."""

    user_id: int
    email: str
    role: str
    since: datetime
    last_login: datetime | None


def list_members(tenant: Tenant) -> list[Member]:
    """The tenant's people, by address."""
    with tenant.read() as db:
        rows = db.execute(
            select(Membership.user_id, USERS.c.email, Membership.role, Membership.created_at, USERS.c.last_login)
            .join(USERS, USERS.c.id == Membership.user_id)
            .where(Membership.tenant_id == tenant.id)
            .order_by(func.lower(USERS.c.email))
        )
        return [
            Member(i, email, role, at, last.replace(tzinfo=UTC) if last else None) for i, email, role, at, last in rows
        ]


def list_invitations(tenant: Tenant) -> Sequence[Invitation]:
    """The open invitations, the latest first."""
    with tenant.read() as db:
        return list(db.scalars(select(Invitation).where(Invitation.expires_at >= now()).order_by(Invitation.id.desc())))


def invite_member(tenant: Tenant, email: str, role: str, *, inviter: str, base: str) -> Invitation:
    """Invite an address by mail; an open invitation of the same address ends. `base` is this server's address.

    Raises InvalidRequest for a wrong address or role, Conflict for somebody who is a member.
    """
    email = check_email(email)
    _check_role(role)
    known = find_user(tenant.platform, email)
    token, kept = new_token()
    with tenant.write() as db:
        if known is not None and _membership(db, tenant, known) is not None:
            raise Conflict("This person is a member already.", code="member_already", field="email")
        db.execute(delete(Invitation).where(Invitation.email == email))
        check_room(db, tenant, "members")
        if (db.scalar(select(func.count(Invitation.id)).where(Invitation.expires_at >= now())) or 0) >= MOST_OPEN:
            raise Conflict("There are too many open invitations.", "withdraw some", code="too_many_invitations")
        row = Invitation(email=email, role=role, token_hash=kept, expires_at=now() + timedelta(days=DAYS))
        db.add(row)
        ring = mail.post_mail(
            db,
            tenant,
            "invitation",
            email,
            tenant.locale,
            inviter=inviter,
            company=tenant.name,
            role=say(f"role_{role}", tenant.locale),
            days=DAYS,
            link=link_to(tenant.platform.settings, base, f"/invitation/{token}"),
        )
        db.flush()
        audit.record(db, audit.current_actor(), "member.invited", f"invitation:{row.id}", role=role)
    tenant.platform.ring(ring)
    return row


def withdraw_invitation(tenant: Tenant, invitation_id: int) -> None:
    """End an open invitation. Raises NotFound."""
    with tenant.write() as db:
        done = db.execute(delete(Invitation).where(Invitation.id == invitation_id))
        if not getattr(done, "rowcount", 0):
            raise NotFound("There is no such invitation.", code="invitation_not_found")
        audit.record(db, audit.current_actor(), "invitation.withdrawn", f"invitation:{invitation_id}")


def find_invitation(platform: Platform, token: str) -> tuple[Tenant, Invitation]:
    """The tenant and invitation of a link. Raises NotFound with the code `link_over`."""
    with system_scope("find an invitation by its link"), platform.database.read() as db:
        row = db.scalar(select(Invitation).where(Invitation.token_hash == hash_token(token)))
    if row is None or row.expires_at < now():
        raise link_over()
    return load_tenant(platform, tenant_id=row.tenant_id), row


def invitation_of(platform: Platform, email: str) -> tuple[Tenant, Invitation] | None:
    """The latest open invitation of an address that somebody has proven to be theirs; None without one."""
    with system_scope("find an invitation by its address"), platform.database.read() as db:
        row = db.scalar(
            select(Invitation)
            .join(TenantRow, TenantRow.id == Invitation.tenant_id)
            .where(Invitation.email == email.lower(), Invitation.expires_at >= now(), TenantRow.erase_at.is_(None))
            .order_by(Invitation.id.desc())
            .limit(1)
        )
    return (load_tenant(platform, tenant_id=row.tenant_id), row) if row is not None else None


def accept_invitation(tenant: Tenant, invitation_id: int, user_id: int) -> None:
    """Make a person a member, and use the invitation up. A member keeps the role they have. Raises NotFound."""
    with tenant.write() as db:
        row = db.get(Invitation, invitation_id)
        if row is None or row.expires_at < now():
            raise link_over()
        if _membership(db, tenant, user_id) is None:
            db.add(Membership(user_id=user_id, tenant_id=tenant.id, role=row.role))
            audit.record(db, f"user:{user_id}", "member.joined", f"user:{user_id}", role=row.role)
        db.delete(row)


def change_role(tenant: Tenant, user_id: int, role: str) -> None:
    """Give a member another role. Raises NotFound, InvalidRequest, and Conflict for the only owner."""
    _check_role(role)
    with tenant.write() as db:
        held = _member(db, tenant, user_id)
        if held.role == role:
            return
        _keep_an_owner(db, tenant, held)
        before, held.role = held.role, role
        audit.record(
            db, audit.current_actor(), "member.role_changed", f"user:{user_id}", **{"from": before, "to": role}
        )


def remove_member(tenant: Tenant, user_id: int) -> None:
    """Take a person out of the tenant; their account stays. Raises NotFound, and Conflict for the only owner."""
    with tenant.write() as db:
        held = _member(db, tenant, user_id)
        _keep_an_owner(db, tenant, held)
        db.delete(held)
        audit.record(db, audit.current_actor(), "member.removed", f"user:{user_id}", role=held.role)


def _check_role(role: str) -> None:
    if role not in MEMBER_ROLES:
        raise InvalidRequest(f"{role!r} is not a role here.", f"use one of: {', '.join(MEMBER_ROLES)}", field="role")


def _membership(db: TenantSession, tenant: Tenant, user_id: int) -> Membership | None:
    return db.scalar(select(Membership).where(Membership.tenant_id == tenant.id, Membership.user_id == user_id))


def _member(db: TenantSession, tenant: Tenant, user_id: int) -> Membership:
    held = _membership(db, tenant, user_id)
    if held is None:
        raise NotFound("There is no such member.", code="member_not_found")
    return held


def _keep_an_owner(db: TenantSession, tenant: Tenant, held: Membership) -> None:
    """Refuse to take the last owner away: nobody could run the tenant any more."""
    owners = db.scalar(
        select(func.count(Membership.id)).where(Membership.tenant_id == tenant.id, Membership.role == "owner")
    )
    if held.role == "owner" and (owners or 0) < 2:
        raise Conflict("A workspace needs an owner.", "make somebody else an owner first", code="last_owner")


def emails_of(platform: Platform, user_ids: Sequence[int]) -> dict[int, str]:
    """The addresses of people, for pages that name who did something."""
    with platform.database.read() as db:
        rows = db.execute(sa.select(USERS.c.id, USERS.c.email).where(USERS.c.id.in_(user_ids)))
        return dict(rows.all())
