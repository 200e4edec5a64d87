"""A plain page of a plugin, such as the one behind a link in a mail: no script, no foreign part, no frame around it."""

from __future__ import annotations

from html import escape

from .routes import RouteResponse
from .tenants import Tenant
from .texts import LANGUAGES

STYLE = (
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:3rem auto;padding:0 1rem;color:#1b1b1f}"
    "h1{font-size:1.4rem}button,a.file{font:inherit;padding:.6rem 1rem;margin:.25rem .25rem .25rem 0;border-radius:.5rem;"
    "border:1px solid #6b6b76;background:#fff;color:inherit;cursor:pointer;min-height:2.75rem}"
    "a.file{display:inline-block;text-decoration:none}[role=status]{padding:.75rem 1rem;background:#eef3ff;border-radius:.5rem}"
    "label{display:block;margin:.75rem 0}input:not([type=checkbox]),textarea,select{display:block;width:100%;"
    "box-sizing:border-box;font:inherit;padding:.6rem;border:1px solid #6b6b76;border-radius:.5rem;min-height:2.75rem}"
    "label.box{display:flex;gap:.6rem;align-items:flex-start}label.box input{width:1.4rem;height:1.4rem;flex:none}"
    "[role=alert]{padding:.75rem 1rem;background:#fff0f0;border-radius:.5rem}.trap{position:absolute;left:-9999px}"
)
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'",
    "X-Robots-Tag": "noindex",
    # With `no-referrer`, a browser would send the page's own form with the origin `null`.
    "Referrer-Policy": "same-origin",
}


def page_response(language: str, title: str, body: str, status: int = 200) -> RouteResponse:
    """A page with a heading; `title` is text, `body` is HTML with everything in it escaped already."""
    shown = language if language in LANGUAGES else "en"
    html = (
        f'<!doctype html><html lang="{shown}"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head>'
        f"<body><main><h1>{escape(title)}</h1>{body}</main></body></html>"
    )
    return RouteResponse(html, status, headers=HEADERS)


def public_address(tenant: Tenant, path: str) -> str:
    """An address of the public app, as mails carry it; `path` begins with a slash."""
    base = tenant.platform.settings.public_url or "http://127.0.0.1:8080"
    return f"{base.rstrip('/')}{path}"
