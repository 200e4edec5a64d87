"""Registering a company: an address, a link in a mail, a name and a password."""

from __future__ import annotations

from typing import Any

from flask import abort, redirect, request, session, url_for
from flask_babel import lazy_gettext as _
from flask_login import current_user

from webchatagent.core.errors import WebChatAgentError

from .. import registration
from ..fab.security import account_limits, start_session
from ..fab.session import platform, release
from ..fab.views import Page, expose
from ..forms import AddressForm, CompanyForm
from ..languages import spoken
from ..links import find_link
from ..messages import explain


class RegisterPage(Page):
    """Three pages without a log-in: the address, a word that a mail is on its way, and what the link leads to."""

    route_base = "/register"
    default_view = "start"
    label = _("Register")
    limits = account_limits("20 per hour")

    @expose("/", methods=("GET", "POST"))
    def start(self) -> Any:
        """The address. Whether it is known is said in the mail only."""
        registration.check_open(platform())
        if current_user.is_authenticated:
            return redirect(url_for("HomePage.index"))
        form = AddressForm()
        release()
        if form.validate_on_submit():
            try:
                registration.request_registration(platform(), form.email.data, spoken(), request.host_url)
            except WebChatAgentError as error:
                form.email.errors = [explain(error)]
            else:
                return self.show_page("wca/mailed.html", email=form.email.data.strip())
        return self.show_page("wca/register.html", form=form)

    @expose("/<token>", methods=("GET", "POST"))
    def finish(self, token: str) -> Any:
        """Name and password, then the new workspace."""
        release()
        if current_user.is_authenticated:
            abort(404)
        registration.check_open(platform())
        email = find_link(platform(), "register", token).email
        form = CompanyForm()
        if form.validate_on_submit():
            try:
                user_id, made = registration.register(
                    platform(), token, form.company.data, form.new.data or "", form.locale.data
                )
            except WebChatAgentError as error:
                target = form.company if error.field == "company" else form.new
                target.errors = [explain(error)]
                if error.status == 404:
                    raise
            else:
                start_session(user_id)
                session["tenant_id"] = made.id
                session["locale"] = form.locale.data
                return redirect(url_for("HomePage.index"))
        return self.show_page("wca/company.html", form=form, email=email)
