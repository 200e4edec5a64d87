"""Conversations, to read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from flask import Response, flash, redirect, request, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _

from webchatagent.core.bots import list_bots
from webchatagent.core.channels import (
    MOST_BY_HAND,
    Delivery,
    Window,
    answer_by_hand,
    channel_labels,
    find_channel,
    list_files,
    read_attachment,
)
from webchatagent.core.conversations import delete_conversation, list_conversations, read_transcript
from webchatagent.core.db.chats import Attachment
from webchatagent.core.egress import calling
from webchatagent.core.errors import Conflict, InvalidRequest

from ..fab.session import tenant
from ..fab.views import Page, page
from ..languages import localised
from ..messages import explain
from ..paging import Pager, asked_number
from ..roles import ROLES

SIZE = 25
LOOK, DELETE, ANSWER = frozenset({"read"}), frozenset({"delete"}), frozenset({"add"})
TEAM = ("owner", "editor", "agent", "operator")
MAY_DELETE = ("owner", "privacy", "operator")


class ConversationsPage(Page):
    """What visitors asked and what the bots answered."""

    route_base = "/conversations"
    label, icon, menu = _("Conversations"), "chat", "work"
    rights = {  # noqa: RUF012
        role: LOOK | (DELETE if role in MAY_DELETE else LOOK) | (ANSWER if role in TEAM else LOOK) for role in ROLES
    }

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
            "wca/conversations.html",
            rows=rows,
            bots=bots,
            bot_id=bot_id,
            pager=Pager(number, SIZE, total),
            channels=channel_labels(here),
        )

    @page("/<int:session_id>")
    def show(self, session_id: int) -> str:
        """One conversation as the visitor saw it."""
        here = tenant()
        found = read_transcript(here, session_id)
        name = found.session.channel if not found.session.restricted else ""
        channel = find_channel(here, name)
        window: Window | None = None
        deliveries: Mapping[str, Delivery] = {}
        if channel is not None:
            with calling(name, here):
                window, deliveries = channel.window(session_id), channel.deliveries(session_id)
        return self.show_page(
            "wca/transcript.html",
            found=found,
            may_see_sent=self.appbuilder.sm.has_access("can_read", "SentPage"),
            channel=channel_labels(here).get(name, ""),
            window=window,
            closed=localised(window.closed) if window and window.closed else "",
            deliveries={key: (d.state, localised(d.label), d.reason) for key, d in deliveries.items()},
            files=by_message(list_files(here, session_id)) if name else {},
            most=MOST_BY_HAND,
        )

    @page("/<int:session_id>/answer", needs="add", methods=("POST",))
    def answer(self, session_id: int) -> Any:
        """Answer by hand, through the conversation's channel."""
        try:
            answer_by_hand(tenant(), session_id, request.form.get("text", ""))
        except (InvalidRequest, Conflict) as error:
            flash(explain(error), "danger")
        else:
            flash(gettext("The answer is on its way."), "success")
        return redirect(url_for(".show", session_id=session_id))

    @page("/<int:session_id>/files/<int:number>")
    def file(self, session_id: int, number: int) -> Any:
        """A file that the visitor sent, to save: it is never shown by the browser."""
        row, data = read_attachment(tenant(), session_id, number)
        quoted = quote(row.name or "file", safe="")
        headers = {
            "Content-Type": "application/octet-stream",
            "Content-Disposition": f"attachment; filename*=UTF-8''{quoted}",
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "sandbox",
            "Cache-Control": "no-store",
        }
        return Response(data, headers=headers)

    @page("/<int:session_id>/delete", needs="delete", methods=("POST",))
    def delete(self, session_id: int) -> Any:
        """Delete one conversation."""
        delete_conversation(tenant(), session_id)
        flash(gettext("The conversation is deleted."), "success")
        return redirect(url_for(".list"))


def by_message(files: Sequence[Attachment]) -> dict[str, list[Attachment]]:
    """Files by the public id of the message that they came with."""
    found: dict[str, list[Attachment]] = {}
    for row in files:
        found.setdefault(row.message, []).append(row)
    return found
