"""The plan of the workspace: what it allows, what is used of it, choosing another, and invoices."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from babel.numbers import format_currency, get_currency_precision
from flask import flash, redirect, request, url_for
from flask_babel import get_locale, gettext
from flask_babel import lazy_gettext as _
from flask_login import current_user

from webchatagent.core.billing import Billing
from webchatagent.core.caps import tenant_levels
from webchatagent.core.egress import calling
from webchatagent.core.entitlements import COUNTS
from webchatagent.core.errors import NotFound, WebChatAgentError
from webchatagent.core.tenants import Tenant

from ..fab.session import platform, tenant
from ..fab.views import Page, page
from ..links import link_to
from ..messages import explain
from ..panelwords import LIMITS
from ..roles import rights

WORDS = {
    "bots": _("Bots"),
    "members": _("People"),
    "pages": _("Pages and files"),
    "messages": _("Questions a month"),
    "tokens": _("Tokens a month"),
}
STATES = {
    "none": _("Everything is allowed"),
    "free": _("Free"),
    "trial": _("Trial"),
    "active": _("Paid"),
    "grace": _("Payment failed"),
    "locked": _("No paid plan"),
}
INVOICES = {
    "paid": _("Paid"),
    "open": _("Unpaid"),
    "void": _("Cancelled"),
    "uncollectible": _("Not paid"),
}


def find_billing(here: Tenant) -> tuple[str, Billing] | None:
    """The plugin that sells plans to a tenant, and its plans; None where nothing is sold."""
    for plugin in sorted(here.platform.registry.everywhere & here.enabled):
        made: Billing | None = here.platform.registry.alone(plugin).call("billing", tenant=here)
        if made is not None:
            return plugin, made
    return None


def price_words(amount: int, currency: str) -> str:
    """An amount of the smallest unit, such as `€12.00`; yen have no smaller unit, dinars a thousand of them."""
    places = get_currency_precision(currency.upper())
    return format_currency(Decimal(amount).scaleb(-places), currency.upper(), locale=get_locale() or "en")


class PlanPage(Page):
    """Owners choose and pay; others of the workspace see what it may use. Cards are entered at the company only."""

    route_base = "/plan"
    default_view = "show"
    label, icon, menu = _("Plan"), "card", "workspace"
    rights = rights(read=("owner", "editor", "viewer", "operator"), write=("owner", "operator"))

    @page("/")
    def show(self) -> Any:
        """The plan, what is used, the other plans, invoices."""
        here = tenant()
        plugin, made = _found(here)
        if request.args.get("done"):
            with calling(plugin, here):
                self._try(made.refresh, gettext("Thank you. The plan counts as soon as the payment is confirmed."))
            return redirect(url_for(".show"))
        with calling(plugin, here):
            status, plans, invoices = made.status(), made.plans(), made.invoices()
        return self.show_page(
            "wca/plan.html",
            status=status,
            plans=plans,
            invoices=invoices,
            ready=made.ready,
            used=_used(here),
            words=WORDS,
            states=STATES,
            invoice_states=INVOICES,
            price_words=price_words,
            locked=here.entitlements.locked,
        )

    @page("/choose", needs="edit", methods=("POST",))
    def choose(self) -> Any:
        """Buy or change."""
        return self._leave(lambda made: made.choose(request.form.get("price", ""), current_user.email, _back()))

    @page("/portal", needs="edit", methods=("POST",))
    def portal(self) -> Any:
        """To the page for card, address and tax number."""
        return self._leave(lambda made: made.portal(_back()))

    @page("/invoice/<number>", needs="edit")
    def invoice(self, number: str) -> Any:
        """To an invoice."""
        return self._leave(lambda made: made.invoice_url(number))

    @page("/end", needs="edit", methods=("POST",))
    def end(self) -> Any:
        """End with the paid time, or go on after all."""
        here, at_end = tenant(), request.form.get("end") == "yes"
        plugin, made = _found(here)
        with calling(plugin, here):
            said = gettext("It ends with the paid time.") if at_end else gettext("It goes on.")
            self._try(lambda: made.end(at_end), said)
        return redirect(url_for(".show"))

    def _leave(self, ask: Callable[[Billing], str]) -> Any:
        """Lead to an address of the company by a page of ours: a form may not lead out by itself."""
        here = tenant()
        plugin, made = _found(here)
        try:
            with calling(plugin, here):
                address = ask(made)
        except WebChatAgentError as error:
            flash(explain(error), "danger")
            return redirect(url_for(".show"))
        if address:
            return self.show_page("wca/plan_leave.html", address=address)
        flash(gettext("The plan is changed."), "success")
        return redirect(url_for(".show"))

    @staticmethod
    def _try(call: Callable[[], None], said: str) -> None:
        try:
            call()
        except WebChatAgentError as error:
            flash(explain(error), "danger")
        else:
            flash(said, "success")


def _found(here: Tenant) -> tuple[str, Billing]:
    found = find_billing(here)
    if found is None:
        raise NotFound("Nothing is sold here.")
    return found


def _back() -> str:
    return link_to(platform().settings, request.host_url, "/plan/")


def _used(here: Tenant) -> list[tuple[Any, int, int]]:
    """What the plan limits: a word, what is used, and the most."""
    limits = here.entitlements.limits
    with here.read() as db:
        found = [(WORDS[name], COUNTS[name](db, here), limits[name]) for name in COUNTS if limits.get(name)]
    wanted = {"month_messages": "messages", "month_tokens": "tokens"}
    levels = [level for level in tenant_levels(here) if limits.get(wanted.get(level.name, ""))]
    return [*found, *((LIMITS[level.name], level.used, level.most) for level in levels)]
