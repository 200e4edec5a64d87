"""`tenant`, `user` and `bot`."""

from __future__ import annotations

import sys
from typing import Any

import click

from ..core import closing
from ..core.bots import create_bot
from ..core.errors import InvalidRequest
from ..core.tenants import Tenant, create_tenant, list_tenants, load_tenant
from .context import Context, Result, common, table
from .snippet import embed_snippet

ROLES = ("owner", "editor", "agent", "viewer", "privacy")


@click.group()
def tenant() -> None:
    """Tenants: the companies on this installation."""


@tenant.command("create")
@click.argument("slug")
@click.option("--name", required=True, help="What people read.")
@click.option(
    "--locale", default="en", type=click.Choice(["en", "de", "hi"]), help="Language of new bots and of its pages."
)
@common
def tenant_create(context: Context, slug: str, name: str, locale: str) -> Result:
    """Make a tenant with the default plugins on."""
    made = create_tenant(context.platform, slug, name, locale)
    return Result(
        {"id": made.id, "slug": made.slug, "plugins": sorted(made.enabled)},
        [f"tenant {made.slug}: {made.name}", "plugins: " + ", ".join(sorted(made.enabled))],
    )


@tenant.command("list")
@common
def tenant_list(context: Context) -> Result:
    """All tenants."""
    found = list_tenants(context.platform)
    return Result(
        [
            {"id": t.id, "slug": t.slug, "name": t.name, "locale": t.locale, "state": _state(t), "erase_at": t.erase_at}
            for t in found
        ],
        table([(t.slug, t.name, t.locale, _state(t)) for t in found], ("SLUG", "NAME", "LOCALE", "STATE")),
    )


def _state(tenant: Tenant) -> str:
    return "open" if tenant.erase_at is None else f"closed, erased from {tenant.erase_at.date().isoformat()} on"


@tenant.command("close")
@click.argument("slug")
@common
def tenant_close(context: Context, slug: str) -> Result:
    """Close a tenant: its bots answer nobody, and after 30 days everything of it is deleted."""
    found = load_tenant(context.platform, slug=slug)
    from ..admin.leaving import close_workspace

    close_workspace(found, "webchatagent tenant close", context.platform.settings.public_url or "http://localhost:8080")
    until = load_tenant(context.platform, slug=slug).erase_at
    assert until is not None
    return Result(
        {"slug": slug, "state": "closed", "erase_at": until},
        [f"{slug} is closed, and erased on {until.date().isoformat()}", f"undo: webchatagent tenant reopen {slug}"],
    )


@tenant.command("reopen")
@click.argument("slug")
@common
def tenant_reopen(context: Context, slug: str) -> Result:
    """Undo `tenant close`; nothing was lost."""
    closing.reopen_tenant(load_tenant(context.platform, slug=slug))
    return Result({"slug": slug, "state": "open"}, [f"{slug} is open"])


@tenant.command("erase")
@click.argument("slug")
@click.option("--yes", is_flag=True, help="Really: nothing of it can be brought back.")
@common
def tenant_erase(context: Context, slug: str, yes: bool) -> Result:
    """Delete a tenant with everything that belongs to it, now; `tenant close` leaves 30 days to undo it."""
    found = load_tenant(context.platform, slug=slug)
    if not yes:
        raise InvalidRequest(f"This deletes everything of {slug}.", "add --yes when you mean it", field="yes")
    receipts = closing.erase_now(found)
    data: dict[str, dict[str, dict[str, Any]]] = {
        plugin: {"done": dict(r.done), "kept": dict(r.kept)} for plugin, r in receipts.items()
    }
    return Result(data, [f"{plugin}: {what} {n}" for plugin, r in data.items() for what, n in r["done"].items()])


@click.group()
def user() -> None:
    """People who log in to the admin."""


@user.command("create")
@click.argument("email")
@click.option("--tenant", "slug", help="The tenant they work for.")
@click.option("--role", type=click.Choice(ROLES), default="owner", help="What they may do there.")
@click.option("--operator", is_flag=True, help="Runs this installation.")
@click.option(
    "--password-stdin", is_flag=True, help="Read the password from standard input; else one is made and printed."
)
@common
def user_create(
    context: Context, email: str, slug: str | None, role: str, operator: bool, password_stdin: bool
) -> Result:
    """Make a login."""
    from ..admin.accounts import create_user

    if bool(slug) == operator:
        raise InvalidRequest("Say for whom this person works.", "give --tenant SLUG, or --operator", field="tenant")
    given = sys.stdin.readline().rstrip("\n") if password_stdin else None
    found = load_tenant(context.platform, slug=slug) if slug else None
    user_id, password = create_user(
        context.platform, email, tenant=found, role="operator" if operator else role, password=given
    )
    shown = {"password": password} if password and not given else {}  # none for somebody who has a login already
    return Result(
        {"id": user_id, "email": email, **shown},
        [f"user {email}"] + [f"password {p}  (shown once)" for p in shown.values()],
    )


@click.group()
def bot() -> None:
    """Bots of a tenant."""


@bot.command("create")
@click.argument("tenant_slug", metavar="TENANT")
@click.argument("slug")
@click.option("--name", required=True, help="Visitors see it at the top of the chat.")
@click.option(
    "--locale",
    default="",
    type=click.Choice(["", "en", "de", "hi"]),
    help="Language of its greeting; the tenant's when left out.",
)
@common
def bot_create(context: Context, tenant_slug: str, slug: str, name: str, locale: str) -> Result:
    """Make a bot; prints its public id and the embed snippet."""
    made = create_bot(load_tenant(context.platform, slug=tenant_slug), slug, name, locale)
    snippet = embed_snippet(context.platform.settings, made.public_id)
    return Result({"id": made.public_id, "bot": f"{tenant_slug}/{slug}", "snippet": snippet}, [made.public_id, snippet])
