"""What was sent for an answer: made again from what is stored, never kept."""

from __future__ import annotations

from flask_babel import lazy_gettext as _

from webchatagent.core.rebuilt import rebuild_request

from ..fab.session import tenant
from ..fab.views import Page, page
from ..money import milliseconds, money
from ..panelwords import error_words
from ..roles import rights
from .playground import ROLES


class SentPage(Page):
    """One answer's request, with placeholders in place of personal data, for those who answer for privacy."""

    route_base = "/sent"
    default_view = "show"
    label = _("What was sent")
    rights = rights(read=("owner", "privacy", "operator"), write=())

    @page("/<int:session_id>/<int:message_id>")
    def show(self, session_id: int, message_id: int) -> str:
        """The texts by role, and what the answer took."""
        found = rebuild_request(tenant(), session_id, message_id)
        return self.show_page(
            "wca/sent.html",
            session_id=session_id,
            row=found.row,
            sent=[(ROLES.get(role, role), text) for role, text in found.sent],
            milliseconds=milliseconds,
            money=money,
            error=error_words(found.row.error) if found.row.error else "",
        )
