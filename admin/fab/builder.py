"""Puts security, pages and declared views on a Flask app."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Flask
from flask_appbuilder import AppBuilder

from webchatagent.core.admin_views import AdminView

from .filters import patch_fab
from .security import AdminSecurity
from .views import GuardedView, Page, build_view

__all__ = ["Builder", "build_view"]


ORDER = (
    "HomePage",
    "BotsView",
    "ConversationsPage",
    "ContactsView",
    "MarketplacePage",
    "EmbeddingPage",
    "MembersPage",
    "KeysPage",
    "StatisticsPage",
    "PricesPage",
    "PlanPage",
    "UsageView",
    "JobsView",
    "PrivacyNoticePage",
    "RequestsPage",
    "ConsentsView",
    "WithdrawalsPage",
    "DiscardedPage",
    "AuditPage",
    "SupportVisitsView",
    "OutboxPage",
    "WorkspacePage",
    "TenantsPage",
    "PeoplePage",
    "NoticesPage",
    "InstalledPage",
    "RecipientsView",
    "HealthPage",
)
"""The order of the menu; screens of plugins come after these, in their group."""


class Builder(AppBuilder):  # type: ignore[misc]
    """Flask-AppBuilder with our security, our layout and nothing of its own but what the specs ask for."""

    def __init__(
        self,
        app: Flask,
        session: Any,
        pages: Sequence[type[Page]],
        views: Sequence[tuple[str, AdminView, type[GuardedView]]],
    ) -> None:
        patch_fab()
        home = pages[0]
        self.groups: dict[str, str] = {}
        """Menu entry to its group in the menu; see `skin.MENU`."""
        super().__init__(
            app,
            session,
            base_template="wca/layout.html",
            indexview=home,
            security_manager_class=AdminSecurity,
            update_perms=False,
        )
        self.menu.add_link(home.__name__, href=f"{home.__name__}.{home.default_view}", icon=home.icon, label=home.label)
        self.groups[home.__name__] = home.menu
        self.plugins = {view.__name__: plugin for plugin, _, view in views if plugin}
        """View to the plugin that must be on for it."""
        for _, spec, view in views:
            self._add(view, spec.class_name, view.spec.title, spec.icon, spec.group if spec.in_menu else "")
        for page in pages[1:]:
            self._add(page, page.__name__, page.label, page.icon, page.menu)

        self.menu.menu.sort(key=lambda item: ORDER.index(item.name) if item.name in ORDER else len(ORDER))

    def _add(self, view: Any, name: str, label: Any, icon: str, group: str) -> None:
        if group:
            self.groups[name] = group
            self.add_view(view, name, label=label, icon=icon)
        else:
            self.add_view_no_menu(view)

    def _add_admin_views(self) -> None:
        """Only the home page, and what security needs: no `/back`, no locale by GET, no REST of its own."""
        self._indexview = self.add_view_no_menu(self.indexview)
        self.sm.register_views()
