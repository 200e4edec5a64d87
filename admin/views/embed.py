"""Putting a bot on a website: the snippet, where it may appear, and whether it is there."""

from __future__ import annotations

from typing import Any

import segno
from flask import flash, redirect, request, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _

from webchatagent.core.bots import BotSettings, change_settings
from webchatagent.core.errors import WebChatAgentError
from webchatagent.core.onsite import look_for_bot

from ..botforms import origin_of
from ..fab.session import tenant
from ..fab.views import Page, page
from ..messages import explain
from ..roles import rights
from .bots import public_url
from .sources import find_bot, web_address

ANSWERS = {
    "here": (_("The bot is on this page."), "success"),
    "other_bot": (_("Another bot is on this page. Please compare the snippets."), "warning"),
    "missing": (_("The snippet is not on this page. Copy it into the page, before the closing body tag."), "warning"),
}


class EmbedPage(Page):
    """One bot's way onto a website."""

    route_base = "/embed"
    default_view = "show"
    label = _("Embed")
    rights = rights(write=("owner", "editor", "operator"))

    @page("/<int:bot_id>/")
    def show(self, bot_id: int) -> str:
        """The snippet to copy, the websites, the bot's own page with a code to print."""
        bot = find_bot(tenant(), bot_id)
        chat_url = f"{public_url()}/chat/{bot.public_id}"
        return self.show_page(
            "wca/embed.html",
            bot=bot,
            settings=BotSettings.model_validate(bot.settings or {}),
            snippet=f'<script src="{public_url()}/widget/v1/loader.js" data-bot="{bot.public_id}" defer></script>',
            chat_url=chat_url,
            picture=segno.make(chat_url).svg_data_uri(scale=4, border=2),
        )

    @page("/<int:bot_id>/origins", needs="edit", methods=("POST",))
    def origins(self, bot_id: int) -> Any:
        """Add a website, or take one away."""
        here = tenant()
        bot = find_bot(here, bot_id)
        allowed = BotSettings.model_validate(bot.settings or {}).allowed_origins
        gone = request.form.get("remove", "")
        added = origin_of(request.form.get("add", "")[:300]) if not gone else None
        if gone:
            change_settings(here, bot_id, allowed_origins=[o for o in allowed if o != gone])
            flash(gettext("The bot may not appear there any more."), "success")
        elif added is None:
            flash(gettext("Please enter a web address such as https://www.example.org."), "danger")
        else:
            change_settings(here, bot_id, allowed_origins=list(dict.fromkeys([*allowed, added])))
            flash(gettext("The bot may appear there now."), "success")
        return redirect(url_for(".show", bot_id=bot_id))

    @page("/<int:bot_id>/check", needs="edit", methods=("POST",))
    def check(self, bot_id: int) -> Any:
        """Read a page and look for the snippet."""
        here = tenant()
        bot = find_bot(here, bot_id)
        try:
            address = web_address(request.form.get("address", ""))
            said, kind = ANSWERS[look_for_bot(here, address, bot.public_id)]
            flash(str(said), kind)
        except WebChatAgentError as error:
            flash(explain(error), "danger")
        return redirect(url_for(".show", bot_id=bot_id))
