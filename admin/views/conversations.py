"""Conversations, to read."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _

from webchatagent.core.bots import list_bots
from webchatagent.core.conversations import delete_conversation, list_conversations, read_transcript

from ..fab.session import tenant
from ..fab.views import Page, page
from ..paging import Pager, asked_number
from ..roles import ROLES

SIZE = 25
LOOK, DELETE = frozenset({"read"}), frozenset({"delete"})


class ConversationsPage(Page):
    """What visitors asked and what the bots answered."""

    route_base = "/conversations"
    label, icon, menu = _("Conversations"), "chat", "work"
    rights = {role: LOOK | DELETE if role in ("owner", "privacy", "operator") else LOOK for role in ROLES}  # noqa: RUF012

    @page("/")
    def list(self) -> str:
        """The latest first, of all bots or of one."""
        here = tenant()
        bots = list_bots(here)
        asked = asked_number("bot")
        bot_id = asked if any(b.id == asked for b in bots) else 0
        number = Pager.number()
        rows, total = list_conversations(here, bot_id=bot_id, page=number, size=SIZE)
        return self.show_page(
            "wca/conversations.html", rows=rows, bots=bots, bot_id=bot_id, pager=Pager(number, SIZE, total)
        )

    @page("/<int:session_id>")
    def show(self, session_id: int) -> str:
        """One conversation as the visitor saw it."""
        return self.show_page(
            "wca/transcript.html",
            found=read_transcript(tenant(), session_id),
            may_see_sent=self.appbuilder.sm.has_access("can_read", "SentPage"),
        )

    @page("/<int:session_id>/delete", needs="delete", methods=("POST",))
    def delete(self, session_id: int) -> Any:
        """Delete one conversation."""
        delete_conversation(tenant(), session_id)
        flash(gettext("The conversation is deleted."), "success")
        return redirect(url_for(".list"))
