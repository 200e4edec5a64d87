"""Support: an operator enters a tenant with a reason and for a time; either side ends it."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, session, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from flask_login import current_user

from webchatagent.core import mail, support
from webchatagent.core.errors import WebChatAgentError
from webchatagent.core.tenants import Tenant, load_tenant

from .. import members
from ..fab.session import platform, role, tenant
from ..fab.views import Page, page
from ..formats import clock_time
from ..forms import VisitForm
from ..messages import explain

RIGHTS = {
    "operator": frozenset({"read", "add"}),
    "owner": frozenset({"edit"}),
    "privacy": frozenset({"edit"}),
    "support": frozenset({"edit"}),
}


class SupportPage(Page):
    """The operator begins a visit; the visitor, an owner or the privacy officer ends it."""

    route_base = "/support"
    default_view = "show"
    label = _("Support")
    rights = RIGHTS

    @page("/<slug>")
    def show(self, slug: str) -> str:
        """Why, and for how long."""
        return self._shown(load_tenant(platform(), slug=slug), VisitForm())

    @page("/<slug>/begin", needs="add", methods=("POST",))
    def begin(self, slug: str) -> Any:
        """Enter the tenant. Its owners are told by mail."""
        there, form = load_tenant(platform(), slug=slug), VisitForm()
        if form.validate_on_submit():
            try:
                visit = support.begin_visit(
                    there, current_user.id, current_user.email, form.reason.data, int(form.minutes.data)
                )
            except WebChatAgentError as error:
                form.reason.errors = [explain(error)]
            else:
                _tell(there, visit)
                session["tenant_id"] = there.id
                return redirect(url_for("HomePage.index"))
        return self._shown(there, form)

    @page("/end", needs="edit", methods=("POST",))
    def end(self) -> Any:
        """End the visit; people of the tenant end all of them."""
        mine = current_user.id if role() == "support" else 0
        if support.end_visits(tenant(), mine):
            flash(gettext("The visit of support has ended."), "success")
        if mine:
            session.pop("tenant_id", None)
        return redirect(url_for("HomePage.index"))

    def _shown(self, there: Tenant, form: VisitForm) -> str:
        return self.show_page("wca/support.html", there=there, form=form)


def _tell(there: Tenant, visit: Any) -> None:
    """Mail the owners who is here, until when and why."""
    ring: list[str] = []
    with there.write() as db:
        for email in [m.email for m in members.list_members(there) if m.role == "owner"]:
            shown = {"operator": visit.operator, "reason": visit.reason, "company": there.name}
            until = clock_time(visit.until, there.locale)
            ring += mail.post_mail(db, there, "support", email, there.locale, until=until, **shown)
    platform().ring(ring)
