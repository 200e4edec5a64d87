"""The plugins of this installation as a tenant sees them: what each is, what leaves the house, its state."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ValidationError
from sqlalchemy import select

from . import plugins
from .db.tenants import PluginSwitch
from .manifest import Manifest
from .privacy import Disclosure
from .tenants import Tenant, open_config

log = logging.getLogger(__name__)
State = Literal["on", "off", "setup", "broken"]
"""`setup`: it is on, but its settings do not work any more; `broken`: it cannot be loaded."""


@dataclass(frozen=True)
class Offer:
    """One plugin for one tenant. `configurable` says whether it has settings; `reason` why it is broken."""

    manifest: Manifest
    state: State
    configurable: bool
    reason: str = ""

    @property
    def by_operator(self) -> bool:
        """Whether only the operator switches it."""
        return self.manifest.switched_by == "operator"


def list_offers(tenant: Tenant) -> list[Offer]:
    """Every plugin that could be loaded, by name. One whose settings cannot even be read is `broken`."""
    with tenant.read() as db:
        switches = {row.plugin: row for row in db.scalars(select(PluginSwitch))}
    found = [_offer(tenant, m, switches.get(m.id)) for m in tenant.platform.registry.manifests.values()]
    return sorted(found, key=lambda o: o.manifest.name.lower())


def find_offer(tenant: Tenant, plugin: str) -> Offer:
    """One plugin for a tenant. Raises NotFound."""
    manifest = plugins.manifest_of(tenant, plugin)
    with tenant.read() as db:
        row = db.scalar(select(PluginSwitch).where(PluginSwitch.plugin == plugin))
    return _offer(tenant, manifest, row)


def _offer(tenant: Tenant, manifest: Manifest, row: PluginSwitch | None) -> Offer:
    try:
        model = plugins.config_model(tenant, manifest.id)
    except Exception as error:
        log.exception("the settings of plugin %s cannot be read", manifest.id)
        return Offer(manifest, "broken", False, f"{type(error).__name__}: {error}")
    on = manifest.id in tenant.enabled
    works = not on or _fits(model, open_config(tenant, manifest.id, model, dict(row.config or {}) if row else {}))
    return Offer(manifest, ("on" if works else "setup") if on else "off", bool(model.model_fields))


def _fits(model: type[BaseModel], values: Mapping[str, Any]) -> bool:
    try:
        model.model_validate(values)
    except ValidationError:
        return False
    return True


def list_broken(tenant: Tenant) -> dict[str, str]:
    """The plugins that could not be loaded, with the reason."""
    return dict(tenant.platform.registry.broken)


def what_leaves(tenant: Tenant, plugin: str) -> list[Disclosure]:
    """What a plugin does with personal data, whether it is on or not."""
    hooks = tenant.platform.registry.enabled({plugin})
    return [d for name, d in hooks.each("privacy_disclosures", tenant=tenant) if name == plugin]
