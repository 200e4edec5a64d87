"""The demo: one tenant whose bot answers from this project's own documentation."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import click

from ..core.bots import LiveBot, create_bot, list_bots
from ..core.documents import SourceSpec
from ..core.egress import calling
from ..core.errors import NotFound
from ..core.settings import read_or_make
from ..core.sources import connector_of, ensure_source, list_sources, take_findings
from ..core.tenants import Platform, Tenant, create_tenant, load_tenant
from .snippet import embed_snippet

EMAIL = "admin@example.org"
ROOT = Path(__file__).resolve().parents[2]
SUGGESTIONS = [
    "How do I add a website as a source?",
    "Wie füge ich eine Website als Quelle hinzu?",
    "मैं स्रोत के रूप में वेबसाइट कैसे जोड़ूँ?",
]


@dataclass(frozen=True)
class Demo:
    """What a newcomer needs to know."""

    chat: str
    admin: str
    email: str
    password: str
    snippet: str


def seed(platform: Platform, base: str) -> Demo:
    """Make tenant, bot, sources and login where they are missing; safe to repeat."""
    from ..admin.accounts import create_user, find_user

    tenant = _tenant(platform)
    bot = _bot(tenant)
    _documentation(tenant, bot)
    password = read_or_make(platform.settings.folder / "demo_password.txt", 12)
    if find_user(platform, EMAIL) is None:
        create_user(platform, EMAIL, tenant=tenant, role="owner", password=password)
    return Demo(
        f"{base}/chat/{bot.public_id}",
        f"{base}/admin/",
        EMAIL,
        password,
        embed_snippet(platform.settings, bot.public_id, base),
    )


def _tenant(platform: Platform) -> Tenant:
    try:
        return load_tenant(platform, slug="demo")
    except NotFound:
        return create_tenant(platform, "demo", "Demo")


def _bot(tenant: Tenant) -> LiveBot:
    found = list_bots(tenant)
    if found:
        return found[0]
    from ..core.bots import change_settings

    bot = create_bot(tenant, "guide", "WebChatAgent Guide", "en")
    change_settings(tenant, bot.id, suggestions=SUGGESTIONS)
    return bot


def _documentation(tenant: Tenant, bot: LiveBot) -> None:
    """Add the pages of the documentation; what did not change since the last start is not read again."""
    plugin, connector = connector_of(tenant, "file")
    for target in (ROOT / "docs", ROOT / "README.md"):
        if target.exists():
            source_id = ensure_source(tenant, bot.id, connector.kind, str(target))
            with calling(plugin, tenant):
                found = connector.find(SourceSpec(str(target)))
                take_findings(tenant, source_id, (f for f in found if f.external_id.endswith(".md")))
    if not list_sources(tenant, bot.id):
        click.echo(
            "The documentation is not here, so the demo bot knows nothing yet: add a source in the admin.", err=True
        )


def announce(demo: Demo) -> None:
    """Print what a newcomer needs."""
    click.echo(
        "\n".join(
            [
                "",
                "WebChatAgent is running.",
                "",
                f"  Chat page   {demo.chat}",
                f"  Admin       {demo.admin}",
                f"  E-mail      {demo.email}",
                f"  Password    {demo.password}",
                "",
                "  Put the bot on any page of this machine:",
                f"  {demo.snippet}",
                "",
                "  Stop with Ctrl+C.",
                "",
            ]
        )
    )
