"""`key`: with what programs use the management API."""

from __future__ import annotations

import click

from ..core.apikeys import SCOPES, KeyLine, create_key, list_keys, revoke_key
from ..core.tenants import load_tenant
from .context import Context, Result, common, table

ACTOR = "command line"


@click.group()
def key() -> None:
    """Keys with which programs work for a tenant."""


def _row(line: KeyLine) -> dict[str, object]:
    return {
        "id": line.id,
        "name": line.name,
        "scopes": list(line.scopes),
        "state": line.state,
        "expires": line.expires_at,
        "last_used": line.last_used_at,
    }


@key.command("create")
@click.argument("slug", metavar="TENANT")
@click.option("--name", required=True, help="What uses it.")
@click.option(
    "--scope", "scopes", multiple=True, type=click.Choice(list(SCOPES)), help="What it may do; all when left out."
)
@click.option("--days", default=0, help="How long it is valid; 0 means until it is revoked.")
@common
def key_create(context: Context, slug: str, name: str, scopes: tuple[str, ...], days: int) -> Result:
    """Make a key; it is shown this once."""
    made = create_key(load_tenant(context.platform, slug=slug), name, scopes or SCOPES, days=days, actor=ACTOR)
    return Result({**_row(made.line), "key": made.secret}, [f"key {made.secret}  (shown once)"])


@key.command("list")
@click.argument("slug", metavar="TENANT")
@common
def key_list(context: Context, slug: str) -> Result:
    """A tenant's keys: what they may do, until when, and when they were used."""
    found = list_keys(load_tenant(context.platform, slug=slug))
    rows = [
        (k.id, k.state, str(k.expires_at or "-")[:10], str(k.last_used_at or "-")[:16], k.name, " ".join(k.scopes))
        for k in found
    ]
    return Result([_row(k) for k in found], table(rows, ("KEY", "STATE", "EXPIRES", "USED", "NAME", "SCOPES")))


@key.command("revoke")
@click.argument("slug", metavar="TENANT")
@click.argument("key_id", metavar="KEY")
@common
def key_revoke(context: Context, slug: str, key_id: str) -> Result:
    """End a key at once and for ever; KEY is the id that the list shows."""
    line = revoke_key(load_tenant(context.platform, slug=slug), key_id, actor=ACTOR)
    return Result(_row(line), [f"key {line.id} is revoked"])
