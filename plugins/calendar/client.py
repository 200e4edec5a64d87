"""The only place with Google's and Authlib's code: requests to the calendar, and the exchange of tokens."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from webchatagent.core.api import FetchFailed, FetchRefused, LoginFailed, ToolFailed, ToolUnsure, make_fetcher

from .config import Config
from .slots import Span

SECONDS = 8.0
MAX_BYTES = 2_000_000
ENDPOINTS = ("authorization_endpoint", "token_endpoint", "revocation_endpoint", "userinfo_endpoint")


class TokenRefused(ToolFailed):
    """Google does not take the token any more: the person took the permission back."""


@dataclass(frozen=True)
class Endpoints:
    """Google's addresses for permissions."""

    authorization: str
    token: str
    revocation: str
    userinfo: str


def endpoints(config: Config) -> Endpoints:
    """What the provider says of itself. Raises LoginFailed."""
    found = _json("GET", config.discovery_url, None, {})
    values = [found.get(name) for name in ENDPOINTS]
    if not all(isinstance(v, str) and v.startswith(("https://", "http://")) for v in values):
        raise LoginFailed("unreachable", "Google's description cannot be read.", "try again later")
    return Endpoints(*map(str, values))


def _json(method: str, url: str, form: Mapping[str, str] | None, headers: dict[str, str]) -> dict[str, Any]:
    """An answer as an object; an OAuth error is one too. Raises LoginFailed."""
    body = urlencode(form).encode() if form is not None else None
    if body is not None:
        headers = {**headers, "Content-Type": "application/x-www-form-urlencoded"}
    try:
        answer = make_fetcher(deadline=SECONDS, max_bytes=MAX_BYTES).send(method, url, headers, body)
        found = json.loads(answer.body) if answer.body.strip() else {}
    except (FetchFailed, FetchRefused, OSError) as error:
        raise LoginFailed("unreachable", "Google does not answer.", "try again later") from error
    except ValueError:
        raise LoginFailed("unreachable", "Google sent something that cannot be read.", "try again later") from None
    if answer.status >= 500 or not isinstance(found, dict):
        raise LoginFailed("unreachable", "Google has a fault.", "try again later")
    if answer.status >= 400 and "error" not in found:
        raise LoginFailed("odd", "Google refuses the request.")
    return found


def ask_token(config: Config, **form: str) -> dict[str, Any]:
    """Tokens for a code or a refresh token. Raises TokenRefused, LoginFailed."""
    secret = {"client_id": config.client_id, "client_secret": config.client_secret.get_secret_value()}
    found = _json("POST", endpoints(config).token, {**form, **secret}, {})
    error = found.get("error")
    if error == "invalid_grant":
        raise TokenRefused("Google does not accept the connection any more.")
    if error in ("invalid_client", "unauthorized_client", "redirect_uri_mismatch"):
        raise LoginFailed("setup", "Google refuses the client.", "check client ID, secret and redirect address")
    if error or not isinstance(found.get("access_token"), str):
        raise LoginFailed("odd", "Google refuses the request.")
    return found


def who(config: Config, access_token: str) -> tuple[str, str]:
    """Whose account it is: (id, e-mail address). Raises LoginFailed."""
    found = _json("GET", endpoints(config).userinfo, None, {"Authorization": f"Bearer {access_token}"})
    if not isinstance(found.get("sub"), str):
        raise LoginFailed("odd", "Google does not say whose account it is.")
    return found["sub"][:64], str(found.get("email") or "")[:254]


def revoke(config: Config, token: str) -> None:
    """Take the permission back; that it is gone already is fine. Raises LoginFailed."""
    form = {"token": token, "client_id": config.client_id, "client_secret": config.client_secret.get_secret_value()}
    _json("POST", endpoints(config).revocation, form, {})


class Calendars:
    """Google's calendar API with one access token. Raises ToolFailed, ToolUnsure and TokenRefused."""

    def __init__(self, config: Config, access_token: str) -> None:
        import google_auth_httplib2
        import httplib2
        from google.api_core.client_options import ClientOptions
        from google.oauth2.credentials import Credentials
        from googleapiclient.discovery import build

        http = httplib2.Http(timeout=SECONDS)
        http.follow_redirects = False
        self._service = build(
            "calendar",
            "v3",
            http=google_auth_httplib2.AuthorizedHttp(Credentials(access_token), http=http, max_refresh_attempts=0),
            static_discovery=True,
            client_options=ClientOptions(api_endpoint=config.api_url),
            cache_discovery=False,
        )

    def calendars(self) -> list[tuple[str, str]]:
        """The account's own calendars as (id, name), the main one first."""
        found = self._run(self._service.calendarList().list(minAccessRole="owner", maxResults=100))
        items = sorted(found.get("items", []), key=lambda c: not c.get("primary"))
        return [(c["id"], c.get("summary", c["id"])) for c in items]

    def zone(self) -> str:
        """The time zone of the account's settings."""
        return str(self._run(self._service.settings().get(setting="timezone")).get("value", ""))

    def busy(self, calendar: str, first: datetime, last: datetime) -> list[Span]:
        """When a calendar is busy. What Google cannot say is a failure, and never free."""
        body = {"timeMin": _time(first), "timeMax": _time(last), "items": [{"id": calendar}]}
        found = self._run(self._service.freebusy().query(body=body)).get("calendars", {}).get(calendar)
        if not isinstance(found, dict) or found.get("errors") or "busy" not in found:
            raise ToolFailed("Google does not say when the calendar is free.")
        return [(datetime.fromisoformat(b["start"]), datetime.fromisoformat(b["end"])) for b in found["busy"]]

    def insert(self, calendar: str, event: Mapping[str, Any]) -> None:
        """Write an event with an id of ours; that the id is there already means that it was written before."""
        request = self._service.events().insert(calendarId=calendar, body=dict(event), sendUpdates="none")
        self._run(request, fine=(409,), writes=True)

    def patch(self, calendar: str, event_id: str, event: Mapping[str, Any]) -> None:
        """Change an event."""
        request = self._service.events().patch(
            calendarId=calendar, eventId=event_id, body=dict(event), sendUpdates="none"
        )
        self._run(request, writes=True)

    def delete(self, calendar: str, event_id: str) -> None:
        """Delete an event; that it is gone already is fine."""
        request = self._service.events().delete(calendarId=calendar, eventId=event_id, sendUpdates="none")
        self._run(request, fine=(404, 410), writes=True)

    def _run(self, request: Any, fine: Sequence[int] = (), *, writes: bool = False) -> dict[str, Any]:
        import httplib2
        from google.auth.exceptions import GoogleAuthError
        from googleapiclient.errors import Error, HttpError

        try:
            return request.execute(num_retries=0) or {}
        except HttpError as error:
            status = int(error.resp.status)
            if status in fine:
                return {}
            if status == 401:
                raise TokenRefused("Google does not accept the token.") from None
            if status >= 500 and writes:
                raise ToolUnsure("Google has a fault.") from None
            raise ToolFailed(f"Google refuses the request (status {status}).") from None
        except GoogleAuthError:
            raise TokenRefused("Google does not accept the token.") from None
        except (Error, httplib2.HttpLib2Error, OSError, ValueError) as error:
            kind = ToolUnsure if writes and not isinstance(error, ConnectionRefusedError) else ToolFailed
            raise kind("Google does not answer.") from None


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
