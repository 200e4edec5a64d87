"""Roles in code: which role may do what on which screen. Nothing about rights is stored but the name of the role."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

ROLES = ("owner", "editor", "agent", "viewer", "privacy", "operator")
"""`operator` runs the installation and acts in the tenant `platform`; the others are given by memberships."""

MEMBER_ROLES = ROLES[:-1]
"""What a member of a tenant can be."""

VERBS = ("read", "add", "edit", "delete")

Rights = Mapping[str, frozenset[str]]
"""Role to verbs. A role that is not named may do nothing."""


def rights(*, read: Iterable[str] = ROLES, write: Iterable[str] = ("owner", "operator")) -> dict[str, frozenset[str]]:
    """The usual table: `read` may look, `write` may also add, change and delete. Raises ValueError for other roles."""
    reading, writing = frozenset(read), frozenset(write)
    unknown = (reading | writing) - frozenset(ROLES)
    if unknown:
        raise ValueError(f"unknown roles: {sorted(unknown)}")
    return {role: frozenset(VERBS) if role in writing else frozenset({"read"}) for role in reading | writing}
