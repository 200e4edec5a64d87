"""A withdrawal that came by mail: recorded by somebody here, with the same effect as one by the person."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, time
from typing import Any

from flask import flash, redirect, request, url_for
from flask_babel import gettext, ngettext
from flask_babel import lazy_gettext as _
from flask_login import current_user

from webchatagent.core import consents
from webchatagent.core.errors import InvalidRequest, NotFound, WebChatAgentError
from webchatagent.core.privacy import Subject

from .. import leaving
from ..accounts import find_user
from ..fab.session import platform, role, tenant
from ..fab.views import Page, page
from ..forms import WithdrawalForm
from ..messages import explain
from ..roles import rights

ACCOUNT = "account"
"""The purpose of an account here; withdrawing it deletes the account. Only the operator's to record."""
WHO = ("owner", "privacy", "operator")


class WithdrawalsPage(Page):
    """A form; what it did stands in the ledger of consents, with the proof."""

    route_base = "/withdrawals"
    default_view = "show"
    label, icon, menu = _("Withdrawal by mail"), "shield", "privacy"
    rights = rights(read=WHO, write=WHO, private=True)

    @page("/")
    def show(self) -> str:
        """Who, what, when and where the mail is."""
        return self._shown(self._form())

    @page("/add", needs="add", methods=("POST",))
    def add(self) -> Any:
        """Record it."""
        form = self._form()
        if form.validate_on_submit():
            at = datetime.combine(form.received.data, time(), UTC)
            try:
                said = self._account(form, at) if form.purpose.data == ACCOUNT else self._consent(form, at)
            except WebChatAgentError as error:
                wrong = {"proof": form.proof, "received": form.received}.get(error.field or "", form.email)
                wrong.errors = [explain(error)]
            else:
                flash(said, "success")
                return redirect(url_for(".show"))
        return self._shown(form)

    @staticmethod
    def _consent(form: WithdrawalForm, at: datetime) -> str:
        subject = Subject(email=form.email.data.strip())
        number = consents.withdraw_consent(
            tenant(), subject, form.purpose.data, channel="email", proof=form.proof.data, received_at=at
        )
        return ngettext("%(num)d consent is withdrawn.", "%(num)d consents are withdrawn.", number)

    @staticmethod
    def _account(form: WithdrawalForm, at: datetime) -> str:
        """Delete an account as its person would; workspaces that they own alone are closed."""
        user_id = find_user(platform(), form.email.data)
        if user_id is None:
            raise NotFound("There is no such account.", code="account_not_found")
        if user_id == current_user.id:
            raise InvalidRequest("Your own account is deleted under Your account.", code="own_account")
        fates = {one.tenant_id: leaving.CLOSE for one in leaving.only_owned(platform(), user_id)}
        with tenant().write() as db:
            consents.record_withdrawal(db, ACCOUNT, form.proof.data, at)
        leaving.delete_account(platform(), user_id, fates, request.host_url)
        return gettext("The account is deleted.")

    @staticmethod
    def _form() -> WithdrawalForm:
        choices: Sequence[tuple[str, Any]] = [(consents.EVERY, _("Every consent"))]
        choices = [*choices, *((p, p) for p in consents.list_purposes(tenant()) if p != ACCOUNT)]
        if role() == "operator":
            choices = [*choices, (ACCOUNT, _("The account on this server"))]
        return WithdrawalForm(choices)

    def _shown(self, form: WithdrawalForm) -> str:
        return self.show_page("wca/withdrawals.html", form=form)
