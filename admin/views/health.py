"""The health of an installation, for the operator: the same rows as `/readyz` and `webchatagent doctor`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from flask import current_app
from flask_babel import lazy_gettext as _

from webchatagent.core.jobs import count_jobs

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
        look: Callable[[Any], Sequence[Any]] | None = current_app.extensions.get(KEY)
        return self.show_page(
            "wca/health.html",
            rows=look(platform()) if look else [],
            jobs=count_jobs(platform()),
            settings=platform().settings,
        )
