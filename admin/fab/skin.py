"""How pages look and what browsers are told: headers, language, error pages, helpers of the templates."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

from flask import Flask, current_app, g, jsonify, render_template, request, session
from flask_babel import format_date, format_decimal, get_locale, gettext
from flask_babel import lazy_gettext as _
from flask_login import current_user
from flask_wtf.csrf import CSRFError
from markupsafe import escape
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException

from webchatagent.core.errors import WebChatAgentError
from webchatagent.core.support import current_visits

from ..formats import ago, clock_time, short_date
from ..languages import LANGUAGES, country_name, language_name, localised, role_label, scope_label
from ..messages import SENTENCES, explain
from ..render import markdown, urls
from .session import place, tenant
from .views import wants_json

MENU = (
    ("work", ""),
    ("workspace", _("Workspace")),
    ("privacy", _("Privacy and trail")),
    ("installation", _("Installation")),
)
"""The groups of the menu, in order, with their headings."""
POLICY = (
    "default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)


def csp_nonce() -> str:
    """The nonce of this response's scripts."""
    if "nonce" not in g:
        g.nonce = secrets.token_urlsafe(16)
    nonce: str = g.nonce
    return nonce


def choose_locale() -> str:
    """The language: chosen in this session, else the person's own, else the browser's. Writes no cookie."""
    chosen = session.get("locale")
    if chosen in LANGUAGES:
        return str(chosen)
    user = g.get("user")
    if user is not None and user.is_authenticated and user.locale in LANGUAGES:
        return str(user.locale)
    return request.accept_languages.best_match(list(LANGUAGES)) or "en"


def _headers(response: Any) -> Any:
    response.headers.setdefault("Content-Security-Policy", POLICY.format(nonce=csp_nonce()))
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    response.headers["Permissions-Policy"] = "camera=(), microphone=(), geolocation=()"
    if current_app.config["SESSION_COOKIE_SECURE"]:
        response.headers["Strict-Transport-Security"] = "max-age=31536000"
    if not (request.endpoint or "").endswith("static"):
        response.headers.setdefault("Cache-Control", "no-store")
    return response


def _problem(status: int, title: str, text: str, code: str) -> Any:
    if wants_json():
        return jsonify({"error": {"code": code, "message": text}}), status
    return render_template("wca/problem.html", status=status, title=title, text=text), status


def _http_error(error: HTTPException) -> Any:
    texts = {
        403: (
            gettext("You may not open this page"),
            gettext("Your role here does not include it. Ask an owner of this workspace."),
        ),
        404: (
            gettext("There is nothing here"),
            gettext("It may have been deleted, or it belongs to another workspace."),
        ),
        405: (gettext("That does not work this way"), gettext("Please use the buttons of the page.")),
        413: (gettext("This file is too large"), str(SENTENCES["file_too_large"])),
        429: (gettext("Too many attempts"), gettext("Please wait a moment and try again.")),
    }
    status = error.code or 500
    if isinstance(error, CSRFError):
        return _problem(400, gettext("This page was open too long"), gettext("Please reload it and try again."), "csrf")
    if status == 403 and current_user.is_authenticated and g.get("place") is None:
        texts[403] = (
            gettext("You have no workspace yet"),
            gettext("Ask the people who invited you to add you to theirs."),
        )
    title, text = texts.get(status, (gettext("Something went wrong"), gettext("Please try again.")))
    return _problem(status, title, text, error.name.lower().replace(" ", "_"))


def _core_error(error: WebChatAgentError) -> Any:
    return _problem(error.status, gettext("That did not work"), explain(error), error.code)


def _crash(error: Exception) -> Any:
    original = getattr(error, "original_exception", None) or error
    current_app.logger.error("a page of the admin failed", exc_info=original)
    full = isinstance(original, (OSError, SQLAlchemyError)) and (
        "full" in str(original) or getattr(original, "errno", 0) == 28
    )
    code = "no_space" if full else "try_again"
    return _problem(507 if full else 500, gettext("Something went wrong"), str(SENTENCES[code]), code)


def _visits() -> Sequence[Any]:
    """The visits of support that the people of this request's tenant see; a query only while there is one."""
    here = place()
    if here is None or here.visited_until is None:
        return ()
    going = current_visits(tenant())
    return [v for v in going if v.user_id == current_user.id] if here.role == "support" else going


def _plans_are_sold() -> bool:
    """Whether a plugin sells plans to the tenant of this request."""
    from ..views.plan import find_billing

    return place() is not None and find_billing(tenant()) is not None


def install(app: Flask) -> None:
    """Put headers, error pages and template helpers on the app."""
    app.jinja_env.globals.update(
        appbuilder=app.extensions["appbuilder"],
        csp_nonce=csp_nonce,
        current_language=lambda: str(get_locale() or "en"),
        ago=ago,
        number=format_decimal,
        short_date=short_date,
        places=lambda: g.get("places", []),
        place=lambda: g.get("place"),
        visits=_visits,
        clock_time=clock_time,
        long_date=lambda when: format_date(when, "long", rebase=False),
        person=current_user,
        languages=LANGUAGES,
        language_name=language_name,
        country_name=country_name,
        role_label=role_label,
        scope_label=scope_label,
        translated=gettext,
        localised=localised,
        menu_groups=MENU,
        plans_are_sold=_plans_are_sold,
        has_page=lambda endpoint: endpoint in app.view_functions,
    )
    app.jinja_env.filters.update(
        markdown=markdown, urls=urls, first_letter=lambda text: escape((text or "?").strip()[:1].upper())
    )
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.extensions["babel"].locale_selector = choose_locale
    app.after_request(_headers)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(WebChatAgentError, _core_error)
    app.register_error_handler(Exception, _crash)
