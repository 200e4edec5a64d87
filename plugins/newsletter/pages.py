"""The form, the links of the mails, and what Mailchimp tells us."""

from __future__ import annotations

from html import escape

from webchatagent.core.api import (
    InvalidRequest,
    Route,
    RouteRequest,
    RouteResponse,
    Tenant,
    page_response,
    public_address,
)

from . import webhook
from .config import Config
from .signup import ask, confirm, leave
from .words import LANGUAGES, consent_text, say, title_of

ASKED_PER_HOUR = 20
"""How often one network may ask."""


def routes() -> list[Route]:
    """The plugin's pages and web hooks."""
    ask_for = {"per_hour": ASKED_PER_HOUR, "widget": True}
    return [
        Route("form", form, ("GET", "POST"), max_body=4000, **ask_for),  # type: ignore[arg-type]
        Route("signup", signup, ("POST",), max_body=4000, **ask_for),  # type: ignore[arg-type]
        Route("signup/<language>", signup, ("POST",), max_body=4000, **ask_for),  # type: ignore[arg-type]
        Route("confirm/<token>", confirm_page, ("GET", "POST"), max_body=1000),
        Route("unsubscribe/<token>", leave_page, ("GET", "POST"), max_body=1000),
        Route("webhook/<secret>", webhook.take, ("GET", "POST"), max_body=65_536),
    ]


def signup(tenant: Tenant, request: RouteRequest) -> RouteResponse:
    """`{"email", "agree": true}` from the widget or a program; the answer never says whether an address is known."""
    sent = request.json()
    if not isinstance(sent, dict):
        raise InvalidRequest("The request is not a JSON object.", "send an object")
    named = request.parts.get("language", "")
    language = named if named in LANGUAGES else request.language
    ask(
        tenant,
        sent.get("email"),
        sent.get("agree"),
        language=language,
        channel="widget" if request.bot_id else "api",
        address=request.address,
        session_id=request.session_id,
    )
    return RouteResponse({"message": say("asked", language)}, 202)


def form(tenant: Tenant, request: RouteRequest) -> RouteResponse:
    """The page to sign up on, for links and QR codes."""
    language = request.language
    title = title_of(tenant, language)
    if request.method == "GET":
        return page_response(language, title, _form(tenant, language))
    sent = request.form()
    try:
        if not sent.get("website"):  # people do not see this field; programs that fill in everything do
            agreed = sent.get("agree") == "yes"
            ask(tenant, sent.get("email"), agreed, language=language, channel="page", address=request.address)
    except InvalidRequest as error:
        return page_response(language, title, _form(tenant, language, error.message, sent.get("email", "")), 422)
    return page_response(language, title, f'<p role="status">{escape(say("asked", language))}</p>')


def _form(tenant: Tenant, language: str, wrong: str = "", email: str = "") -> str:
    privacy = public_address(tenant, f"/t/{tenant.slug}/privacy?lang={language}")
    intro = tenant.config(Config).intro
    return "".join(
        (
            f"<p>{escape(intro)}</p>" if intro else "",
            f'<p role="alert">{escape(wrong)}</p>' if wrong else "",
            f'<form method="post"><label>{escape(say("email", language))}<input type="email" name="email" required '
            f'maxlength="254" autocomplete="email" value="{escape(email)}"></label>',
            '<p class="trap" aria-hidden="true"><input name="website" tabindex="-1" autocomplete="off"></p>',
            f'<label class="box"><input type="checkbox" name="agree" value="yes" required>'
            f"<span>{escape(consent_text(tenant, language))}</span></label>",
            f'<p><a href="{escape(privacy)}">{escape(say("privacy", language))}</a></p>',
            f"<button>{escape(say('submit', language))}</button></form>",
        )
    )


def confirm_page(tenant: Tenant, request: RouteRequest) -> RouteResponse:
    """Behind the link that confirms: a button, so that a scanner of mails confirms nothing."""
    language, title = request.language, title_of(tenant, request.language)
    if request.method == "GET":
        return page_response(language, title, _button(say("confirm_ask", language), say("confirm", language)))
    outcome = confirm(tenant, request.parts["token"], request.address)
    status = 410 if outcome == "over" else 200
    return page_response(language, title, f'<p role="status">{escape(say(f"was_{outcome}", language))}</p>', status)


def leave_page(tenant: Tenant, request: RouteRequest) -> RouteResponse:
    """Behind the link to unsubscribe; a mail program posts to it at once (RFC 8058)."""
    language, title = request.language, title_of(tenant, request.language)
    if request.method == "GET":
        return page_response(language, title, _button(say("leave_ask", language), say("leave", language)))
    by = "one_click" if request.form().get("List-Unsubscribe") == "One-Click" else "link"
    known = leave(tenant, request.parts["token"], by)
    said = say("was_left" if known else "was_over", language)
    return page_response(language, title, f'<p role="status">{escape(said)}</p>', 200 if known else 404)


def _button(text: str, label: str) -> str:
    return f'<p>{escape(text)}</p><form method="post"><button name="do" value="yes">{escape(label)}</button></form>'
