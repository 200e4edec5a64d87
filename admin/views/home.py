"""The overview: what is there, what happened today, what to do first."""

from __future__ import annotations

from flask_babel import lazy_gettext as _

from webchatagent.core.bots import list_bots
from webchatagent.core.clock import now
from webchatagent.core.conversations import count_conversations
from webchatagent.core.document_list import StateCounts, count_documents
from webchatagent.core.retrieval import embedding_model

from ..fab.session import role, tenant
from ..fab.views import Page, page
from ..roles import rights


class HomePage(Page):
    """The first page after the log-in."""

    route_base = ""
    default_view = "index"
    label, icon, menu = _("Overview"), "home", "work"
    rights = rights(write=())

    @page("/")
    def index(self) -> str:
        """Bots with their documents, and today's conversations."""
        here = tenant()
        bots = list_bots(here)
        counts = count_documents(here)
        today = now().replace(hour=0, minute=0, second=0, microsecond=0)
        begun, unanswered = count_conversations(here, today)
        model = embedding_model(here)
        total = StateCounts()
        for one in counts.values():
            for state, n in one.states.items():
                total.add(state, n, 0, 0)
            total.chunks, total.vectors = total.chunks + one.chunks, total.vectors + one.vectors
        return self.show_page(
            "wca/home.html",
            bots=bots,
            counts=counts,
            total=total,
            begun=begun,
            unanswered=unanswered,
            model=model,
            nothing=StateCounts(),
            role=role(),
        )
