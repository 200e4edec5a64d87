"""Signing in at another company: there and back, and linking it to an account that is proven to be the same person's."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from flask import flash, redirect, request, session, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from flask_login import current_user

from webchatagent.core.db.accounts import Invitation
from webchatagent.core.errors import WebChatAgentError
from webchatagent.core.login import Identity, LoginFailed
from webchatagent.core.tenants import Tenant

from .. import external, members, registration
from ..accounts import add_person, check_email, find_user, new_password
from ..fab.security import account_limits, address_limits, admit, find_person, start_session
from ..fab.session import platform, release
from ..fab.views import Page, expose, page
from ..forms import JoinForm, NewWorkspaceForm, ProofForm
from ..languages import spoken
from ..links import find_link, use_link
from ..messages import explain
from ..roles import rights

BACK_SECONDS = 600
"""How long a person may take at the provider."""
PROOF_SECONDS = 3600
"""How long they may take to prove an account, or to name a workspace; as long as the link in the mail holds."""


@dataclass(frozen=True)
class Waiting:
    """Somebody whom a provider has proven and who has no account here yet, or has not proven which."""

    key: str
    label: str
    identity: Identity
    target: str
    user_id: int | None

    @property
    def account(self) -> int | None:
        """The account in question: the one that is logged in, else the one of the verified address."""
        return self.user_id or find_user(platform(), self.identity.email)


class SignInPage(Page):
    """Pages without a log-in. Nothing counts that was not begun in the same browser."""

    route_base = "/sign-in"
    default_view = "finish"
    label = _("Sign in")
    rights = rights(write=())
    limits = account_limits() + address_limits("60 per 10 minute")

    @expose("/<method>")
    def begin(self, method: str) -> Any:
        """Send the person to the provider."""
        release()
        try:
            address, kept = external.begin(platform(), method, request.host_url)
        except LoginFailed as error:
            return _back(error)
        session.pop("identity", None)
        target, until = request.args.get("next", "")[:500], int(time.time()) + BACK_SECONDS
        session["signing_in"] = {"key": method, "kept": kept, "until": until, "next": target, "user": _user_id()}
        return redirect(address)

    @expose("/<method>/back")
    def back(self, method: str) -> Any:
        """The provider sends the person back."""
        release()
        begun = session.pop("signing_in", None) or {}
        try:
            if begun.get("key") != method or begun["until"] < time.time() or begun["user"] != _user_id():
                raise LoginFailed("over", "This sign-in was not begun here, or too long ago.")
            identity = external.finish(platform(), method, request.args.to_dict(), begun["kept"])
            owner = external.owner_of(platform(), method, identity)
            if owner is not None:
                return self._enter(owner, begun["next"])
            external.check_verified(identity)
        except WebChatAgentError as error:
            return _back(error)
        until = int(time.time()) + PROOF_SECONDS
        kept = {"key": method, "until": until, "next": begun["next"], "user": _user_id(), **external.as_dict(identity)}
        session["identity"] = kept
        return redirect(url_for(".finish"))

    @expose("/finish", methods=("GET", "POST"))
    def finish(self) -> Any:
        """The password of the account of that address, the invitation of it, or the name of a new workspace."""
        release()
        waiting = _waiting()
        if waiting is None:
            return _back(LoginFailed("over", "There is nothing to finish."))
        account = waiting.account
        if account:
            return self._prove(waiting, account)
        invited = members.invitation_of(platform(), waiting.identity.email)
        return self._join(waiting, *invited) if invited else self._register(waiting)

    def _prove(self, waiting: Waiting, account: int) -> Any:
        form, person = ProofForm(), find_person(account)
        assert person is not None
        if form.validate_on_submit():
            if self.appbuilder.sm.sign_in(person.email, form.password.data) is not None:
                return self._link(waiting, account)
            form.password.errors = [gettext("This is not the password of this account.")]
        return self._shown(waiting, form, person.email)

    def _join(self, waiting: Waiting, here: Tenant, row: Invitation) -> Any:
        """Accept an invitation: the provider has verified the address that it was sent to."""
        form = JoinForm()
        if form.validate_on_submit():
            try:
                user_id = add_person(platform(), check_email(waiting.identity.email), new_password())
                external.link(platform(), user_id, waiting.key, waiting.identity)
                members.accept_invitation(here, row.id, user_id)
            except WebChatAgentError as error:
                return _back(error)
            start_session(user_id)
            session["tenant_id"] = here.id
            return redirect(url_for("HomePage.index"))
        return self.show_page(
            "wca/invited.html",
            form=form,
            tenant_name=here.name,
            invited=row,
            label=waiting.label,
            email=waiting.identity.email,
        )

    def _register(self, waiting: Waiting) -> Any:
        registration.check_open(platform())
        form = NewWorkspaceForm()
        if form.validate_on_submit():
            try:
                made = registration.register_verified(
                    platform(), waiting.identity.email, form.company.data, form.locale.data
                )
            except WebChatAgentError as error:
                form.company.errors = [explain(error)]
            else:
                user_id, here = made
                external.link(platform(), user_id, waiting.key, waiting.identity)
                start_session(user_id)
                session["tenant_id"], session["locale"] = here.id, form.locale.data
                return redirect(url_for("HomePage.index"))
        return self._shown(waiting, form, "")

    @expose("/mail", methods=("POST",))
    def mail(self) -> Any:
        """Mail a link to the account's address, instead of asking for the password."""
        release()
        waiting = _waiting()
        if waiting is None or waiting.account is None:
            return _back(LoginFailed("over", "There is nothing to finish."))
        email = external.mail_proof(platform(), waiting.account, waiting.label, spoken(), request.host_url)
        return self.show_page("wca/mailed.html", email=email)

    @expose("/confirm/<token>", methods=("GET", "POST"))
    def confirm(self, token: str) -> Any:
        """What the link in the mail opens. It counts in the browser only in which the sign-in was begun."""
        release()
        link = find_link(platform(), "sign_in", token)
        waiting = _waiting()
        if waiting is None or waiting.account != link.user_id:
            flash(gettext("Please open the link in the browser in which you began, and within an hour."), "danger")
            return redirect(_home())
        if request.method == "GET":
            return self._shown(waiting, None, link.email)
        with platform().database.write() as db:
            use_link(db, link)
        return self._link(waiting, link.user_id)

    @page("/<method>/unlink", methods=("POST",))
    def unlink(self, method: str) -> Any:
        """Take the link to one's own account away."""
        release()
        external.unlink(platform(), current_user.id, method)
        flash(gettext("It is not linked any more."), "success")
        return redirect(url_for("AccountPage.show"))

    def _shown(self, waiting: Waiting, form: Any, account: str) -> str:
        return self.show_page(
            "wca/sign_in.html", form=form, account=account, label=waiting.label, email=waiting.identity.email
        )

    def _link(self, waiting: Waiting, account: int) -> Any:
        session.pop("identity", None)
        try:
            external.link(platform(), account, waiting.key, waiting.identity)
        except WebChatAgentError as error:
            return _back(error)
        flashed = gettext("%(name)s is linked to your account.", name=waiting.label)
        answer = self._enter(account, waiting.target)
        flash(flashed, "success")
        return answer

    def _enter(self, owner: int, target: str) -> Any:
        """Let the owner of an identity in; somebody who is logged in already stays who they are."""
        if current_user.is_authenticated:
            if current_user.id != owner:
                flash(gettext("This sign-in is linked to another account."), "danger")
            return redirect(url_for("AccountPage.show"))
        user = find_person(owner)
        if user is None or not user.active:
            flash(gettext("This account is locked. Please ask the people who run this server."), "danger")
            return redirect(url_for("LoginView.login"))
        self.appbuilder.sm.count_login(user, True)
        return admit(user, target)


def _user_id() -> int | None:
    return int(current_user.id) if current_user.is_authenticated else None


def _home() -> str:
    return url_for("AccountPage.show" if current_user.is_authenticated else "LoginView.login")


def _back(error: WebChatAgentError) -> Any:
    """Say what went wrong where the person came from."""
    if error.status == 404:
        raise error
    flash(explain(error), "danger")
    return redirect(_home())


def _waiting() -> Waiting | None:
    """Who is waiting in this session; None when it is too long ago, or the session became another person's."""
    kept = dict(session.get("identity") or {})
    if not kept or kept.pop("until") < time.time() or kept["user"] != _user_id():
        return None
    key, target, user_id = kept.pop("key"), kept.pop("next"), kept.pop("user")
    label = next((w.label for w in external.list_ways(platform()) if w.key == key), "")
    return Waiting(key, label, Identity(**kept), target, user_id) if label else None
