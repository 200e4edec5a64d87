"""Prices and limits of the workspace."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from flask import Response, flash, redirect, request, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _

from webchatagent.core.caps import tenant_levels
from webchatagent.core.clock import now
from webchatagent.core.model_data import export_model_data
from webchatagent.core.offered import list_offered
from webchatagent.core.own_views import CURRENCIES
from webchatagent.core.prices import MICRO, MODELS, MOST, Price, Prices
from webchatagent.core.spaces import offered_models
from webchatagent.core.tenants import Tenant, change_caps, change_prices

from ..fab.session import tenant
from ..fab.views import Page, page
from ..modelforms import CapsForm, parse_decimal, plain_number
from ..panelwords import LIMITS
from ..roles import rights
from .model import amount, unpriced


class PricesPage(Page):
    """What models cost, as the provider's own list says, and how much all bots together may use."""

    route_base = "/prices"
    default_view = "show"
    label, icon, menu = _("Prices and limits"), "coins", "workspace"
    rights = rights(read=("owner", "editor", "viewer", "operator"))

    @page("/")
    def show(self) -> str:
        """The table and the limits."""
        return self._shown(_rows(tenant()))

    @page("/save", needs="edit", methods=("POST",))
    def save(self) -> Any:
        """Write the price table."""
        here = tenant()
        rows = _rows(here, request.form)
        currency = request.form.get("currency", "")
        if currency not in CURRENCIES:
            currency = here.prices.currency
        if any(row["wrong"] for row in rows):
            return self._shown(rows, currency=currency)
        kept = {
            row["model"]: Price(tokens_in=row["in"], tokens_out=row["out"]) for row in rows if row["in"] or row["out"]
        }
        change_prices(here, Prices(currency=currency, models=kept))
        flash(gettext("Saved. The prices count from now on."), "success")
        return redirect(url_for(".show"))

    @page("/limits", needs="edit", methods=("POST",))
    def set_limits(self) -> Any:
        """Set how much all bots together may use."""
        here = tenant()
        form = CapsForm(here.own_caps)
        found = form.values() if form.validate_on_submit() else None
        if found is None:
            return self._shown(_rows(here), limits=form)
        change_caps(here, found)
        flash(gettext("Saved."), "success")
        return redirect(url_for(".show", _anchor="limits"))

    @page("/export.json", needs="edit")
    def export(self) -> Any:
        """Everything that was set on models, and what they took, to take along."""
        here = tenant()
        text = json.dumps(export_model_data(here), ensure_ascii=False, indent=2)
        name = f"models-{here.slug}-{now().date().isoformat()}.json"
        return Response(
            text,
            content_type="application/json; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )

    def _shown(self, rows: list[dict[str, Any]], limits: CapsForm | None = None, currency: str = "") -> str:
        here = tenant()
        return self.show_page(
            "wca/prices.html",
            rows=rows,
            currency=currency or here.prices.currency,
            currencies=sorted({*CURRENCIES, here.prices.currency}),
            limits=limits or CapsForm(here.own_caps),
            unpriced=unpriced(here, here.caps),
            levels=[(level, LIMITS[level.name], amount(here, level.name)) for level in tenant_levels(here)],
        )


def _rows(here: Tenant, typed: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
    """A row for each model that is offered or has a price: its texts to type over, and its prices in micro-units."""
    offered = {o.info.id: o.info.name for o in list_offered(here).values() if o.plugin != "offline"}
    offered |= {m.space.id: m.space.id for m in offered_models(here) if not m.local}
    names = {**{m: m for m in here.prices.models}, **offered}
    rows = []
    for number, (model, name) in enumerate(sorted(names.items())[:MODELS]):
        price = here.prices.models.get(model)
        texts = [
            plain_number(Decimal(p) / MICRO) if p else ""
            for p in ((price.tokens_in, price.tokens_out) if price else (0, 0))
        ]
        if typed is not None:
            texts = [typed.get(f"{way}_{number}", "")[:30] for way in ("in", "out")]
        amounts = [_micro(text) for text in texts]
        rows.append(
            {
                "number": number,
                "model": model,
                "name": name,
                "gone": model not in offered,
                "texts": texts,
                "in": amounts[0] or 0,
                "out": amounts[1] or 0,
                "wrong": None in amounts,
            }
        )
    return rows


def _micro(text: str) -> int | None:
    """A price in micro-units; None for what is no price."""
    try:
        found = parse_decimal(text)
    except ValueError:
        return None
    amount = int((found or 0) * MICRO)
    return amount if 0 <= amount <= MOST else None
