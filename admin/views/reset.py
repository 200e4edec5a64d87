"""A new password in place of a forgotten one."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, request, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _

from webchatagent.core.errors import InvalidRequest, WebChatAgentError

from .. import registration
from ..fab.security import account_limits
from ..fab.session import platform, release
from ..fab.views import Page, expose
from ..forms import AddressForm, NewPasswordForm
from ..languages import spoken
from ..links import find_link
from ..messages import explain


class ResetPage(Page):
    """Two pages without a log-in: the address, and what the link in the mail leads to."""

    route_base = "/reset"
    default_view = "start"
    label = _("New password")
    limits = account_limits("20 per hour")

    @expose("/", methods=("GET", "POST"))
    def start(self) -> Any:
        """The address. The answer is the same for every address."""
        form = AddressForm()
        release()
        if form.validate_on_submit():
            try:
                registration.request_reset(platform(), form.email.data, spoken(), request.host_url)
            except WebChatAgentError as error:
                form.email.errors = [explain(error)]
            else:
                return self.show_page("wca/mailed.html", email=form.email.data.strip())
        return self.show_page("wca/forgot.html", form=form)

    @expose("/<token>", methods=("GET", "POST"))
    def finish(self, token: str) -> Any:
        """The new password; then the person signs in with it."""
        release()
        find_link(platform(), "reset", token)
        form = NewPasswordForm()
        if form.validate_on_submit():
            try:
                registration.reset_password(platform(), token, form.new.data or "", request.host_url)
            except InvalidRequest as error:
                form.new.errors = [explain(error)]
            else:
                flash(gettext("Your password is changed. Please sign in with the new one."), "success")
                return redirect(url_for("LoginView.login"))
        return self.show_page("wca/new_password.html", form=form)
