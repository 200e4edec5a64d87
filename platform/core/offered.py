"""The chat models a tenant is offered, and whether what is set on a bot fits them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .errors import InvalidRequest
from .models import ModelInfo, Region, allows

if TYPE_CHECKING:
    from .bots import BotSettings
    from .tenants import Tenant


@dataclass(frozen=True)
class Offered:
    """A model that a tenant can choose, and the plugin that offers it."""

    plugin: str
    info: ModelInfo


def region_of(info: ModelInfo) -> Region:
    """Where a model's provider works: in the house for a local one."""
    return "house" if info.local else info.region


def may_use(info: ModelInfo, residency: str) -> bool:
    """Whether a rule of residency (`any`, `eu`, `house`) allows a model."""
    return allows(region_of(info), residency)


def list_offered(tenant: Tenant) -> Mapping[str, Offered]:
    """The models of the plugins that are on, by id, in the order of their plugins."""
    offered = tenant.hooks.each("chat_models", tenant=tenant)
    return {model.info.id: Offered(plugin, model.info) for plugin, model in offered}


def check_models(tenant: Tenant, settings: BotSettings) -> None:
    """Refuse a model that is not offered or lies outside the rule of residency, and values beyond its ranges.

    Raises InvalidRequest that names the field. Its status is 409: what is switched on decides, not the values alone.
    """
    offered = list_offered(tenant)
    named = [("chat_model", settings.chat_model)] if settings.chat_model else []
    named += [("fallback_models", name) for name in settings.fallback_models]
    for field, name in named:
        if name not in offered:
            raise InvalidRequest(
                f"The model {name} is not offered to this tenant.",
                "switch its plugin on, or choose another",
                code="model_not_offered",
                status=409,
                field=field,
            )
        if not may_use(offered[name].info, settings.residency):
            raise InvalidRequest(
                f"The model {name} works outside of where questions may go.",
                "choose another, or change the rule",
                code="model_outside",
                status=409,
                field=field,
            )
    if len({name for _, name in named}) < len(named):
        raise InvalidRequest(
            "A model is named twice.", "name each model once", code="model_twice", status=409, field="fallback_models"
        )
    _check_ranges(settings, [offered[name].info for _, name in named])


def _check_ranges(settings: BotSettings, models: list[ModelInfo]) -> None:
    """Every model that is named must be able to do what is set: a fallback answers with the same values."""
    hottest = min((m.hottest for m in models), default=2.0)
    most = min((m.most_tokens for m in models), default=8000)
    if settings.temperature > hottest:
        raise InvalidRequest(
            f"The temperature goes up to {hottest:g} with these models.",
            f"choose a value from 0 to {hottest:g}",
            code="temperature_high",
            status=409,
            field="temperature",
        )
    if settings.max_tokens > most:
        raise InvalidRequest(
            f"An answer has at most {most} tokens with these models.",
            f"choose a number up to {most}",
            code="tokens_high",
            status=409,
            field="max_tokens",
        )
