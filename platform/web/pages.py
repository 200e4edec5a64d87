"""Pages for people: a bot's own page, the privacy notice, the imprint, the front door."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, redirect, render_template, request

from ..core import notice
from ..core.errors import NotFound
from ..core.noticeversions import shown_notice
from ..core.tenants import OPERATOR, Tenant, load_tenant
from ..core.texts import LANGUAGES, say
from .parts import parts

pages = Blueprint("pages", __name__)
PAGE_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors *"
)


def _html(text: str, language: str, csp: str = PAGE_CSP) -> Response:
    return Response(
        text,
        headers={
            "Content-Type": "text/html; charset=utf-8",
            "Content-Security-Policy": csp,
            "Content-Language": language,
            "Cache-Control": "no-cache",
        },
    )


def page_language(default: str) -> str:
    """The language of a page: `?lang=`, else the best of the browser's, else the default."""
    asked = request.args.get("lang", "")
    if asked in LANGUAGES:
        return asked
    return request.accept_languages.best_match(LANGUAGES, default) or default


@pages.get("/")
def front_door() -> Response:
    """The admin, for those who type the address."""
    return redirect("/admin/")  # type: ignore[return-value]


@pages.get("/chat/<public_id>")
def chat_page(public_id: str) -> Response:
    """A bot's own page, for links, QR codes and trying it."""
    bot = parts().bots.find(public_id)
    return _html(render_template("chat.html", bot=bot, language=bot.locale), bot.locale)


@pages.get("/privacy", defaults={"slug": OPERATOR})
@pages.get("/t/<slug>/privacy")
def privacy_page(slug: str) -> Response:
    """The privacy notice as it was published last, or in the `?version=` that is asked for."""
    number = request.args.get("version", "")
    version = int(number) if number.isascii() and number.isdigit() and len(number) < 7 else 0
    return _notice(slug, lambda tenant, language: shown_notice(tenant, language, version))


@pages.get("/imprint", defaults={"slug": OPERATOR})
@pages.get("/t/<slug>/imprint")
def imprint_page(slug: str) -> Response:
    """Who is behind a site."""
    return _notice(slug, notice.imprint)


@pages.get("/integrations/<name>")
def integration_page(name: str) -> Response:
    """How an integration is set up: public, and without anything of a tenant. Raises NotFound."""
    found = parts().platform.registry.platform.each("guides")
    guide = next((g for plugin, g in found if g.id == name == plugin), None)
    if guide is None:
        raise NotFound("There is nothing here.")
    language = page_language("en")
    steps = [(heading[language], sentences[language]) for heading, sentences in guide.steps]
    title, intro = guide.title[language], guide.intro[language]
    text = render_template("guide.html", title=title, intro=intro, steps=steps, language=language, path=request.path)
    return _html(text, language)


def _notice(slug: str, compose: Callable[[Tenant, str], notice.Notice]) -> Response:
    tenant = load_tenant(parts().platform, slug=slug)
    language = page_language(tenant.locale)
    text = render_template(
        "notice.html",
        notice=compose(tenant, language),
        language=language,
        responsible=say("notice_controller", language),
        path=request.path,
    )
    return _html(text, language)
