"""`plugin`: what is installed, switching on and off, configuring."""

from __future__ import annotations

import sys

import click

from ..core import plugins
from ..core.tenants import load_tenant
from .context import Context, F, Result, common, table


@click.group()
def plugin() -> None:
    """Plugins: installed by the operator, switched on per tenant."""


@plugin.command("list")
@click.argument("tenant_slug", metavar="TENANT", required=False)
@common
def plugin_list(context: Context, tenant_slug: str | None) -> Result:
    """All plugins, and for a tenant which are on."""
    registry = context.platform.registry
    on = load_tenant(context.platform, slug=tenant_slug).enabled if tenant_slug else registry.operator_switched
    rows = [
        {
            "id": m.id,
            "name": m.name,
            "category": m.category,
            "switched_by": m.switched_by,
            "on": m.id in on,
            "summary": m.summary,
        }
        for m in registry.manifests.values()
    ]
    lines = table(
        [(r["id"], "on" if r["on"] else "off", r["category"], r["switched_by"], r["summary"]) for r in rows],
        ("PLUGIN", "STATE", "CATEGORY", "SWITCHED BY", "SUMMARY"),
    )
    broken = [{"id": name, "error": reason} for name, reason in registry.broken.items()]
    return Result({"plugins": rows, "broken": broken}, lines + [f"broken: {b['id']}: {b['error']}" for b in broken])


def of_plugin(function: F) -> F:
    """The arguments of a command on one plugin of a tenant."""
    function = click.argument("plugin_id", metavar="PLUGIN")(function)
    return click.argument("tenant_slug", metavar="TENANT")(function)


@plugin.command("enable")
@of_plugin
@common
def plugin_enable(context: Context, tenant_slug: str, plugin_id: str) -> Result:
    """Switch a plugin on for a tenant, after trying its configuration."""
    plugins.enable(load_tenant(context.platform, slug=tenant_slug), plugin_id)
    return Result({"plugin": plugin_id, "on": True}, [f"{plugin_id} is on"])


@plugin.command("disable")
@of_plugin
@common
def plugin_disable(context: Context, tenant_slug: str, plugin_id: str) -> Result:
    """Switch a plugin off for a tenant; its data stays."""
    receipt = plugins.disable(load_tenant(context.platform, slug=tenant_slug), plugin_id)
    stopped = [f"  stopped: {what} {n}" for what, n in receipt.stopped.items() if n]
    kept = [f"  kept: {what} {n}" for what, n in receipt.kept.items() if n]
    data = {"plugin": plugin_id, "on": False, "stopped": dict(receipt.stopped), "kept": dict(receipt.kept)}
    return Result(data, [f"{plugin_id} is off", *stopped, *kept])


@plugin.command("check")
@of_plugin
@common
def plugin_check(context: Context, tenant_slug: str, plugin_id: str) -> Result:
    """Try a plugin's configuration for real."""
    problems = plugins.check(load_tenant(context.platform, slug=tenant_slug), plugin_id)
    lines = [f"{p.field + ': ' if p.field else ''}{p.message} ({p.cure})" for p in problems] or [f"{plugin_id} is fine"]
    return Result(
        [{"field": p.field, "message": p.message, "cure": p.cure} for p in problems], lines, 1 if problems else 0
    )


@plugin.command("set")
@of_plugin
@click.argument("values", nargs=-1, required=True, metavar="KEY=VALUE...")
@common
def plugin_set(context: Context, tenant_slug: str, plugin_id: str, values: tuple[str, ...]) -> Result:
    """Configure a plugin; a secret as KEY=@FILE or KEY=- (standard input), never echoed."""
    changes = plugins.read_values(values, sys.stdin)
    plugins.configure(load_tenant(context.platform, slug=tenant_slug), plugin_id, changes)
    return Result({"plugin": plugin_id, "changed": sorted(changes)}, [f"{plugin_id}: " + ", ".join(sorted(changes))])
