"""Meta's Graph API with the tenant's token: bounded in time and size, and to its own host only.

Facts: facebook/openapi (v23.0) for paths and bodies; error codes from Meta's table of the Cloud API. An ID of a person
goes into `recipient`, a number into `to`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from webchatagent.core.api import EgressRefused, WebChatAgentError, make_fetcher

from .config import Config

SECONDS = 15.0
CHECK_SECONDS = 3.0
MAX_BYTES = 2_000_000
FILES = "lookaside.fbsbx.com"
"""Where Meta serves files."""
PASSING = frozenset({1, 2, 4, 17, 341, 80007, 130429, 131000, 131016, 131056, 131057, 133004})
"""Codes of faults and limits that pass."""
NOT_OURS = frozenset({0, 3, 10, 190, *range(200, 300)})
"""Codes of a token that ended, or may not do this."""
BEFORE = ("fetch_no_host", "fetch_tls")


class GraphFailed(WebChatAgentError):
    """Meta refuses; `number` is its code, `reason` what it says. `passing`: trying later helps; `setup`: the token."""

    status, code = 502, "whatsapp_refused"

    def __init__(self, reason: str, number: int = 0, *, passing: bool = False, setup: bool = False) -> None:
        cure = "look at the settings of WhatsApp" if setup else "try again later" if passing else ""
        super().__init__(f"Meta says: {reason}", cure)
        self.reason, self.number, self.passing, self.setup = reason, number, passing, setup


class GraphUnsure(GraphFailed):
    """Nobody can say whether Meta took it: it did not answer."""

    code = "whatsapp_unsure"

    def __init__(self) -> None:
        super().__init__("no answer", passing=True)


class Graph:
    """The calls of one tenant. Raises GraphFailed, GraphUnsure."""

    def __init__(self, config: Config, seconds: float = SECONDS) -> None:
        self._config, self._seconds = config, seconds
        self._host = urlsplit(config.api_url).hostname or ""

    def send(self, body: Mapping[str, Any]) -> str:
        """Send a message; its id at Meta."""
        found = self._json("POST", f"{self._config.phone_number_id}/messages", body, writes=True)
        messages = found.get("messages")
        first = messages[0] if isinstance(messages, list) and messages and isinstance(messages[0], dict) else {}
        return str(first.get("id") or "")[:200]

    def file(self, file_id: str) -> dict[str, Any]:
        """Where a file is and what it is: `url`, `mime_type`, `file_size`, `sha256`."""
        fields = {"phone_number_id": self._config.phone_number_id}
        return self._json("GET", f"{quote(file_id, safe='')}?{urlencode(fields)}")

    def download(self, url: str, most: int) -> bytes:
        """A file's bytes, from Meta's own host or the one that is asked instead of it. `most` is in bytes."""
        parts = urlsplit(url)
        secure = parts.scheme == "https" or self._config.api_url.startswith("http://")
        allowed = {self._host, *((FILES,) if self._host == "graph.facebook.com" else ())}
        if not secure or parts.hostname not in allowed:
            raise GraphFailed("a file lies elsewhere than at Meta")
        return self._fetch("GET", url, None, most=most, hosts=allowed)

    def numbers(self, business_id: str) -> list[dict[str, Any]]:
        """The numbers of a business account."""
        fields = "id,display_phone_number,verified_name,quality_rating,code_verification_status,status"
        return self._rows(f"{business_id}/phone_numbers?{urlencode({'fields': fields, 'limit': 50})}")

    def businesses(self) -> list[str]:
        """The ids of the business accounts that the token opens.

        The token is asked about in a body: an address with a token in it would stand in logs.
        """
        token = self._config.token.get_secret_value()
        asked = json.dumps([{"method": "GET", "relative_url": f"debug_token?input_token={quote(token, safe='')}"}])
        answer = self._fetch("POST", self._config.api_url, urlencode({"batch": asked}).encode(), form=True)
        try:
            inner = json.loads(json.loads(answer)[0]["body"])["data"]
            scopes = inner["granular_scopes"]
        except (ValueError, KeyError, IndexError, TypeError):
            return []
        ids = [i for s in scopes if s.get("scope") == "whatsapp_business_management" for i in s.get("target_ids", [])]
        return [str(i) for i in ids if str(i).isdigit()][:50]

    def subscribe(self, business_id: str) -> None:
        """Let the app hear of the account's messages; it may be so already."""
        self._json("POST", f"{business_id}/subscribed_apps", {}, writes=True)

    def templates(self, business_id: str, name: str) -> list[dict[str, Any]]:
        """The templates of a name, one for each language."""
        query = {"name": name, "fields": "name,language,status,category,components", "limit": 50}
        rows = self._rows(f"{business_id}/message_templates?{urlencode(query)}")
        return [row for row in rows if row.get("name") == name]

    def _rows(self, path: str) -> list[dict[str, Any]]:
        found = self._json("GET", path).get("data")
        return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []

    def _json(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, *, writes: bool = False
    ) -> dict[str, Any]:
        sent = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        answer = self._fetch(method, self._config.api_url + path, sent, writes=writes)
        try:
            found = json.loads(answer)
        except (ValueError, RecursionError):
            raise GraphFailed("something that cannot be read", passing=True) from None
        return found if isinstance(found, dict) else {}

    def _fetch(
        self,
        method: str,
        url: str,
        body: bytes | None,
        *,
        writes: bool = False,
        form: bool = False,
        most: int = MAX_BYTES,
        hosts: set[str] | None = None,
    ) -> bytes:
        from webchatagent.core.api import FetchFailed, FetchRefused

        headers = {"Authorization": f"Bearer {self._config.token.get_secret_value()}"}
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded" if form else "application/json"
        allowed = hosts or {self._host}
        fetcher = make_fetcher(deadline=self._seconds, max_bytes=most)
        try:
            answer = fetcher.send(method, url, headers, body, lambda host: host in allowed)
        except (FetchRefused, EgressRefused):
            raise GraphFailed("its address cannot be called from here") from None
        except FetchFailed as error:
            if error.code == "fetch_too_large":
                raise GraphFailed("too large") from None
            if writes and error.code not in BEFORE:
                raise GraphUnsure() from None
            raise GraphFailed("no answer", passing=True) from None
        if answer.status >= 400:
            raise _refusal(answer.status, answer.body)
        return answer.body


def _refusal(status: int, body: bytes) -> GraphFailed:
    """Meta's error as one of ours: its title and details, which name no person."""
    try:
        error = json.loads(body)["error"]
        number = int(error.get("code") or 0)
        detail = (error.get("error_data") or {}).get("details") if isinstance(error.get("error_data"), dict) else ""
        said: Sequence[str] = [str(part) for part in (error.get("message"), detail) if part]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        number, said = -1, [f"status {status}"]
    reason = ": ".join(dict.fromkeys(said))[:280] or f"status {status}"
    setup = status == 401 or number in NOT_OURS
    passing = not setup and (status >= 500 or status == 429 or number in PASSING)
    return GraphFailed(reason, number, passing=passing, setup=setup)
