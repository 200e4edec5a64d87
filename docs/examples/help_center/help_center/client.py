"""Talking to the help centre: one function, with a time and a size that it keeps to."""

import http.client
import json
from typing import Any
from urllib.parse import quote, urlsplit

from webchatagent.core.api import Unavailable

from .config import Config

SECONDS, MAX_BYTES = 5.0, 5_000_000


class Refused(Unavailable):
    """The help centre does not know the token."""


def call(config: Config, method: str, path: str, body: dict[str, str] | None = None) -> Any:
    """What the help centre answers, as JSON. Raises Refused, or Unavailable with a sentence and a cure."""
    url = urlsplit(str(config.base_url))
    kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
    connection = kind(url.hostname or "", url.port, timeout=SECONDS)
    headers = {"Authorization": f"Bearer {config.token.get_secret_value()}", "Content-Type": "application/json"}
    try:
        # No redirect is followed: the token goes to the address that the tenant entered, and nowhere else.
        connection.request(method, url.path.rstrip("/") + path, json.dumps(body) if body else None, headers)
        answer = connection.getresponse()
        data = answer.read(MAX_BYTES + 1)
        if answer.status in (401, 403):
            raise Refused("The help centre refuses the token.", "make a new token and paste it", field="token")
        if answer.status != 200 or len(data) > MAX_BYTES:
            raise ValueError(f"status {answer.status}, {len(data)} bytes")
        return json.loads(data)
    except (OSError, ValueError, http.client.HTTPException):
        raise Unavailable(
            "The help centre does not answer as it should.", "check the address", field="base_url"
        ) from None
    finally:
        connection.close()


def author_path(email: str) -> str:
    """The path of one author."""
    return f"/api/authors/{quote(email, safe='')}"
