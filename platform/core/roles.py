"""Roles in code: which role may do what on which screen. Nothing about rights is stored but the name of the role."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

MEMBER_ROLES = ("owner", "editor", "agent", "viewer", "privacy")
"""What a member of a tenant can be."""

ROLES = (*MEMBER_ROLES, "operator", "support")
"""`operator` runs the installation and acts in the tenant `platform`; as `support` they visit another tenant for a time.

The others are given by memberships.
"""

VERBS = ("read", "add", "edit", "delete")

Rights = Mapping[str, frozenset[str]]
"""Role to verbs. A role that is not named may do nothing."""


def rights(
    *, read: Iterable[str] = ROLES, write: Iterable[str] = ("owner", "operator"), private: bool = False
) -> dict[str, frozenset[str]]:
    """The usual table: `read` may look, `write` may also add, change and delete. Raises ValueError for other roles.

    Support may what an editor may, and look where an owner may, unless it is `private`: links and keys that let in.
    """
    reading, writing = frozenset(read), frozenset(write)
    if private:
        reading, writing = reading - {"support"}, writing - {"support"}
    elif "editor" in writing:
        writing |= {"support"}
    elif "owner" in reading:
        reading |= {"support"}
    unknown = (reading | writing) - frozenset(ROLES)
    if unknown:
        raise ValueError(f"unknown roles: {sorted(unknown)}")
    return {role: frozenset(VERBS) if role in writing else frozenset({"read"}) for role in reading | writing}
