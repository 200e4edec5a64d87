"""Everybody with an account, for the operator. Rights are not here: they are memberships, and roles are code."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, request, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from flask_login import current_user

from .. import accounts
from ..fab.session import platform
from ..fab.views import Page, page
from ..paging import Pager
from ..roles import rights

SIZE = 50


class PeoplePage(Page):
    """The accounts of the installation, by address."""

    route_base = "/people"
    default_view = "list"
    label, icon, menu = _("People"), "key", "installation"
    rights = rights(read=("operator",), write=("operator",))

    @page("/")
    def list(self) -> str:
        """A page of accounts."""
        number, search = Pager.number(), request.args.get("q", "").strip()[:100]
        people, total = accounts.list_people(platform(), search=search, page=number, size=SIZE)
        return self.show_page("wca/people.html", people=people, search=search, pager=Pager(number, SIZE, total))

    @page("/<int:person_id>/active", needs="edit", methods=("POST",))
    def active(self, person_id: int) -> Any:
        """Let an account in, or keep it out; its sessions end at once."""
        if person_id == current_user.id:
            flash(gettext("You cannot lock yourself out."), "danger")
        else:
            accounts.set_active(platform(), person_id, request.form.get("active") == "yes")
            flash(gettext("Saved."), "success")
        return redirect(url_for(".list"))
