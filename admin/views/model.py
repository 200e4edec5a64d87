"""The model control panel of a bot: what decides how it answers, its versions, its limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import flash, redirect, request, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _

from webchatagent.core import caps, plugins
from webchatagent.core.bots import LiveBot, change_caps, own_bot, save_settings
from webchatagent.core.caps import Caps
from webchatagent.core.errors import NotFound, WebChatAgentError
from webchatagent.core.offered import Offered, list_offered
from webchatagent.core.statistics import last_heard
from webchatagent.core.tenants import Tenant
from webchatagent.core.versions import compare, list_versions, read_version

from ..fab.session import platform, tenant
from ..fab.views import Page, page
from ..members import emails_of
from ..messages import explain
from ..modelforms import CapsForm, ModelForm, make_model_form
from ..money import money
from ..paging import MAX_NUMBER, asked_number
from ..panelwords import FIELDS, LIMITS, field_value, model_lines
from ..roles import rights
from ..schemaerrors import explain_problem
from .audit import who


class ModelPage(Page):
    """One bot's model, instructions and limits. A change is a version that can be compared and brought back."""

    route_base = "/model"
    default_view = "show"
    label = _("Model")
    rights = rights(write=("owner", "editor", "operator"))

    @page("/<int:bot_id>/")
    def show(self, bot_id: int) -> str:
        """What is set, the models there are, limits and versions."""
        return self._shown(own_bot(tenant(), bot_id))

    @page("/<int:bot_id>/save", needs="edit", methods=("POST",))
    def save(self, bot_id: int) -> Any:
        """Set it, as a new version."""
        here = tenant()
        bot = own_bot(here, bot_id)
        form = make_model_form(bot.settings, bot.version, list_offered(here))
        if not form.validate_on_submit():
            return self._shown(bot, form)
        expected = form.expected.data or ""
        try:
            number = save_settings(
                here,
                bot_id,
                form.values(),
                note=(form.note.data or "").strip(),
                expected=int(expected) if expected.isdigit() and len(expected) < 10 else 0,
            )
        except WebChatAgentError as error:
            _place(form, error)
            return self._shown(bot, form)
        same = gettext("Nothing was different, so there is no new version.")
        flash(same if number == bot.version else gettext("Version %(n)s is in force.", n=number), "success")
        return redirect(url_for(".show", bot_id=bot_id))

    @page("/<int:bot_id>/limits", needs="edit", methods=("POST",))
    def set_limits(self, bot_id: int) -> Any:
        """Set how much the bot may use."""
        here = tenant()
        bot = own_bot(here, bot_id)
        form = CapsForm(bot.caps)
        found = form.values() if form.validate_on_submit() else None
        if found is None:
            return self._shown(bot, limits=form)
        change_caps(here, bot_id, found)
        flash(gettext("Saved."), "success")
        return redirect(url_for(".show", bot_id=bot_id, _anchor="limits"))

    @page("/<int:bot_id>/check", needs="edit", methods=("POST",))
    def check(self, bot_id: int) -> Any:
        """Try the key and the models of a plugin."""
        here = tenant()
        own_bot(here, bot_id)
        plugin = request.form.get("plugin", "")
        if plugin not in {o.plugin for o in list_offered(here).values()}:
            raise NotFound("There is no such plugin.", code="plugin_not_found")
        problems = plugins.check(here, plugin)
        for problem in problems:
            flash(": ".join(filter(None, [problem.field, explain_problem(problem)])), "danger")
        if not problems:
            flash(gettext("Everything works."), "success")
        return redirect(url_for(".show", bot_id=bot_id))

    @page("/<int:bot_id>/compare")
    def compare(self, bot_id: int) -> str:
        """Two versions side by side; without a choice, the newest and the one before."""
        here = tenant()
        bot = own_bot(here, bot_id)
        new = asked_number("new") or bot.version
        old = asked_number("old") or max(1, new - 1)
        rows = list_versions(here, bot_id)
        first, second = read_version(here, bot_id, old), read_version(here, bot_id, new)
        return self.show_page(
            "wca/versions.html",
            bot=bot,
            rows=rows,
            old=first,
            new=second,
            differences=compare(first.settings, second.settings),
            fields=FIELDS,
            said=field_value,
            who=_authors(rows),
        )

    @page("/<int:bot_id>/restore/<int:number>", needs="edit", methods=("POST",))
    def restore(self, bot_id: int, number: int) -> Any:
        """Bring a version back, as a new one."""
        here = tenant()
        settings = read_version(here, bot_id, number).settings
        try:
            made = save_settings(here, bot_id, settings, restored=number)
        except WebChatAgentError as error:
            flash(explain(error), "danger")
        else:
            flash(gettext("Version %(old)s is back, as version %(new)s.", old=number, new=made), "success")
        return redirect(url_for(".show", bot_id=bot_id, _anchor="versions"))

    def _shown(self, bot: LiveBot, form: ModelForm | None = None, limits: CapsForm | None = None) -> str:
        here, offered = bot.tenant, list_offered(bot.tenant)
        with here.read() as db:
            levels = list(caps.levels(db, bot)) if caps.are_set(bot) else []
        versions = list_versions(here, bot.id)
        return self.show_page(
            "wca/model.html",
            bot=bot,
            form=form or make_model_form(bot.settings, bot.version, offered),
            limits=limits or CapsForm(bot.caps),
            unpriced=unpriced(here, bot.caps),
            levels=[(level, LIMITS[level.name], amount(here, level.name)) for level in levels],
            models=model_lines(here, offered, last_heard(here)),
            now_answering=_answering(bot, offered),
            prices=here.prices,
            money=money,
            versions=versions,
            who=_authors(versions),
        )


def _answering(bot: LiveBot, offered: Mapping[str, Offered]) -> str:
    """The id of the model that is named; empty when the choice is automatic."""
    return bot.settings.chat_model if bot.settings.chat_model in offered else ""


def unpriced(here: Tenant, limits: Caps) -> list[str]:
    """Models of providers without a price, where money is limited: what they cost would not be counted."""
    if not limits.month_money:
        return []
    offered = list_offered(here).values()
    return [o.info.name for o in offered if not o.info.local and o.info.id not in here.prices.models]


def amount(here: Tenant, name: str) -> Any:
    """How the numbers of a limit are written: as money, or as they are; None for the latter."""
    return (lambda value: money(value, here.prices.currency)) if name.endswith("money") else None


def _place(form: ModelForm, error: WebChatAgentError) -> None:
    """Put an error at the field it is about."""
    fields = {f.name: f for f in form} | ({"fallback_models": form.fallbacks[0]} if form.fallbacks else {})
    target = fields.get((error.field or "").split(".")[0])
    if target is None:
        flash(explain(error), "danger")
    else:
        target.errors = [*target.errors, explain(error)]


def _authors(rows: Sequence[Any]) -> Any:
    """Names of those who made versions."""
    ids = {int(r.author[5:]) for r in rows if r.author.startswith("user:") and r.author[5:].isdigit()}
    emails = emails_of(platform(), sorted(i for i in ids if i <= MAX_NUMBER)) if ids else {}
    return lambda name: who(name, emails)
