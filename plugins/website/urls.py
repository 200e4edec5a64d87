"""One way to write each address, so that a page is read once."""

from __future__ import annotations

import posixpath
import re
from urllib.parse import parse_qsl, quote, unquote, urlencode, urljoin, urlsplit, urlunsplit

_TRACKING = re.compile(
    r"^(?:utm_\w+|gclid|fbclid|msclkid|mc_[ce]id|yclid|_ga|_gl|phpsessid|jsessionid|sessionid|sid)$", re.I
)
_SESSION = re.compile(r";jsessionid=[^/?#;]*", re.I)
_ASSET = re.compile(
    r"\.(?:jpe?g|png|gif|webp|avif|svg|ico|css|m?js|json|woff2?|ttf|eot|mp[34]|webm|ogg|wav|avi|mov|zip|gz|tgz|rar|7z|"
    r"exe|dmg|iso|apk|xml|rss|atom)$",
    re.I,
)
PORTS = {"http": 80, "https": 443}


def canonical(url: str, base: str = "") -> str:
    """The address in its one form: lower-case host, no fragment, no `..`, no tracking; empty when it is none."""
    try:
        parts = urlsplit(urljoin(base, url.strip()))
        port, host = parts.port, (parts.hostname or "").rstrip(".")
        host = host if host.isascii() else host.encode("idna").decode("ascii")
    except (ValueError, UnicodeError):
        return ""
    if parts.scheme not in PORTS or not host or "@" in parts.netloc:
        return ""
    path = _SESSION.sub("", parts.path) or "/"
    slash = "/" if path.endswith(("/", "/.", "/..")) else ""
    path = posixpath.normpath("/" + unquote(path, errors="surrogateescape").lstrip("/")).rstrip("/") + slash or "/"
    query = [(k, v) for k, v in parse_qsl(parts.query, keep_blank_values=True) if not _TRACKING.match(k)]
    shown = f"[{host}]" if ":" in host else host
    netloc = shown if port in (None, PORTS[parts.scheme]) else f"{shown}:{port}"
    return urlunsplit(
        (parts.scheme, netloc, quote(path, safe="/:@!$&'()*+,;=~-._", errors="surrogateescape"), urlencode(query), "")
    )


def bare_host(host: str) -> str:
    """A host without `www.`, as it is compared."""
    return host.lower().rstrip(".").removeprefix("www.")


def site_of(url: str) -> tuple[str, int]:
    """What makes two addresses the same site: host without www, and the port unless it is the usual one."""
    parts = urlsplit(url)
    port = parts.port or PORTS.get(parts.scheme, 0)
    return bare_host(parts.hostname or ""), 0 if port in PORTS.values() else port


def page_key(url: str) -> str:
    """The same for all spellings of a page: http and https, with and without www."""
    parts = urlsplit(url)
    return f"{site_of(url)}{parts.path}?{parts.query}"


def is_asset(url: str) -> bool:
    """Whether the address names an image, a script or the like by its ending."""
    return _ASSET.search(urlsplit(url).path) is not None
