"""Mails of this tenant: what was sent, and what waits because there is no mail server."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from sqlalchemy import func, select

from webchatagent.core import mail
from webchatagent.core.db.accounts import OutboxMail

from ..fab.session import platform, tenant
from ..fab.views import Page, page
from ..paging import Pager
from ..roles import rights

SIZE = 25
STATES = {"kept": _("Not sent"), "queued": _("On its way"), "sent": _("Sent"), "failed": _("Failed")}


class OutboxPage(Page):
    """Mails, the latest first. They hold links that let people in, so only owners read them."""

    route_base = "/outbox"
    default_view = "list"
    label, icon, menu = _("Outbox"), "mail", "workspace"
    rights = rights(read=("owner", "operator"), private=True)

    @page("/")
    def list(self) -> str:
        """The mails of the tenant."""
        here, number = tenant(), Pager.number()
        with here.read() as db:
            total = db.scalar(select(func.count(OutboxMail.id))) or 0
            rows = db.scalars(select(OutboxMail).order_by(OutboxMail.id.desc()).limit(SIZE).offset(number * SIZE)).all()
        return self.show_page(
            "wca/outbox.html",
            rows=rows,
            pager=Pager(number, SIZE, total),
            states=STATES,
            sending=bool(platform().settings.smtp_url),
        )

    @page("/<int:mail_id>")
    def show(self, mail_id: int) -> str:
        """One mail, as it is sent."""
        row, text = mail.read_mail(tenant(), mail_id)
        return self.show_page(
            "wca/mail.html", row=row, text=text, states=STATES, sending=bool(platform().settings.smtp_url)
        )

    @page("/<int:mail_id>/send", needs="edit", methods=("POST",))
    def send(self, mail_id: int) -> Any:
        """Put a mail on its way."""
        mail.send_again(tenant(), mail_id)
        flash(gettext("The mail is on its way."), "success")
        return redirect(url_for(".list"))
