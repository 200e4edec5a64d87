"""Search by meaning: which embedding model answers, and switching to another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask_babel import format_date, gettext
from flask_babel import lazy_gettext as _

from webchatagent.core import embedding_switch as switch
from webchatagent.core.embedding_switch import SwitchView
from webchatagent.core.errors import WebChatAgentError
from webchatagent.core.tenants import Tenant

from ..fab.session import tenant
from ..fab.views import Page, page
from ..messages import explain
from ..money import money
from ..roles import rights

REGIONS = {"house": _("In the house"), "eu": _("European Union"), "world": _("Outside the European Union")}
STATES = {
    "active": (_("In use"), "good"),
    "filling": (_("Being prepared"), "busy"),
    "stopped": (_("Stopped"), "bad"),
    "kept": (_("Kept"), ""),
    "offered": (_("Available"), ""),
    "forbidden": (_("Not allowed"), "warn"),
}
ERRORS = {
    "model_failed": _("The model failed again and again. Please check its plugin, then go on."),
    "model_gone": _("The model is not offered any more. Please switch on its plugin, then go on."),
}
DONE: dict[str, tuple[Callable[[Tenant], None], Any]] = {
    "cancel": (switch.cancel_switch, _("The switch is cancelled.")),
    "rollback": (switch.roll_back, _("Answers use the former model again.")),
    "discard": (switch.discard_kept, _("The former vectors are being deleted.")),
}
REFRESH_SECONDS = 4


class EmbeddingPage(Page):
    """The models that plugins offer, with progress and cost of a switch."""

    route_base = "/embedding"
    default_view = "show"
    label, icon, menu = _("Search by meaning"), "search", "workspace"
    rights = rights(read=("owner", "editor", "operator"), write=("owner", "operator"))

    @page("/")
    def show(self) -> Any:
        """The models; looks again by itself while one is being prepared."""
        here = tenant()
        found = switch.describe_switch(here)
        manifests = here.platform.registry.manifests
        return self.show_page(
            "wca/embedding.html",
            found=found,
            names={m.plugin: manifests[m.plugin].name for m in found.spaces if m.plugin in manifests},
            regions=REGIONS,
            states=STATES,
            errors=ERRORS,
            refresh=REFRESH_SECONDS if _moving(found) else 0,
            money=lambda amount: money(amount, here.prices.currency),
            days=switch.GRACE_DAYS,
            until=format_date(found.choice.kept_until) if found.choice.kept_until else "",
        )

    @page("/change", needs="edit", methods=("POST",))
    def change(self) -> Any:
        """Switch, cancel, go back, or delete what is kept."""
        do = request.form.get("do", "")
        try:
            if do == "switch":
                switch.choose_space(tenant(), request.form.get("space", ""))
                flash(gettext("The model is being prepared. Answers move over when everything is ready."), "success")
            elif do in DONE:
                run, said = DONE[do]
                run(tenant())
                flash(str(said), "success")
            else:
                abort(404)
        except WebChatAgentError as error:
            flash(explain(error), "danger")
        return redirect(url_for("EmbeddingPage.show"))


def _moving(found: SwitchView) -> bool:
    return bool(found.choice.next) and not found.choice.error
