"""Accepting an invitation: the one page that a person without an account may open by a link."""

from __future__ import annotations

from typing import Any

from flask import redirect, request, session, url_for
from flask_babel import lazy_gettext as _
from flask_login import current_user

from webchatagent.core.errors import InvalidRequest

from .. import accounts, members
from ..fab.security import account_limits, start_session
from ..fab.session import platform, release
from ..fab.views import Page, expose
from ..forms import NewPasswordForm
from ..messages import explain


class InvitationPage(Page):
    """What a link from a mail of `members.invite_member` leads to. The link is the proof, so no log-in is asked for."""

    route_base = "/invitation"
    default_view = "show"
    label = _("Invitation")
    limits = account_limits()

    @expose("/<token>", methods=("GET", "POST"))
    def show(self, token: str) -> Any:
        """A password for somebody new, a button for somebody who is logged in, the log-in for anybody else."""
        release()
        here, row = members.find_invitation(platform(), token)
        known = accounts.find_user(platform(), row.email)
        mine = current_user.is_authenticated and current_user.email.lower() == row.email
        form = NewPasswordForm()
        if form.validate_on_submit():
            if known is None and not current_user.is_authenticated:
                if self._join(form, here, row):
                    return redirect(url_for("HomePage.index"))
            elif mine:
                members.accept_invitation(here, row.id, current_user.id)
                session["tenant_id"] = here.id
                return redirect(url_for("HomePage.index"))
        return self.show_page(
            "wca/invitation.html",
            form=form,
            tenant_name=here.name,
            invited=row,
            known=known is not None,
            mine=mine,
            login=url_for("LoginView.login", next=request.script_root + request.path),
        )

    @staticmethod
    def _join(form: NewPasswordForm, here: Any, row: Any) -> bool:
        try:
            user_id = accounts.add_person(platform(), row.email, form.new.data)
        except InvalidRequest as error:
            form.new.errors = [explain(error)]
            return False
        members.accept_invitation(here, row.id, user_id)
        start_session(user_id)
        session["tenant_id"] = here.id
        return True
