"""Roles as Flask-AppBuilder wants them."""

from __future__ import annotations

from collections.abc import Iterable

from webchatagent.core.roles import MEMBER_ROLES, ROLES, VERBS, Rights, rights

__all__ = ["MEMBER_ROLES", "ROLES", "VERBS", "Rights", "fab_roles", "rights"]


def fab_roles(views: Iterable[tuple[str, str, Rights]]) -> dict[str, list[list[str]]]:
    """`FAB_ROLES` from (class name, menu name, rights) of every view.

    Flask-AppBuilder matches with `re.match`, which is a prefix; so each pattern ends with `$`.
    """
    table: dict[str, list[list[str]]] = {role: [] for role in ROLES}
    for name, menu, granted in views:
        for role, verbs in granted.items():
            if verbs:
                table[role].append([f"{name}$", f"can_({'|'.join(sorted(verbs))})$"])
            if "read" in verbs:
                table[role].append([f"{menu}$", "menu_access$"])
    return table
