"""Who is calling, behind proxies: only what the operator configured is believed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from .core.addresses import is_address
from .core.settings import Settings

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def trust_proxies(app: Flask, settings: Settings) -> None:
    """Let an app see the visitor's address, scheme and host as the trusted proxies say them; without any, nothing."""
    count = int(settings.trusted_proxies)
    if not count:
        return
    inner: Wsgi = app.wsgi_app
    if settings.address_header != "X-Forwarded-For":
        inner = _AddressOf(inner, settings.address_header)
    app.wsgi_app = ProxyFix(inner, x_for=count, x_proto=count, x_host=count)  # type: ignore[method-assign]


class _AddressOf:
    """Takes the visitor's address from a header that a proxy always sets anew, such as Cloudflare's."""

    def __init__(self, app: Wsgi, header: str) -> None:
        self._app, self._key = app, "HTTP_" + header.upper().replace("-", "_")

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        address = environ.get(self._key, "").strip()
        if is_address(address):  # a list, or nonsense, came from somebody else
            environ["REMOTE_ADDR"] = address
        return self._app(environ, start_response)
