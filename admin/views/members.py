"""The people of a tenant, their roles, and invitations."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, request, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from flask_login import current_user

from webchatagent.core.errors import WebChatAgentError

from .. import members
from ..fab.session import platform, tenant
from ..fab.views import Page, page
from ..forms import InviteForm
from ..languages import role_label
from ..messages import explain
from ..roles import MEMBER_ROLES, rights


class MembersPage(Page):
    """Who works here, and what each may do."""

    route_base = "/members"
    default_view = "list"
    label, icon, menu = _("Members"), "people", "workspace"
    rights = rights(read=("owner", "editor", "privacy", "operator"))

    @page("/")
    def list(self) -> str:
        """Members, open invitations, and the form to invite."""
        return self._shown(InviteForm())

    @page("/invite", needs="add", methods=("POST",))
    def invite(self) -> Any:
        """Invite somebody by mail."""
        form = InviteForm()
        if form.validate_on_submit():
            try:
                members.invite_member(
                    tenant(), form.email.data, form.role.data, inviter=current_user.email, base=request.host_url
                )
            except WebChatAgentError as error:
                form.email.errors = [explain(error)]
            else:
                kept = not platform().settings.smtp_url
                text = gettext(
                    "The invitation is in the outbox: no mail server is set, so hand the link over yourself."
                )
                flash(text if kept else gettext("The invitation is on its way."), "success")
                return redirect(url_for(".list"))
        return self._shown(form)

    @page("/<int:person_id>/change", needs="edit", methods=("POST",))
    def change(self, person_id: int) -> Any:
        """Give a member another role."""
        return self._do(
            lambda: members.change_role(tenant(), person_id, request.form.get("role", "")),
            gettext("The role is changed."),
        )

    @page("/<int:person_id>/remove", needs="delete", methods=("POST",))
    def remove(self, person_id: int) -> Any:
        """Take a member out of the tenant."""
        return self._do(
            lambda: members.remove_member(tenant(), person_id), gettext("This person has no access here any more.")
        )

    @page("/invitations/<int:invitation_id>/withdraw", needs="delete", methods=("POST",))
    def withdraw(self, invitation_id: int) -> Any:
        """End an invitation."""
        return self._do(
            lambda: members.withdraw_invitation(tenant(), invitation_id), gettext("The invitation is withdrawn.")
        )

    def _shown(self, form: InviteForm) -> str:
        here = tenant()
        return self.show_page(
            "wca/members.html",
            form=form,
            members=members.list_members(here),
            invitations=members.list_invitations(here),
            roles=[(role, role_label(role)) for role in MEMBER_ROLES],
            may_add=self.may("add"),
        )

    def _do(self, call: Any, said: str) -> Any:
        try:
            call()
        except WebChatAgentError as error:
            if error.status == 404:
                raise
            flash(explain(error), "danger")
        else:
            flash(said, "success")
        return redirect(url_for(".list"))
