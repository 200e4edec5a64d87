"""The privacy notice: what is published, how it differs from what is switched on now, and publishing it anew."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, request, url_for
from flask_babel import get_locale, gettext
from flask_babel import lazy_gettext as _

from webchatagent.core import noticeversions
from webchatagent.core.notice import compose
from webchatagent.core.texts import LANGUAGES

from ..fab.session import tenant
from ..fab.views import Page, page
from ..roles import rights
from .bots import public_url

KINDS = {"new": (_("New"), "good"), "changed": (_("Changed"), "warn"), "gone": (_("Gone"), "bad")}


class PrivacyNoticePage(Page):
    """One click publishes it in all languages; every version stays to be read."""

    route_base = "/privacy-notice"
    default_view = "show"
    label, icon, menu = _("Privacy notice"), "shield", "privacy"
    rights = rights(read=("owner", "editor", "privacy", "operator"), write=("owner", "privacy", "operator"))

    @page("/")
    def show(self) -> str:
        """The differences and the text."""
        here = tenant()
        asked = request.args.get("language", "")
        language = asked if asked in LANGUAGES else str(get_locale() or "en")
        return self.show_page(
            "wca/privacy_notice.html",
            versions=noticeversions.list_versions(here),
            differences=noticeversions.differences(here, language),
            notice=compose(here, language),
            language=language,
            kinds=KINDS,
            address=f"{public_url()}/t/{here.slug}/privacy",
        )

    @page("/publish", needs="edit", methods=("POST",))
    def publish(self) -> Any:
        """Publish what is switched on now."""
        number = noticeversions.publish(tenant())
        flash(gettext("Version %(number)s is published in all languages.", number=number), "success")
        return redirect(url_for(".show"))
