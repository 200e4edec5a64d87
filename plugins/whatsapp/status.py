"""How the number is, what the tenant's people are told of it, and what they copy to Meta."""

from __future__ import annotations

from sqlalchemy import select

from webchatagent.core.api import Alert, NotFound, SetupValue, Tenant, channel_bot, now

from .client import CHECK_SECONDS, Graph, GraphFailed
from .config import Config
from .models import Number
from .webhook import number_row, verify_token
from .words import row, say

QUALITIES = {"GREEN": "quality_green", "YELLOW": "quality_yellow", "RED": "quality_red"}


def number_of(tenant: Tenant) -> Number | None:
    """What is known of the number."""
    with tenant.read() as db:
        return db.scalar(select(Number))


def alerts(tenant: Tenant) -> list[Alert]:
    """What has to be repaired."""
    config = tenant.config(Config)
    if not config.complete:
        return [Alert(row("alert_setup"))]
    found, number = [], number_of(tenant)
    if number is not None and number.trouble:
        found.append(Alert(row(number.trouble)))
    if number is None or number.verified_at is None:
        found.append(Alert(row("alert_webhook")))
    if number is not None and number.quality == "RED":
        found.append(Alert(row("alert_quality")))
    try:
        channel_bot(tenant, config.bot)
    except NotFound:
        found.append(Alert(row("alert_bot")))
    return found


def setup_values(tenant: Tenant) -> list[SetupValue]:
    """The address and the word for Meta, and how the number is."""
    found = [
        SetupValue(row("callback"), f"/x/whatsapp/{tenant.slug}/webhook", path=True),
        SetupValue(row("verify_token"), verify_token(tenant)),
        SetupValue(row("guide_label"), "/integrations/whatsapp", path=True),
    ]
    number = number_of(tenant)
    if number is not None and number.shown:
        quality = {lang: say(QUALITIES.get(number.quality, "quality_none"), lang) for lang in row("number")}
        value = {lang: f"{number.shown} {number.name} · {quality[lang]}" for lang in quality}
        found.append(SetupValue(row("number"), value.get(tenant.locale, value["en"]), copied=False))
    return found


def keep_number(tenant: Tenant, number_id: str, found: dict[str, object]) -> None:
    """Remember how Meta describes the number."""
    with tenant.write() as db:
        kept = number_row(db)
        kept.number_id, kept.checked_at, kept.trouble = number_id, now(), ""
        kept.shown = str(found.get("display_phone_number") or "")[:40]
        kept.name = str(found.get("verified_name") or "")[:200]
        kept.quality = str(found.get("quality_rating") or "")[:20]


def look(tenant: Tenant) -> None:
    """Ask Meta how the number is, a few times a day."""
    config = tenant.config(Config)
    if not (config.complete and config.business_id):
        return
    try:
        rows = Graph(config, CHECK_SECONDS).numbers(config.business_id)
    except GraphFailed as error:
        if error.setup:
            with tenant.write() as db:
                kept = number_row(db)
                kept.trouble, kept.trouble_at = "trouble_token", now()
        return
    for found in rows:
        if str(found.get("id")) == config.phone_number_id:
            keep_number(tenant, config.phone_number_id, found)
