"""The overview: what is there, what happened today, what to do first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from flask import url_for
from flask_babel import gettext, ngettext
from flask_babel import lazy_gettext as _

from webchatagent.core.bots import LiveBot, list_bots
from webchatagent.core.caps import near_limits
from webchatagent.core.clock import now
from webchatagent.core.conversations import count_conversations
from webchatagent.core.document_list import StateCounts, count_documents
from webchatagent.core.overview import daily_questions, list_alerts
from webchatagent.core.spaces import embedding_model
from webchatagent.core.tenants import Tenant

from ..fab.session import role, tenant
from ..fab.views import Page, page
from ..languages import localised
from ..panelwords import LIMITS
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
            days=daily_questions(here),
            alerts=[*_plugin_alerts(here), *_limits(here, bots), *self._alerts(here), *_trouble(bots, counts)],
            role=role(),
        )

    def _alerts(self, here: Tenant) -> list[tuple[str, str]]:
        """Sentences with the address where the repair is."""
        out = []
        for alert in list_alerts(here):
            if alert.kind == "source":
                text = ngettext("%(num)d source could not be read.", "%(num)d sources could not be read.", alert.count)
                out.append((text, url_for("SourcesPage.list", bot_id=alert.bot_id)))
            elif self.appbuilder.sm.has_access("can_read", "JobsView"):
                text = ngettext("%(num)d job failed for good.", "%(num)d jobs failed for good.", alert.count)
                out.append((text, url_for("JobsView.list", _flt_0_state="failed")))
        return out


def _plugin_alerts(here: Tenant) -> Iterator[tuple[str, str]]:
    """What plugins say is to be repaired, with the page where that is done."""
    for plugin, alerts in here.hooks.call("alerts", tenant=here):
        for alert in alerts:
            where = (
                url_for("PlanPage.show") if alert.place == "plan" else url_for("MarketplacePage.show", plugin=plugin)
            )
            yield localised(alert.text), where


def _limits(here: Tenant, bots: Sequence[LiveBot]) -> Iterator[tuple[str, str]]:
    """Limits that are reached or nearly so."""
    for bot, level in near_limits(here, bots):
        name, what = bot.name if bot else here.name, str(LIMITS[level.name])
        where = url_for("ModelPage.show", bot_id=bot.id, _anchor="limits") if bot else url_for("PricesPage.show")
        if level.used >= level.most:
            yield gettext("%(name)s: the limit is reached (%(what)s).", name=name, what=what), where
        else:
            share = level.used * 100 // level.most
            yield (
                gettext("%(name)s: %(n)s percent of a limit are used (%(what)s).", name=name, n=share, what=what),
                where,
            )


def _trouble(bots: Sequence[LiveBot], counts: Mapping[int, StateCounts]) -> Iterator[tuple[str, str]]:
    """Documents that need a hand, by bot."""
    for bot in bots:
        number = counts[bot.id].group("trouble") if bot.id in counts else 0
        if number:
            text = ngettext(
                "%(bot)s: %(num)d document needs attention.",
                "%(bot)s: %(num)d documents need attention.",
                number,
                bot=bot.name,
            )
            yield text, url_for("SourcesPage.list", bot_id=bot.id, show="trouble")
