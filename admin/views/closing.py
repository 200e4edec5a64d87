"""Closing a workspace: what happens then, the date, and the undo."""

from __future__ import annotations

from typing import Any

from flask import flash, g, redirect, request, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from flask_login import current_user

from webchatagent.core.closing import DAYS, reopen_tenant
from webchatagent.core.errors import WebChatAgentError

from .. import members
from ..fab.session import tenant
from ..fab.views import Page, page
from ..leaving import close_workspace
from ..messages import explain
from ..roles import MEMBER_ROLES, rights


class ClosingPage(Page):
    """Everybody of a workspace may read how it stands; an owner closes it, and undoes it within thirty days."""

    route_base = "/closing"
    default_view = "show"
    label = _("Close this workspace")
    rights = rights(read=MEMBER_ROLES, write=("owner",))

    @page("/")
    def show(self) -> str:
        """Before: what would happen. After: the date, and who can undo it."""
        return self._shown()

    @page("/close", needs="edit", methods=("POST",))
    def close(self) -> Any:
        """Close it, when its name was typed."""
        here = tenant()
        if request.form.get("name", "").strip() != here.name:
            return self._shown(gettext("This is not the name of the workspace."))
        try:
            close_workspace(here, current_user.email, request.host_url)
        except WebChatAgentError as error:
            return self._shown(explain(error))
        return redirect(url_for(".show"))

    @page("/undo", needs="edit", methods=("POST",))
    def undo(self) -> Any:
        """Open it again, as it was."""
        try:
            reopen_tenant(tenant())
        except WebChatAgentError as error:
            return self._shown(explain(error))
        flash(gettext("The workspace is open again. Nothing was lost."), "success")
        return redirect(url_for("HomePage.index"))

    def _shown(self, wrong: str = "") -> str:
        here = tenant()
        owners = [m.email for m in members.list_members(here) if m.role == "owner"]
        others = [p for p in g.places if p.tenant_id != here.id]
        closed = here.erase_at is not None
        return self.show_page(
            "wca/closing.html",
            erase_at=here.erase_at,
            alone=closed,
            days=DAYS,
            owners=owners,
            others=others,
            wrong=wrong,
            may_close=self.may("edit"),
        )
