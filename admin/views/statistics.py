"""Statistics: questions, tokens, cost, time and errors by day and by model, as a page and as a table to download."""

from __future__ import annotations

import csv
import io
from decimal import Decimal
from typing import Any

from flask import Response
from flask_babel import format_decimal, gettext
from flask_babel import lazy_gettext as _

from webchatagent.core.bots import list_bots
from webchatagent.core.clock import now
from webchatagent.core.prices import MICRO
from webchatagent.core.statistics import Statistics, read_statistics

from ..charts import Chart, curves, stacked
from ..fab.session import tenant
from ..fab.views import Page, page
from ..money import costs, milliseconds, money
from ..paging import asked_number
from ..panelwords import error_words
from ..roles import rights

SPANS = (7, 30, 90)
HEAD = (
    *("day", "bot", "provider", "model", "questions", "answered", "refused", "failed", "limited"),
    *("tokens_in", "tokens_out", "cost", "currency"),
)


class StatisticsPage(Page):
    """The sums of what every turn took; nothing of what was said."""

    route_base = "/statistics"
    default_view = "show"
    label, icon, menu = _("Statistics"), "chart", "workspace"
    rights = rights(read=("owner", "editor", "viewer", "operator"), write=())

    @page("/")
    def show(self) -> str:
        """Charts by day, a table by model, errors."""
        here, days = tenant(), _days()
        bots = list_bots(here)
        bot_id = next((b.id for b in bots if b.id == asked_number("bot")), 0)
        found = read_statistics(here, days, bot_id)
        currency = max(found.total.cost, key=lambda c: found.total.cost[c], default=here.prices.currency)
        return self.show_page(
            "wca/statistics.html",
            found=found,
            bots=bots,
            bot_id=bot_id,
            days=days,
            spans=SPANS,
            charts=_charts(found, currency),
            currency=currency,
            money=money,
            costs=costs,
            milliseconds=milliseconds,
            error_words=error_words,
        )

    @page("/table.csv")
    def table(self) -> Any:
        """A line for each day, bot and model; sums of these are what the page shows."""
        here, days = tenant(), _days()
        names = {b.id: b.name for b in list_bots(here)}
        found = read_statistics(here, days, asked_number("bot"))
        out = io.StringIO()
        lines = csv.writer(out, lineterminator="\r\n")
        lines.writerow(HEAD)
        for g in found.groups:
            s, (currency, cost) = g.sum, next(iter(g.sum.cost.items()), ("", 0))
            lines.writerow(
                [
                    *(
                        g.day.isoformat(),
                        _plain(names.get(g.bot_id, str(g.bot_id))),
                        _plain(g.provider),
                        _plain(g.model),
                    ),
                    *(s.turns, s.answered, s.refused, s.failed, s.capped, s.tokens_in, s.tokens_out),
                    *(f"{Decimal(cost) / MICRO:f}", currency),
                ]
            )
        name = f"statistics-{here.slug}-{now().date().isoformat()}.csv"
        return Response(
            "\ufeff" + out.getvalue(),
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )


def _charts(found: Statistics, currency: str) -> dict[str, Chart]:
    """The pictures of a page."""
    day = found.days
    questions = (
        ("answered", gettext("answered"), lambda s: s.answered),
        ("refused", gettext("without an answer"), lambda s: s.refused),
        ("failed", gettext("failed"), lambda s: s.failed),
        ("capped", gettext("beyond a limit"), lambda s: s.capped),
    )
    tokens = (
        ("answered", gettext("to the model"), lambda s: s.tokens_in),
        ("out", gettext("from the model"), lambda s: s.tokens_out),
    )
    cost = (("answered", currency, lambda s: s.cost.get(currency, 0)),)
    times = (
        ("p95", gettext("95 percent within"), lambda s: s.p95),
        ("p50", gettext("half within"), lambda s: s.p50),
        ("first", gettext("first word"), lambda s: s.first_p50),
    )
    return {
        "questions": stacked(gettext("Questions a day"), day, questions, format_decimal),
        "tokens": stacked(gettext("Tokens a day"), day, tokens, format_decimal),
        "cost": stacked(gettext("Cost a day"), day, cost, lambda amount: money(amount, currency)),
        "times": curves(gettext("Time to answer"), day, times, milliseconds),
    }


def _days() -> int:
    asked = asked_number("days")
    return asked if asked in SPANS else 30


def _plain(text: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
