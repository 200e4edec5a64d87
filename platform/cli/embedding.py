"""`embedding`: which model finds passages by meaning, and switching to another while the bots go on answering."""

from __future__ import annotations

import click

from ..core import embedding_switch as switch
from ..core.prices import MICRO
from ..core.spaces import read_choice
from ..core.tenants import Tenant, load_tenant
from ..jobs.worker import drain
from .context import Context, Result, common, table
from .waiting import work_is_left

of_tenant = click.argument("tenant_slug", metavar="TENANT")


@click.group()
def embedding() -> None:
    """Embedding models of a tenant: what finds passages by meaning."""


def _shown(tenant: Tenant) -> Result:
    found = switch.describe_switch(tenant)
    currency = tenant.prices.currency

    def money(cost: int | None) -> str:
        return "?" if cost is None else f"{cost / MICRO:.4f}"

    lines = table(
        [
            (
                s.space,
                s.state,
                s.plugin,
                s.region,
                f"{s.done}/{s.total}",
                s.tokens,
                money(s.cost),
            )
            for s in found.spaces
        ],
        ("MODEL", "STATE", "PLUGIN", "WORKS IN", "PASSAGES", "TOKENS LEFT", currency),
    )
    choice = found.choice
    if choice.next:
        spent = "" if found.spent is None else f", about {currency} {money(found.spent)}"
        lines.append(f"filling {choice.next}: about {choice.tokens} tokens sent so far{spent}")
    if choice.error:
        lines.append(f"stopped: {choice.error} (see `webchatagent plugin check`, then switch again to go on)")
    if choice.kept:
        lines.append(f"kept until {str(choice.kept_until)[:10]}: {choice.kept}")
    if choice.space and not found.active_offered:
        lines.append(f"{choice.space} is not offered any more: search is by words only until you switch")
    data = {
        "active": choice.space,
        "filling": choice.next,
        "kept": choice.kept,
        "kept_until": choice.kept_until,
        "error": choice.error,
        "tokens": choice.tokens,
        "spent": found.spent,
        "currency": currency,
        "models": [vars(s) for s in found.spaces],
    }
    return Result(data, lines)


@embedding.command("list")
@of_tenant
@common
def embedding_list(context: Context, tenant_slug: str) -> Result:
    """Each model with its state, and what a switch to it would take."""
    return _shown(load_tenant(context.platform, slug=tenant_slug))


@embedding.command("switch")
@of_tenant
@click.argument("model")
@click.option("--wait", is_flag=True, help="Return when the answers have moved over.")
@common
def embedding_switch(context: Context, tenant_slug: str, model: str, wait: bool) -> Result:
    """Fill another model's space beside the old one, or go on with it; answers move over when it is complete."""
    tenant = load_tenant(context.platform, slug=tenant_slug)
    switch.choose_space(tenant, model)
    if wait:

        def ended() -> bool:
            choice = read_choice(tenant)
            return choice.next != model or bool(choice.error) or not work_is_left(tenant)

        drain(tenant.platform, ended)
    shown = _shown(load_tenant(context.platform, slug=tenant_slug))
    shown.code = 1 if wait and shown.data["active"] != model else 0
    return shown


@embedding.command("cancel")
@of_tenant
@common
def embedding_cancel(context: Context, tenant_slug: str) -> Result:
    """Stop filling; answers stay where they are."""
    switch.cancel_switch(load_tenant(context.platform, slug=tenant_slug))
    return _shown(load_tenant(context.platform, slug=tenant_slug))


@embedding.command("rollback")
@of_tenant
@common
def embedding_rollback(context: Context, tenant_slug: str) -> Result:
    """Answer from the kept space again, at once."""
    switch.roll_back(load_tenant(context.platform, slug=tenant_slug))
    return _shown(load_tenant(context.platform, slug=tenant_slug))


@embedding.command("discard")
@of_tenant
@common
def embedding_discard(context: Context, tenant_slug: str) -> Result:
    """Delete the kept space now, not when its time is over."""
    switch.discard_kept(load_tenant(context.platform, slug=tenant_slug))
    return _shown(load_tenant(context.platform, slug=tenant_slug))
