"""The script of the consent layer, the tags of what was agreed to, and the answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from webchatagent.core.api import SITE_PURPOSES, NotFound, Route, RouteRequest, RouteResponse, Tenant, public_address

from .choices import LANGUAGES, asked, choose, say, text_of
from .config import Config

SCRIPT = "text/javascript; charset=utf-8"
HEADERS = {"Cache-Control": "no-cache", "Cross-Origin-Resource-Policy": "cross-origin"}
WORDS = ("title", "accept", "refuse", "save", "choose", "change", "close", "privacy", "embed", "embed_load")
ANSWERS_PER_HOUR = 120
"""How often visitors of one network may answer."""


def routes() -> list[Route]:
    """The plugin's addresses."""
    answer: dict[str, Any] = {"per_hour": ANSWERS_PER_HOUR, "widget": True, "max_body": 4000}
    return [
        Route("consent.js", layer),
        Route("tags/<purposes>.js", tags),
        Route("choice", choice, ("GET", "POST"), api="consent", **answer),
        Route("choice/<language>", choice, ("POST",), **answer),
    ]


def layer(tenant: Tenant, request: RouteRequest) -> RouteResponse:
    """The layer, with what is asked now. It loads nothing by itself."""
    code = Path(__file__).with_name("layer.js").read_text(encoding="utf-8")
    return _script(f"(function (config, script) {{\n{code}}})({_js(_told(tenant))}, document.currentScript);\n")


def tags(tenant: Tenant, request: RouteRequest) -> RouteResponse:
    """The tags of the purposes in the address, joined by dots; whoever loads it agreed to them. Raises NotFound."""
    consented = frozenset(request.parts["purposes"].split("."))
    if not consented <= set(SITE_PURPOSES):
        raise NotFound("There is nothing here.")
    found = [tag for _, tag in tenant.hooks.each("site_tags", tenant=tenant, consented=consented)]
    calls = [f"run({_js(t.id)}, {_js(dict(t.config))}, function (config, site) {{\n{t.code}}});" for t in found]
    return _script("(function (run) {\n" + "\n".join(calls) + "\n})(window.WebChatAgentConsent.run);\n")


def choice(tenant: Tenant, request: RouteRequest) -> RouteResponse:
    """What is asked (GET), or a visitor's answer: `{"id", "choices", "versions"}`."""
    if request.method == "GET":
        return RouteResponse(_told(tenant))
    named = request.parts.get("language", "")
    choose(tenant, request.json(), named if named in LANGUAGES else request.language)
    return RouteResponse({"ok": True})


def _told(tenant: Tenant) -> dict[str, Any]:
    """What the layer needs to know; all of it is public."""
    config = tenant.config(Config)
    return {
        "tenant": tenant.slug,
        "button": config.button,
        "privacy": public_address(tenant, f"/t/{tenant.slug}/privacy"),
        "purposes": [
            {
                "name": a.name,
                "version": a.version,
                "services": [
                    {"name": s.service, "by": f"{s.recipient}, {s.country}", "url": s.privacy_url} for s in a.services
                ],
                "cookies": sorted({cookie for s in a.services for cookie in s.cookies}),
            }
            for a in asked(tenant).values()
        ],
        "texts": {spoken: _words(tenant, spoken) for spoken in LANGUAGES},
    }


def _words(tenant: Tenant, language: str) -> dict[str, str]:
    plain = {name: say(name, language, name="{name}") for name in WORDS}  # the page itself puts the name in
    purposes = {name: say(f"purpose_{name}", language) for name in SITE_PURPOSES}
    return {**plain, **purposes, "text": text_of(tenant, language)}


def _js(value: Any) -> str:
    """A value as it may stand in a script."""
    return json.dumps(value, ensure_ascii=True).replace("<", "\\u003c")


def _script(code: str) -> RouteResponse:
    return RouteResponse(code, content_type=SCRIPT, headers=HEADERS)
