"""Connecting a Google account, choosing its calendar, and taking the permission back."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from datetime import timedelta
from urllib.parse import urlencode

from sqlalchemy import delete, select

from webchatagent.core.api import (
    InvalidRequest,
    LoginFailed,
    Tenant,
    TenantSession,
    ToolFailed,
    Unavailable,
    audit_record,
    current_actor,
    now,
    start_job,
)

from .client import Calendars, TokenRefused, ask_token, endpoints, revoke, who
from .config import Config
from .google import link_of
from .models import GoogleLink, Revocation
from .tokens import access_token, seal, unseal

API_SCOPES = tuple(
    f"https://www.googleapis.com/auth/calendar.{name}"
    for name in ("calendarlist.readonly", "freebusy", "events.owned", "settings.readonly")
)
SCOPES = ("openid", "email", *API_SCOPES)
"""What is asked for, and nothing else."""


class GoogleConnection:
    """The tenant's Google account, as the admin shows it."""

    label = "Google Calendar"

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant

    @property
    def account(self) -> str:
        """The address of the connected account."""
        link = link_of(self._tenant)
        return (link.email or link.account_id) if link else ""

    @property
    def broken(self) -> bool:
        """Whether Google refuses the connection."""
        link = link_of(self._tenant)
        return bool(link and link.state == "broken")

    @property
    def chosen(self) -> str:
        """The id of the chosen calendar."""
        link = link_of(self._tenant)
        return link.calendar_id if link else ""

    @property
    def choices(self) -> Sequence[tuple[str, str]]:
        """The account's own calendars. Raises Unavailable."""
        link = link_of(self._tenant)
        if link is None or link.state != "connected":
            return ()
        try:
            return self._calendars(link).calendars()
        except ToolFailed as error:
            raise Unavailable(error.message, "try again later") from None

    def _calendars(self, link: GoogleLink) -> Calendars:
        return Calendars(self._tenant.config(Config), access_token(self._tenant, link.id))

    def begin(self, redirect_uri: str) -> tuple[str, dict[str, str]]:
        """Google's address, with a state, a PKCE challenge and offline access. Raises LoginFailed."""
        config = self._tenant.config(Config)
        if not config.has_client:
            raise LoginFailed("setup", "The OAuth client is missing.", "enter client ID and secret")
        kept = {
            "state": secrets.token_urlsafe(32),
            "verifier": secrets.token_urlsafe(48),
            "redirect_uri": redirect_uri,
            "tenant": str(self._tenant.id),
        }
        digest = hashlib.sha256(kept["verifier"].encode()).digest()
        query = {
            "response_type": "code",
            "client_id": config.client_id,
            "redirect_uri": redirect_uri,
            "scope": " ".join(SCOPES),
            "state": kept["state"],
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
            "access_type": "offline",
            "prompt": "consent",
        }
        return f"{endpoints(config).authorization}?{urlencode(query)}", kept

    def finish(self, params: Mapping[str, str], kept: Mapping[str, str]) -> None:
        """Take the permission that was given. Raises LoginFailed."""
        state = params.get("state", "")
        mine = kept.get("tenant") == str(self._tenant.id)
        if not (mine and state and hmac.compare_digest(state.encode(), kept.get("state", "").encode())):
            raise LoginFailed("over", "This was not begun here.")
        if "error" in params or not params.get("code"):
            raise LoginFailed("cancelled", "The permission was not given.")
        config = self._tenant.config(Config)
        form = {"code": params["code"], "code_verifier": kept["verifier"], "redirect_uri": kept["redirect_uri"]}
        try:
            found = ask_token(config, grant_type="authorization_code", **form)
        except TokenRefused:
            raise LoginFailed("odd", "Google refuses the code.") from None
        granted = set(str(found.get("scope") or "").split())
        if not set(API_SCOPES) <= granted or not isinstance(found.get("refresh_token"), str):
            raise LoginFailed("setup", "Not everything was permitted.", "connect again, and leave all boxes ticked")
        account, email = who(config, found["access_token"])
        kept_scopes = " ".join(sorted(granted))
        with self._tenant.write() as db:
            db.execute(delete(GoogleLink).execution_options(synchronize_session=False))
            db.add(
                GoogleLink(
                    account_id=account,
                    email=email,
                    scopes=kept_scopes,
                    refresh_token=seal(self._tenant, "refresh", found["refresh_token"]),
                    access_token=seal(self._tenant, "access", found["access_token"]),
                    access_until=now() + timedelta(seconds=int(found.get("expires_in") or 3600)),
                )
            )
            audit_record(db, current_actor(), "calendar.connected", account)

    def choose(self, choice: str) -> None:
        """Take a calendar of the account, and the account's time zone. Raises InvalidRequest, Unavailable."""
        link = link_of(self._tenant)
        if link is None or choice not in dict(self.choices):
            raise InvalidRequest("There is no such calendar.", "choose one of the list", field="calendar")
        try:
            zone = self._calendars(link).zone()
        except ToolFailed as error:
            raise Unavailable(error.message, "try again later") from None
        with self._tenant.write() as db:
            row = db.get(GoogleLink, link.id)
            if row is not None:
                row.calendar_id, row.zone = choice, zone
                audit_record(db, current_actor(), "calendar.chosen", row.account_id)

    def disconnect(self) -> None:
        """Forget the token at once; a job tells Google. Events stay."""
        with self._tenant.write() as db:
            ring = forget(self._tenant, db)
        self._tenant.platform.ring(ring)


def forget(tenant: Tenant, db: TenantSession) -> list[str]:
    """Delete the connection in a transaction; returns the job that tells Google."""
    row = db.scalar(select(GoogleLink))
    if row is None:
        return []
    left = Revocation(token=seal(tenant, "revoke", unseal(tenant, "refresh", row.refresh_token)))
    db.add(left)
    audit_record(db, current_actor(), "calendar.disconnected", row.account_id)
    db.delete(row)
    db.flush()
    return start_job(db, "calendar.revoke", f"calendar-revoke:{left.id}", revocation_id=left.id)


def revoke_left(tenant: Tenant, revocation_id: int) -> None:
    """The job: tell Google to forget a token; it is tried again until Google heard. Raises LoginFailed."""
    with tenant.read() as db:
        row = db.get(Revocation, revocation_id)
    if row is None:
        return
    revoke(tenant.config(Config), unseal(tenant, "revoke", row.token))
    with tenant.write() as db:
        db.execute(
            delete(Revocation).where(Revocation.id == revocation_id).execution_options(synchronize_session=False)
        )
