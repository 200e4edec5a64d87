"""The marketplace: what is installed, what leaves the house, switching on and off, settings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import flash, redirect, request, url_for
from flask_babel import gettext, ngettext
from flask_babel import lazy_gettext as _

from webchatagent.core import marketplace, plugins, stopping
from webchatagent.core.errors import WebChatAgentError
from webchatagent.core.texts import say

from ..fab.session import role, tenant
from ..fab.views import Page, page
from ..languages import localised, spoken
from ..messages import explain
from ..roles import rights
from ..schemaerrors import explain_problem, place_problems
from ..schemaforms import SettingsForm, make_form, read_changes
from .connections import find_connection

CATEGORIES: dict[str, tuple[Any, str]] = {
    "source": (_("Sources"), "files"),
    "model": (_("Answer models"), "spark"),
    "embedding": (_("Search by meaning"), "search"),
    "channel": (_("Channels"), "chat"),
    "calendar": (_("Appointments"), "clock"),
    "billing": (_("Billing"), "list"),
    "marketing": (_("Marketing"), "mail"),
    "privacy": (_("Privacy"), "shield"),
    "login": (_("Sign-in"), "lock"),
    "tools": (_("Look-ups and actions"), "code"),
}
STATES = {
    "on": (_("On"), "good"),
    "off": (_("Off"), ""),
    "setup": (_("Needs settings"), "warn"),
    "broken": (_("Broken"), "bad"),
}
REASONS = {
    "ManifestError": _("Its description (plugin.toml) is missing or wrong."),
    "ModuleNotFoundError": _("A package that it needs is not installed."),
    "ImportError": _("A package that it needs does not fit."),
    "PluginRefused": _("It breaks a rule of the platform's hooks."),
    "PluginValidationError": _("It names a hook that does not exist."),
    "SyntaxError": _("Its code cannot be read by this version of Python."),
}


def reason_of(text: str) -> str:
    """Why a plugin is broken, in a sentence; the operator reads the error itself too."""
    kind = text.partition(":")[0]
    return str(REASONS.get(kind, _("It failed while it was loaded (%(kind)s).", kind=kind)))


class MarketplacePage(Page):
    """Everybody may look; owners switch and set."""

    route_base = "/marketplace"
    default_view = "list"
    label, icon, menu = _("Marketplace"), "shop", "workspace"
    rights = rights()

    @page("/")
    def list(self) -> str:
        """Cards by category."""
        here = tenant()
        offers = marketplace.list_offers(here)
        shelves = [
            (name, label, icon, [o for o in offers if o.manifest.category == name])
            for name, (label, icon) in CATEGORIES.items()
        ]
        return self.show_page(
            "wca/marketplace.html",
            shelves=[s for s in shelves if s[3]],
            broken=marketplace.list_broken(here),
            reason_of=reason_of,
            details=role() == "operator",
            states=STATES,
        )

    @page("/<plugin>/")
    def show(self, plugin: str) -> str:
        """One plugin with its settings."""
        return self._shown(plugin, None)

    @page("/<plugin>/settings", needs="edit", methods=("POST",))
    def configure(self, plugin: str) -> Any:
        """Try the settings for real, then save them."""
        here = tenant()
        form = self._form(plugin)
        changes = read_changes(form) if form.validate_on_submit() else None
        if changes is not None:
            try:
                plugins.configure(here, plugin, changes, whole=True)
            except plugins.PluginProblems as error:
                place_problems(form, error.problems)
            except WebChatAgentError as error:
                form.problems.append(explain(error))
            else:
                flash(gettext("The settings work and are saved."), "success")
                return redirect(url_for(".show", plugin=plugin))
        return self._shown(plugin, form)

    @page("/<plugin>/enable", needs="edit", methods=("POST",))
    def enable(self, plugin: str) -> Any:
        """Switch a plugin on, when its settings work."""
        try:
            plugins.enable(tenant(), plugin)
        except plugins.PluginProblems as error:
            form = self._form(plugin, typed=False)
            place_problems(form, error.problems)
            flash(gettext("It cannot be switched on yet. Please look at the settings."), "danger")
            return self._shown(plugin, form)
        flash(gettext("It is on."), "success")
        return redirect(url_for(".show", plugin=plugin))

    @page("/<plugin>/disable", needs="edit", methods=("POST",))
    def disable(self, plugin: str) -> Any:
        """Switch a plugin off, and say what stopped."""
        receipt = plugins.disable(tenant(), plugin)
        flash(" ".join([gettext("It is off."), *told(receipt, done=True)]), "success")
        return redirect(url_for(".show", plugin=plugin))

    @page("/<plugin>/check", needs="edit", methods=("POST",))
    def check(self, plugin: str) -> Any:
        """Try the saved settings."""
        problems = plugins.check(tenant(), plugin)
        if not problems:
            flash(gettext("Everything works."), "success")
        for problem in problems:
            flash(": ".join(filter(None, [problem.field, explain_problem(problem)])), "danger")
        return redirect(url_for(".show", plugin=plugin))

    def _form(self, plugin: str, typed: bool = True) -> SettingsForm:
        here = tenant()
        words = plugins.manifest_of(here, plugin).words(spoken())
        return make_form(plugins.config_model(here, plugin), *plugins.shown_config(here, plugin), words.fields, typed)

    def _shown(self, plugin: str, form: SettingsForm | None) -> str:
        here = tenant()
        offer = marketplace.find_offer(here, plugin)
        may = self.may("edit") and plugins.may_switch(here, offer.manifest) and offer.state != "broken"
        stops = stopping.preview(here, plugin) if may and offer.state in ("on", "setup") else None
        if offer.configurable and may and form is None:
            form = self._form(plugin)
        return self.show_page(
            "wca/plugin.html",
            offer=offer,
            words=offer.manifest.words(spoken()),
            form=form if offer.configurable and may else None,
            may_edit=may,
            connection=find_connection(here, plugin) if self.may("edit") else None,
            leaves=marketplace.what_leaves(here, plugin),
            copied=self._values(plugin) if may else [],
            stops=" ".join(told(stops, done=False)) if stops else "",
            category=CATEGORIES[offer.manifest.category],
            states=STATES,
            said=lambda key: say(key, spoken()),
        )

    def _values(self, plugin: str) -> Sequence[tuple[str, str, bool]]:
        """What a person copies elsewhere, as (label, value, whether to copy); whether the plugin is on or off."""
        here = tenant()
        found = here.platform.registry.alone(plugin).each("setup_values", tenant=here)
        base = (here.platform.settings.public_url or request.host_url).rstrip("/")
        return [(localised(v.label), base + v.value if v.path else v.value, v.copied) for _plugin, v in found]


def told(receipt: stopping.Receipt, *, done: bool) -> list[str]:
    """A receipt in sentences; what counts nothing is left out."""
    stopped, kept = receipt.stopped, receipt.kept
    out = []
    if n := stopped.get("sources", 0):
        out.append(ngettext("%(num)d source is not read any more.", "%(num)d sources are not read any more.", n))
    if done and (n := stopped.get("jobs", 0)):
        out.append(ngettext("%(num)d waiting job was cancelled.", "%(num)d waiting jobs were cancelled.", n))
    if n := stopped.get("bots", 0):
        out.append(ngettext("%(num)d bot loses its answer model.", "%(num)d bots lose their answer model.", n))
    if n := kept.get("documents", 0):
        out.append(ngettext("%(num)d document stays searchable.", "%(num)d documents stay searchable.", n))
    return out
