"""Two tenants with the plugin on, a reader who opens mails, a clock, and a stand-in for Mailchimp."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from webchatagent.core import plugins
from webchatagent.core.db.accounts import OutboxMail
from webchatagent.core.mail import _opened, read_mail
from webchatagent.core.tenants import load_tenant
from webchatagent.plugins.newsletter.models import Subscriber

from .mailchimp_stub import AUDIENCE, KEY, running_stub

NOON = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
ADA = "ada@example.org"


class Clock:
    """The time that the plugin has; `pass_by` moves it."""

    def __init__(self) -> None:
        self.at = NOON

    def __call__(self) -> datetime:
        return self.at

    def pass_by(self, **amount: int) -> None:
        """Let time pass."""
        self.at += timedelta(**amount)


@pytest.fixture
def clock(monkeypatch):
    """What time the plugin has."""
    found = Clock()
    for name in ("signup", "sync"):
        monkeypatch.setattr(f"webchatagent.plugins.newsletter.{name}.now", found)
    return found


@pytest.fixture
def switch(platform, clock):
    """A function that switches the plugin on for a tenant, and gives the tenant as it is then."""

    def on(tenant, **settings):
        plugins.configure(tenant, "newsletter", settings)
        plugins.enable(tenant, "newsletter")
        return load_tenant(platform, slug=tenant.slug)

    return on


@pytest.fixture
def here(acme, bot, switch):
    """The first tenant, without Mailchimp."""
    return switch(acme)


@pytest.fixture
def there(globex, foreign_bot, switch):
    """The second one."""
    return switch(globex)


@pytest.fixture
def mailchimp(clock, request):
    """Mailchimp, held to the official description where that is beside the repository."""
    from pathlib import Path

    file = Path(__file__).resolve().parents[4] / "shared/specs/mailchimp.marketing-3.0.55.subset.swagger.json"
    spec = json.loads(file.read_text()) if file.is_file() else None
    with running_stub(spec) as stub:
        stub.clock = clock
        yield stub
    assert stub.wrong == []


@pytest.fixture
def linked(acme, bot, switch, mailchimp):
    """The first tenant, with Mailchimp."""
    return switch(acme, api_key=KEY, audience_id=AUDIENCE, api_url=mailchimp.url, tags=["chat"])


def subscribers(tenant):
    """The rows of a tenant, oldest first."""
    with tenant.read() as db:
        return list(db.scalars(select(Subscriber).order_by(Subscriber.id)))


def mails(tenant):
    """What was mailed: (kind, recipient, text, address to unsubscribe at), oldest first."""
    with tenant.read() as db:
        rows = list(db.scalars(select(OutboxMail).order_by(OutboxMail.id)))
    return [(r.kind, r.recipient, read_mail(tenant, r.id)[1], _opened(tenant, r)[1]) for r in rows]


def tokens(tenant, kind="confirm", email=""):
    """The tokens of the links that were mailed, oldest first."""
    found = []
    for _, recipient, text, _ in mails(tenant):
        if not email or recipient == email:
            found += re.findall(rf"/x/newsletter/{tenant.slug}/{kind}/(\S+)", text)
    return found
