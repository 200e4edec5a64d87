"""Requests of persons by right: what is asked, until when, doing it with a receipt, refusing it with a reason."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, time
from typing import Any

from flask import Response, flash, redirect, request, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import DateField, SelectField, StringField
from wtforms.validators import InputRequired, Length

from webchatagent.core import requests
from webchatagent.core.clock import now
from webchatagent.core.errors import WebChatAgentError
from webchatagent.core.privacy import Subject

from ..accounts import check_email
from ..fab.session import tenant
from ..fab.views import Page, page
from ..forms import REQUIRED
from ..messages import explain
from ..roles import rights

WHO = ("owner", "privacy", "operator")
WORDS = {
    "export": _("Information and a copy"),
    "rectify": _("Correction"),
    "erase": _("Erasure"),
    "restrict": _("Restriction"),
    "release": _("End of a restriction"),
    "object": _("Objection"),
    "withdraw": _("Withdrawal of all consents"),
}
STATES = {
    "open": (_("Open"), "warn"),
    "incomplete": (_("Incomplete, is tried again"), "bad"),
    "done": (_("Done"), "good"),
    "refused": (_("Refused"), ""),
}
CHANNELS = {"widget": _("In the chat"), "email": _("By mail"), "desk": _("Here")}
BY_HAND = ("export", "erase", "restrict", "release", "object", "withdraw")


class RequestForm(FlaskForm):  # type: ignore[misc]
    """A request that came by mail or letter."""

    email = StringField(
        _("E-mail of the person"),
        [InputRequired(REQUIRED), Length(max=254)],
        description=_("Make sure that it is really them, such as by an answer from this address."),
    )
    kind = SelectField(_("What they ask for"), choices=[(kind, WORDS[kind]) for kind in BY_HAND])
    received = DateField(_("Came on"), [InputRequired(REQUIRED)], default=lambda: now().date())


class RequestsPage(Page):
    """What persons ask for. Those of the chat are done already; the others wait here with their date."""

    route_base = "/requests"
    default_view = "list"
    label, icon, menu = _("Privacy requests"), "shield", "privacy"
    rights = rights(read=WHO, write=WHO, private=True)

    @page("/")
    def list(self) -> str:
        """The requests, the next date first."""
        return self._shown(RequestForm())

    @page("/add", needs="add", methods=("POST",))
    def add(self) -> Any:
        """Take one that came by mail."""
        form = RequestForm()
        if form.validate_on_submit():
            try:
                subject = Subject(email=check_email(form.email.data))
                at = min(now(), datetime.combine(form.received.data, time(12), UTC))
                made = requests.file_request(tenant(), form.kind.data, subject, channel="email", received_at=at)
            except WebChatAgentError as error:
                form.email.errors = [explain(error)]
            else:
                flash(gettext("It is taken."), "success")
                return redirect(url_for(".show", request_id=made))
        return self._shown(form)

    @page("/<int:request_id>")
    def show(self, request_id: int) -> str:
        """One request: where something of the person is, or the receipt."""
        here = tenant()
        row = requests.find_request(here, request_id)
        found: Sequence[Any] = ()
        missing: Sequence[str] = ()
        if row.closed_at is None:
            found, missing = requests.gather(here, requests.subject_of(row), "subject_locate")
        return self.show_page(
            "wca/request.html", row=row, found=found, missing=missing, words=WORDS, states=STATES, channels=CHANNELS
        )

    @page("/<int:request_id>/settle", needs="edit", methods=("POST",))
    def settle(self, request_id: int) -> Any:
        """Do it."""
        return self._do(request_id, lambda: requests.settle_request(tenant(), request_id), gettext("It is done."))

    @page("/<int:request_id>/refuse", needs="edit", methods=("POST",))
    def refuse(self, request_id: int) -> Any:
        """Refuse it, with the reason."""
        reason = request.form.get("reason", "")
        return self._do(
            request_id, lambda: requests.refuse_request(tenant(), request_id, reason), gettext("It is refused.")
        )

    @page("/<int:request_id>/copy.json", needs="edit")
    def copy(self, request_id: int) -> Any:
        """The copy for the person, as a file."""
        here = tenant()
        row = requests.find_request(here, request_id)
        found, missing = requests.gather(here, requests.subject_of(row))
        parts = [
            {
                "from": plugin,
                "name": part.name,
                "purpose": part.purpose,
                "retention_days": part.retention_days,
                "recipients": [*part.recipients],
                "rows": [*part.rows],
            }
            for plugin, part in found
        ]
        text = json.dumps(
            {"made": now().isoformat(), "complete": not missing, "missing": missing, "parts": parts},
            ensure_ascii=False,
            indent=2,
        )
        headers = {"Content-Disposition": f'attachment; filename="copy-{row.public_id}.json"'}
        return Response(text, content_type="application/json; charset=utf-8", headers=headers)

    @staticmethod
    def _do(request_id: int, call: Callable[[], Any], said: str) -> Any:
        requests.find_request(tenant(), request_id)  # not found is not found
        try:
            row = call()
        except WebChatAgentError as error:
            flash(explain(error), "danger")
        else:
            if row is not None and row.state == "incomplete":
                said = gettext("A part did not answer. It is tried again by itself.")
            flash(said, "warning" if row is not None and row.state == "incomplete" else "success")
        return redirect(url_for(".show", request_id=request_id))

    def _shown(self, form: RequestForm) -> str:
        rows = requests.list_requests(tenant())
        return self.show_page(
            "wca/requests.html", form=form, rows=rows, words=WORDS, states=STATES, channels=CHANNELS, now=now()
        )
