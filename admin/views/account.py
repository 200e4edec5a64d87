"""The person's own page: language, tenant, password."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask import abort, current_app, flash, g, redirect, request, session, url_for
from flask_babel import gettext, refresh
from flask_babel import lazy_gettext as _
from flask_login import current_user
from werkzeug.security import check_password_hash

from webchatagent.core.errors import InvalidRequest

from ..accounts import USERS, set_password
from ..fab.session import release
from ..fab.views import Page, expose, page
from ..forms import PasswordForm
from ..languages import LANGUAGES
from ..messages import explain
from ..roles import rights


class AccountPage(Page):
    """What everybody may do with their own account."""

    route_base = "/account"
    default_view = "show"
    label, icon = _("Your account"), "user"
    rights = rights(write=())

    @page("/", methods=("GET", "POST"))
    def show(self) -> Any:
        """The password form, and what it sends."""
        form = PasswordForm()
        release()
        if form.validate_on_submit():
            if not check_password_hash(current_user.password or "", form.present.data):
                form.present.errors = [gettext("This is not your present password.")]
            elif self._change(form):
                return redirect(url_for("LoginView.login"))
        return self.show_page("wca/account.html", form=form)

    @staticmethod
    def _change(form: PasswordForm) -> bool:
        try:
            set_password(current_app.extensions["wca_platform"], current_user.id, form.new.data)
        except InvalidRequest as error:
            form.new.errors = [explain(error)]
            return False
        flash(gettext("Your password is changed. Please sign in with the new one."), "success")
        return True

    @page("/tenant", methods=("POST",))
    def switch(self) -> Any:
        """Work in another tenant of the person's own; one that is not theirs changes nothing."""
        wanted = request.form.get("tenant", "")
        if wanted.isdigit() and any(p.tenant_id == int(wanted) for p in g.places):
            session["tenant_id"] = int(wanted)
        return redirect(url_for("HomePage.index"))

    @expose("/language", methods=("POST",))
    def language(self) -> Any:
        """Choose the language; for people who are not logged in yet as well."""
        chosen = request.form.get("language", "")
        if chosen not in LANGUAGES:
            abort(404)
        session["locale"] = chosen
        refresh()
        if current_user.is_authenticated:
            db = current_app.extensions["wca_session"]
            db.execute(sa.update(USERS).where(USERS.c.id == current_user.id).values(locale=chosen))
            release()
        back = request.form.get("back", "")
        inside = back.startswith(request.script_root + "/") and "//" not in back.split("?")[0] and "\\" not in back
        return redirect(back if inside else url_for("HomePage.index"))
