"""The settings of a workspace: its name, its language, who is responsible, how long conversations are kept."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _

from webchatagent.core.closing import DAYS
from webchatagent.core.errors import WebChatAgentError
from webchatagent.core.notice import CONTROLLER
from webchatagent.core.tenants import change_tenant, tenant_row

from ..fab.session import tenant
from ..fab.views import Page, page
from ..forms import WorkspaceForm
from ..messages import explain
from ..roles import rights


class WorkspacePage(Page):
    """One form; the privacy officer may read it."""

    route_base = "/settings"
    default_view = "show"
    label, icon, menu = _("Settings"), "gear", "workspace"
    rights = rights(read=("owner", "privacy", "operator"))

    @page("/")
    def show(self) -> str:
        """The form."""
        return self._shown(self._form())

    @page("/save", needs="edit", methods=("POST",))
    def save(self) -> Any:
        """Write what was changed."""
        form = self._form()
        if form.validate_on_submit():
            values = {name: (form[name].data or "").strip() for name in CONTROLLER if name != "name"}
            values["name"] = (form.responsible.data or "").strip()
            try:
                change_tenant(
                    tenant(), (form.name.data or "").strip(), form.locale.data, form.retention_days.data, values
                )
            except WebChatAgentError as error:
                wrong = form.retention_days if error.field == "retention_days" else form.name
                wrong.errors = [explain(error)]
            else:
                flash(gettext("Saved."), "success")
                return redirect(url_for(".show"))
        return self._shown(form)

    @staticmethod
    def _form() -> WorkspaceForm:
        row = tenant_row(tenant())
        stored = {k: str(v) for k, v in (row.controller or {}).items()}
        values = {**stored, "responsible": stored.get("name", ""), "name": row.name, "locale": row.locale}
        return WorkspaceForm(data={**values, "retention_days": row.retention_days})

    def _shown(self, form: WorkspaceForm) -> str:
        return self.show_page("wca/workspace.html", form=form, may_edit=self.may("edit"), days=DAYS)
