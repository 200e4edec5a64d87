"""The person's own page: language, tenant, password."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import segno
import sqlalchemy as sa
from flask import abort, current_app, flash, g, redirect, request, session, url_for
from flask_babel import gettext, refresh
from flask_babel import lazy_gettext as _
from flask_login import current_user
from werkzeug.security import check_password_hash

from webchatagent.core.closing import DAYS
from webchatagent.core.errors import InvalidRequest, WebChatAgentError

from .. import members, totp
from ..accounts import USERS, check_password, set_password
from ..external import list_ways
from ..fab.session import platform, release, role, tenant
from ..fab.views import Page, expose, page, to_login
from ..forms import CodeForm, PasswordForm
from ..languages import LANGUAGES
from ..leaving import CLOSE, delete_account, only_owned
from ..messages import explain
from ..registration import tell_changed
from ..roles import MEMBER_ROLES, rights


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
        return self.show_page(
            "wca/account.html",
            form=form,
            ways=list_ways(platform(), current_user.id),
            owned=only_owned(platform(), current_user.id),
            fate_close=CLOSE,
            days=DAYS,
            member=role() in MEMBER_ROLES,
        )

    @page("/second-step", methods=("GET", "POST"))
    def second_step(self) -> Any:
        """Choose the second step: scan a code, and prove that it works."""
        if current_user.totp:
            return redirect(url_for(".show"))
        form = CodeForm()
        release()
        secret = session.setdefault("new_totp", totp.new_secret())
        if form.validate_on_submit():
            if totp.match(secret, "".join(form.code.data.split())):
                session.pop("new_totp")
                codes = totp.enrol(platform(), current_user.id, secret)
                session["epoch"] = current_user.session_epoch + 1
                return self.show_page("wca/spare_codes.html", codes=codes)
            form.code.errors = [gettext("This code is not right. Is the clock of your phone right?")]
        picture = segno.make(totp.address_for(secret, current_user.email)).svg_data_uri(scale=5, border=2)
        return self.show_page("wca/second_step.html", form=form, secret=secret, picture=picture)

    @page("/second-step/off", methods=("POST",))
    def second_step_off(self) -> Any:
        """Give the second step up, with the password as proof."""
        release()
        if check_password_hash(current_user.password or "", request.form.get("present", "")[:256]):
            totp.withdraw(platform(), current_user.id)
            session["epoch"] = current_user.session_epoch + 1
            flash(gettext("The second step is off."), "success")
        else:
            flash(gettext("This is not your present password."), "danger")
        return redirect(url_for(".show"))

    @page("/leave", methods=("POST",))
    def leave(self) -> Any:
        """Leave the workspace of this request."""
        try:
            members.remove_member(tenant(), current_user.id)
        except WebChatAgentError as error:
            flash(explain(error), "danger")
            return redirect(url_for(".show"))
        session.pop("tenant_id", None)
        return redirect(url_for("HomePage.index"))

    @expose("/delete", methods=("POST",))
    def delete(self) -> Any:
        """Delete the account, with the password as proof; the only owner of a workspace hands it over, or closes it."""
        release()
        if not current_user.is_authenticated:
            return to_login()
        if not check_password_hash(current_user.password or "", request.form.get("present", "")[:256]):
            flash(gettext("This is not your present password."), "danger")
            return redirect(url_for(".show"))
        try:
            delete_account(platform(), current_user.id, _fates(request.form), request.host_url)
        except WebChatAgentError as error:
            flash(explain(error), "danger")
            return redirect(url_for(".show"))
        session.clear()
        flash(gettext("Your account is deleted."), "success")
        return redirect(url_for("LoginView.login"))

    @staticmethod
    def _change(form: PasswordForm) -> bool:
        try:
            check_password(form.new.data, current_user.email)
            set_password(platform(), current_user.id, form.new.data)
        except InvalidRequest as error:
            form.new.errors = [explain(error)]
            return False
        tell_changed(platform(), current_user.id, request.host_url)
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


def _fates(form: Mapping[str, str]) -> dict[int, str]:
    """What shall become of the workspaces that a person owns alone: fields `fate_<number>`."""
    chosen = {name.removeprefix("fate_"): value for name, value in form.items() if name.startswith("fate_")}
    return {int(number): value for number, value in chosen.items() if number.isdigit() and len(number) < 10}
