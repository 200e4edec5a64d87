"""What a tenant set on its models, and what they took, to take along: for the export of its account's data."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from .db.tenants import Bot, BotVersion
from .statistics import LONGEST, read_statistics
from .tenants import Tenant


def export_model_data(tenant: Tenant) -> dict[str, Any]:
    """Prices, limits, each bot with its versions, and sums of use by day, bot and model; plain JSON, no secrets.

    Amounts of money are in micro-units.
    """
    with tenant.read() as db:
        bots = list(db.scalars(select(Bot).order_by(Bot.id)))
        versions = list(db.scalars(select(BotVersion).order_by(BotVersion.bot_id, BotVersion.number)))
    return {
        "tenant": tenant.slug,
        "prices": tenant.prices.model_dump(mode="json"),
        "limits": tenant.caps.limits,
        "bots": [
            {
                "id": bot.public_id,
                "slug": bot.slug,
                "name": bot.name,
                "settings": bot.settings,
                "limits": bot.caps,
                "version": bot.version,
                "versions": [_version(v) for v in versions if v.bot_id == bot.id],
            }
            for bot in bots
        ],
        "use": _use(tenant, {bot.id: bot.public_id for bot in bots}),
    }


def _version(row: BotVersion) -> dict[str, Any]:
    return {
        "number": row.number,
        "settings": row.settings,
        "author": row.author,
        "note": row.note,
        "restored": row.restored,
        "createdAt": row.created_at.isoformat(),
    }


def _use(tenant: Tenant, ids: dict[int, str]) -> list[dict[str, Any]]:
    found = read_statistics(tenant, LONGEST)
    return [
        {
            "day": g.day.isoformat(),
            "bot": ids.get(g.bot_id),
            "provider": g.provider,
            "model": g.model,
            "questions": g.sum.turns,
            "answered": g.sum.answered,
            "refused": g.sum.refused,
            "failed": g.sum.failed,
            "tokensIn": g.sum.tokens_in,
            "tokensOut": g.sum.tokens_out,
            "cost": g.sum.cost,
        }
        for g in found.groups
    ]
