"""The health of an installation, for the operator: the same rows as `/readyz` and `webchatagent doctor`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from flask import current_app, url_for
from flask_babel import lazy_gettext as _

from webchatagent.core.jobs import count_jobs, failed_by_tenant
from webchatagent.core.tenants import OPERATOR

from ..fab.session import platform
from ..fab.views import Page, page
from ..roles import rights

KEY = "wca_doctor"


class HealthPage(Page):
    """Every part with its state and its cure, and the jobs of all tenants."""

    route_base = "/health"
    default_view = "show"
    label, icon, menu = _("Health"), "pulse", "installation"
    rights = rights(read=("operator",), write=())

    @page("/")
    def show(self) -> str:
        """Looks anew each time."""
        here = platform()
        look: Callable[[Any], Sequence[Any]] | None = current_app.extensions.get(KEY)
        return self.show_page(
            "wca/health.html",
            rows=[(row, _repair(row)) for row in (look(here) if look else [])],
            jobs=count_jobs(here),
            failed=[(f, _failed_link(f.slug)) for f in failed_by_tenant(here)],
            settings=here.settings,
        )


def _repair(row: Any) -> str:
    """Where a part is repaired; empty when nothing is wrong, or only somebody at the machine can do it."""
    if row.state == "ok":
        return ""
    if row.plugin and row.plugin != "core":
        return url_for("MarketplacePage.show", plugin=row.plugin)
    return url_for("InstalledPage.list") if row.name == "plugins" else ""


def _failed_link(slug: str) -> str:
    """The jobs themselves where they are the operator's own, else the way in for support."""
    if slug == OPERATOR:
        return url_for("JobsView.list", _flt_0_state="failed")
    return url_for("SupportPage.show", slug=slug)
