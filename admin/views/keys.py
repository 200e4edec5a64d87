"""Keys with which programs work for a tenant: made, shown once, revoked."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _

from webchatagent.core.apikeys import create_key, list_keys, revoke_key
from webchatagent.core.audit import current_actor
from webchatagent.core.errors import WebChatAgentError

from ..fab.session import tenant
from ..fab.views import Page, page
from ..forms import KeyForm
from ..messages import explain
from ..roles import rights

STATES = {"active": (_("Active"), "good"), "expired": (_("Over"), "warn"), "revoked": (_("Revoked"), "")}


class KeysPage(Page):
    """What a program may do is in the key; what a person may do with keys is the owner's."""

    route_base = "/keys"
    default_view = "list"
    label, icon, menu = _("API keys"), "key", "workspace"
    rights = rights(read=("owner", "operator"), private=True)

    @page("/")
    def list(self) -> str:
        """The keys, the newest first, and the form of a new one."""
        return self._shown(KeyForm())

    @page("/add", needs="add", methods=("POST",))
    def add(self) -> Any:
        """Make a key. Its secret is on this one answer and nowhere else."""
        form = KeyForm()
        if form.validate_on_submit():
            try:
                made = create_key(
                    tenant(), form.name.data, form.scopes.data, days=form.days.data or 0, actor=current_actor()
                )
            except WebChatAgentError as error:
                wrong = {"scopes": form.scopes, "days": form.days}.get(error.field or "", form.name)
                wrong.errors = [explain(error)]
            else:
                return self._shown(KeyForm(formdata=None), secret=made.secret)
        return self._shown(form)

    @page("/<prefix>/revoke", needs="delete", methods=("POST",))
    def revoke(self, prefix: str) -> Any:
        """End a key, at once and for ever."""
        revoke_key(tenant(), prefix, actor=current_actor())
        flash(gettext("The key is revoked."), "success")
        return redirect(url_for(".list"))

    def _shown(self, form: KeyForm, secret: str = "") -> str:
        return self.show_page("wca/keys.html", form=form, keys=list_keys(tenant()), states=STATES, secret=secret)
