"""Mailchimp's interface by its own library, with what that library lets through put right.

It returns a response object instead of raising where an answer has no body, even for a 500; texts of errors come as a
string of JSON or as a dict; and it rewrites every `server` in an address, so it is given whole addresses.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from webchatagent.core.api import EgressRefused, Unavailable, WebChatAgentError, cause_of

from .config import Config

SECONDS = 10
PAGE = 500


class MailchimpRefused(WebChatAgentError):
    """Mailchimp says no; `title` is its own short word for why, which names no person."""

    status, code = 502, "newsletter_refused"

    def __init__(self, status: int, title: str) -> None:
        super().__init__(f"Mailchimp refuses it (status {status}).", "see the plugin's page")
        self.answered, self.title = status, title


def member_id(email: str) -> str:
    """What Mailchimp knows an address by."""
    return hashlib.md5(email.strip().lower().encode(), usedforsecurity=False).hexdigest()


class Mailchimp:
    """One audience. Every method raises Unavailable when Mailchimp does not answer, and MailchimpRefused."""

    def __init__(self, config: Config, audience_id: str = "") -> None:
        from mailchimp_marketing import Client

        self._client = Client()
        key = config.api_key.get_secret_value()
        self._client.set_config({"api_key": key, "server": "", "timeout": SECONDS})
        self._client.api_client.host = config.base
        self._list = audience_id or config.audience_id

    def __repr__(self) -> str:
        return f"<Mailchimp {self._list}>"

    def audience(self) -> str:
        """The audience's name."""
        return str(_call(self._client.lists.get_list, self._list, fields=["name"]).get("name", ""))

    def member(self, digest: str) -> tuple[str, datetime | None]:
        """How an address stands there and since when; an empty state when it is not there."""
        fields = ["status", "last_changed"]
        try:
            found = _call(self._client.lists.get_list_member, self._list, digest, fields=fields)
        except MailchimpRefused as error:
            if error.answered == 404:
                return "", None
            raise
        return str(found.get("status", "")), _moment(found.get("last_changed"))

    def put(self, email: str, body: dict[str, Any]) -> str:
        """Add or change an address; returns how it stands then."""
        sent = {"email_address": email, **body}
        return str(_call(self._client.lists.set_list_member, self._list, member_id(email), sent).get("status", ""))

    def unsubscribe(self, digest: str) -> None:
        """End it there."""
        _call(self._client.lists.update_list_member, self._list, digest, {"status": "unsubscribed"})

    def tag(self, digest: str, tags: list[str]) -> None:
        """Give an address tags."""
        body = {"tags": [{"name": tag, "status": "active"} for tag in tags]}
        _call(self._client.lists.update_list_member_tags, self._list, digest, body)

    def forget(self, digest: str) -> None:
        """Delete an address and everything on it for good; one that is not there is forgotten already."""
        try:
            _call(self._client.lists.delete_list_member_permanent, self._list, digest)
        except MailchimpRefused as error:
            if error.answered != 404:
                raise

    def left_since(self, moment: datetime) -> Iterator[tuple[str, datetime | None]]:
        """Addresses that left or bounced since a moment, with when."""
        wanted = {
            "fields": ["members.email_address", "members.last_changed"],
            "since_last_changed": moment.isoformat(timespec="seconds"),
            "count": PAGE,
        }
        for status in ("unsubscribed", "cleaned"):
            for offset in range(0, 100 * PAGE, PAGE):
                page = _call(
                    self._client.lists.get_list_members_info, self._list, status=status, offset=offset, **wanted
                )
                members = page.get("members") or []
                for member in members:
                    yield str(member.get("email_address", "")).lower(), _moment(member.get("last_changed"))
                if len(members) < PAGE:
                    break

    def watch(self, address: str) -> None:
        """Have Mailchimp tell an address who left, unless it does already."""
        known = _call(self._client.lists.get_list_webhooks, self._list).get("webhooks") or []
        if any(hook.get("url") == address for hook in known):
            return
        events = dict.fromkeys(("unsubscribe", "cleaned", "upemail"), True)
        events |= dict.fromkeys(("subscribe", "profile", "campaign"), False)
        sources = {"user": True, "admin": True, "api": True}
        _call(
            self._client.lists.create_list_webhook, self._list, {"url": address, "events": events, "sources": sources}
        )

    def reports(self) -> list[dict[str, Any]]:
        """The latest campaigns with their sums. Nothing about a person is asked for."""
        names = ("id", "list_id", "campaign_title", "send_time", "emails_sent", "opens.opens_total")
        fields = [f"reports.{name}" for name in (*names, "clicks.clicks_total")]
        found = _call(self._client.reports.get_all_campaign_reports, fields=fields, count=100)
        return [r for r in found.get("reports") or [] if r.get("list_id") == self._list]


def _call(run: Callable[..., Any], *arguments: Any, **options: Any) -> dict[str, Any]:
    """What a call of the library answers; an empty dict for an answer without a body."""
    from mailchimp_marketing.api_client import ApiClientError

    try:
        answer = run(*arguments, **options)
    except ApiClientError as error:
        if (refused := cause_of(error, EgressRefused)) is not None:
            raise refused from None
        raise _problem(error.status_code, error.text) from None
    if isinstance(answer, dict):
        return answer
    status = getattr(answer, "status_code", 200)
    if isinstance(answer, str) or not 200 <= status < 300:
        raise _problem(502 if isinstance(answer, str) else status, "")
    return {}


def _problem(status: int | None, text: Any) -> WebChatAgentError:
    if status is None or status == 429 or status >= 500:
        return Unavailable("Mailchimp does not answer.", "it is tried again")
    if isinstance(text, str):
        try:
            text = json.loads(text)
        except ValueError:
            text = {}
    title = text.get("title", "") if isinstance(text, dict) else ""
    return MailchimpRefused(status, str(title)[:60])


def _moment(text: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found if found.tzinfo else None
