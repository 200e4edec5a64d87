"""Service notices: what the operator mails to every active account."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, url_for
from flask_babel import gettext, ngettext
from flask_babel import lazy_gettext as _

from webchatagent.core import servicenotices
from webchatagent.core.errors import WebChatAgentError
from webchatagent.core.texts import LANGUAGES

from .. import accounts
from ..fab.session import platform, tenant
from ..fab.views import Page, page
from ..forms import NoticeForm
from ..languages import spoken
from ..messages import explain
from ..roles import rights

STATES = {"draft": (_("Draft"), ""), "sending": (_("On its way"), "busy"), "sent": (_("Sent"), "good")}


class NoticesPage(Page):
    """Write, read again, send once. Whoever has an account gets it; it is about the service and no newsletter."""

    route_base = "/notices"
    default_view = "list"
    label, icon, menu = _("Service notices"), "mail", "installation"
    rights = rights(read=("operator",), write=("operator",))

    @page("/")
    def list(self) -> str:
        """The notices with their progress, and the form of a new one."""
        return self._shown(NoticeForm())

    @page("/add", needs="add", methods=("POST",))
    def add(self) -> Any:
        """Keep a draft."""
        form = NoticeForm()
        if form.validate_on_submit():
            texts = {c: {part: form[f"{part}_{c}"].data or "" for part in ("subject", "body")} for c in LANGUAGES}
            try:
                servicenotices.write_notice(tenant(), texts)
            except WebChatAgentError as error:
                form[error.field].errors = [explain(error)]
            else:
                flash(gettext("The draft is kept. Read it again, then send it."), "success")
                return redirect(url_for(".list"))
        return self._shown(form)

    @page("/<int:notice_id>/send", needs="edit", methods=("POST",))
    def send(self, notice_id: int) -> Any:
        """Send a draft to every active account."""
        try:
            people = servicenotices.begin_notice(tenant(), notice_id, accounts.active_accounts(platform()))
        except WebChatAgentError as error:
            if error.status == 404:
                raise
            flash(explain(error), "danger")
        else:
            flash(ngettext("It goes to %(num)d account.", "It goes to %(num)d accounts.", people), "success")
        return redirect(url_for(".list"))

    @page("/<int:notice_id>/delete", needs="delete", methods=("POST",))
    def delete(self, notice_id: int) -> Any:
        """Delete a draft."""
        servicenotices.drop_notice(tenant(), notice_id)
        flash(gettext("The draft is deleted."), "success")
        return redirect(url_for(".list"))

    def _shown(self, form: NoticeForm) -> str:
        return self.show_page(
            "wca/notices.html",
            form=form,
            notices=servicenotices.list_notices(tenant()),
            states=STATES,
            people=accounts.count_active(platform()),
            spoken=spoken(),
        )
