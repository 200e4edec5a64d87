"""Widget files and a bot's public start-up values."""

from __future__ import annotations

import hashlib
import json
import re
from functools import lru_cache

import orjson
from flask import Blueprint, Response, request

from ..core.errors import NotFound
from ..core.widget_config import widget_config
from .chat import find_bot

files = Blueprint("files", __name__)
TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".map": "application/json",
    ".svg": "image/svg+xml",
    ".json": "application/json",
    ".woff2": "font/woff2",
}
_HASHED = re.compile(r"\.[0-9A-Za-z_-]{8,}\.\w+$")


@lru_cache(maxsize=1)
def manifest() -> dict[str, str]:
    """The widget's built files: `{"panel": "panel.<hash>.js", …}`."""
    from ..widget import asset_path

    found: dict[str, str] = json.loads((asset_path() / "manifest.json").read_text(encoding="utf-8"))
    return found


@lru_cache(maxsize=64)
def _content(name: str) -> tuple[bytes, str]:
    from ..widget import asset_path

    path = asset_path() / name
    if "/" in name or name.startswith(".") or not path.is_file() or path.suffix not in TYPES:
        raise NotFound("There is nothing here.")
    data = path.read_bytes()
    return data, hashlib.sha256(data).hexdigest()[:20]


@files.get("/widget/v1/<name>")
def widget_file(name: str) -> Response:
    """A file of the widget; those with a hash in their name never change."""
    data, tag = _content(name)
    response = Response(
        data,
        headers={
            "Content-Type": TYPES["." + name.rsplit(".", 1)[-1]],
            "Access-Control-Allow-Origin": "*",
            "Cross-Origin-Resource-Policy": "cross-origin",
        },
    )
    response.set_etag(tag)
    immutable = bool(_HASHED.search(name))
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if immutable else "public, max-age=300"
    return response.make_conditional(request)  # type: ignore[return-value]


@files.get("/api/bots/<public_id>/config")
def get_config(public_id: str) -> Response:
    """Public start-up values of the widget, with an ETag."""
    values = widget_config(find_bot(public_id, closed_too=True))
    data = orjson.dumps({**values, "panel": f"/widget/v1/{manifest()['panel']}"})
    response = Response(data, headers={"Content-Type": "application/json", "Cache-Control": "public, max-age=60"})
    response.set_etag(hashlib.sha256(data).hexdigest()[:20])
    return response.make_conditional(request)  # type: ignore[return-value]
