"""The tenants of an installation, for the operator: who is here, and making one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import flash, redirect, request, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from flask_login import current_user

from webchatagent.core.closing import reopen_tenant
from webchatagent.core.errors import WebChatAgentError
from webchatagent.core.tenant_list import page_tenants
from webchatagent.core.tenants import OPERATOR, create_tenant, load_tenant

from .. import members
from ..accounts import check_email
from ..fab.session import platform
from ..fab.views import Page, page
from ..forms import TenantForm
from ..leaving import close_workspace
from ..messages import explain
from ..paging import Pager
from ..roles import rights

SIZE = 50


class TenantsPage(Page):
    """Figures only: what a tenant's visitors wrote is not the operator's."""

    route_base = "/tenants"
    default_view = "list"
    label, icon, menu = _("Tenants"), "building", "installation"
    rights = rights(read=("operator",), write=("operator",))

    @page("/")
    def list(self) -> str:
        """A page of tenants."""
        return self._shown(TenantForm())

    @page("/add", needs="add", methods=("POST",))
    def add(self) -> Any:
        """Make a tenant, and invite its owner."""
        form = TenantForm()
        if form.validate_on_submit():
            try:
                owner = check_email(form.email.data)
                made = create_tenant(platform(), form.slug.data.strip(), form.name.data.strip(), form.locale.data)
                members.invite_member(made, owner, "owner", inviter=current_user.email, base=request.host_url)
            except WebChatAgentError as error:
                wrong = form.email if error.field == "email" else form.slug
                wrong.errors = [explain(error)]
            else:
                flash(gettext("The tenant is made, and its owner is invited."), "success")
                return redirect(url_for(".list"))
        return self._shown(form)

    @page("/<slug>/close", needs="edit", methods=("POST",))
    def close(self, slug: str) -> Any:
        """Close a tenant; its owners are told by mail, and it is erased after thirty days."""
        found = load_tenant(platform(), slug=slug)
        return self._do(
            lambda: close_workspace(found, current_user.email, request.host_url), gettext("The tenant is closed.")
        )

    @page("/<slug>/reopen", needs="edit", methods=("POST",))
    def reopen(self, slug: str) -> Any:
        """Undo the closing. A tenant whose last owner has left needs the address of a new one."""
        found = load_tenant(platform(), slug=slug)

        def undo() -> None:
            if not any(m.role == "owner" for m in members.list_members(found)):
                email = check_email(request.form.get("email", ""))
                members.invite_member(found, email, "owner", inviter=current_user.email, base=request.host_url)
            reopen_tenant(found)

        return self._do(undo, gettext("The tenant is open again."))

    @staticmethod
    def _do(call: Callable[[], None], said: str) -> Any:
        try:
            call()
        except WebChatAgentError as error:
            flash(explain(error), "danger")
        else:
            flash(said, "success")
        return redirect(url_for(".list"))

    def _shown(self, form: TenantForm) -> str:
        number = Pager.number()
        tenants, total = page_tenants(platform(), page=number, size=SIZE)
        return self.show_page(
            "wca/tenants.html", form=form, tenants=tenants, pager=Pager(number, SIZE, total), own=OPERATOR
        )
