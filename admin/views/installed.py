"""Plugins that the operator switches, for all workspaces: how each stands, and the way to its settings."""

from __future__ import annotations

from flask_babel import lazy_gettext as _

from webchatagent.core import marketplace, plugins

from ..fab.session import tenant
from ..fab.views import Page, page
from ..languages import spoken
from ..roles import rights
from .marketplace import STATES, reason_of


class InstalledPage(Page):
    """A list; each is set, tried and switched on its own page of the marketplace."""

    route_base = "/plugins"
    default_view = "list"
    label, icon, menu = _("Plugins for all"), "shop", "installation"
    rights = rights(read=("operator",), write=())

    @page("/")
    def list(self) -> str:
        """Those that the operator switches, and those that could not be loaded."""
        here = tenant()
        return self.show_page(
            "wca/installed.html",
            rows=[
                (offer, offer.manifest.words(spoken()), plugins.may_switch(here, offer.manifest))
                for offer in marketplace.list_offers(here)
                if offer.by_operator
            ],
            broken=marketplace.list_broken(here),
            reason_of=reason_of,
            states=STATES,
        )
