"""What was deleted a few days ago and can be brought back: bots and sources."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _

from webchatagent.core import discarded
from webchatagent.core.errors import NotFound

from ..fab.session import tenant
from ..fab.views import Page, page
from ..roles import rights

WRITERS = ("owner", "editor", "operator")


class DiscardedPage(Page):
    """A mistake is undone here; what is wanted gone now, too."""

    route_base = "/deleted"
    default_view = "list"
    label, icon, menu = _("Recently deleted"), "trash", "workspace"
    rights = rights(read=WRITERS, write=WRITERS)

    @page("/")
    def list(self) -> str:
        """Bots and sources, the latest first."""
        return self.show_page(
            "wca/discarded.html",
            rows=discarded.list_discarded(tenant()),
            days=discarded.DAYS,
            may_edit=self.may("edit"),
        )

    @page("/<kind>/<int:number>/restore", needs="edit", methods=("POST",))
    def restore(self, kind: str, number: int) -> Any:
        """Bring one back."""
        if kind == "bot":
            discarded.restore_bot(tenant(), number)
            flash(gettext("The bot is back, with its sources and conversations."), "success")
            return redirect(url_for("BotsView.show", pk=number))
        if kind != "source":
            raise NotFound("There is nothing of this kind.")
        bot_id = discarded.restore_source(tenant(), number)
        flash(gettext("The source is back. Its documents are being indexed again."), "success")
        return redirect(url_for("SourcesPage.list", bot_id=bot_id))

    @page("/<kind>/<int:number>/erase", needs="delete", methods=("POST",))
    def erase(self, kind: str, number: int) -> Any:
        """Delete one for good, now."""
        discarded.delete_discarded(tenant(), kind, number)
        flash(gettext("It is deleted for good."), "success")
        return redirect(url_for(".list"))
