"""Switching plugins on and off for a tenant, and configuring them."""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO
from urllib.parse import urlsplit

from pydantic import AnyUrl, BaseModel, ValidationError
from sqlalchemy import select

from . import audit
from .addresses import canonical_host
from .db.tenants import PluginSwitch
from .egress import calling
from .errors import Forbidden, InvalidRequest, NotFound
from .manifest import Manifest
from .tenants import Platform, Problem, Tenant, load_tenant, open_config, seal_config


class NoConfig(BaseModel):
    """The configuration of a plugin that has none."""


def manifest_of(tenant: Tenant, plugin: str) -> Manifest:
    """A plugin's manifest. Raises NotFound when it is not installed."""
    try:
        return tenant.platform.registry.manifests[plugin]
    except KeyError:
        raise NotFound(
            f"There is no plugin {plugin}.", "see `webchatagent plugin list`", code="plugin_not_found"
        ) from None


def config_model(tenant: Tenant, plugin: str) -> type[BaseModel]:
    """The pydantic model of a plugin's `config.py` (its class `Config`), or one without fields."""
    package = tenant.platform.registry.module(plugin).__name__
    try:
        module = importlib.import_module(f"{package}.config")
    except ModuleNotFoundError as error:
        if error.name != f"{package}.config":
            raise
        return NoConfig
    model: type[BaseModel] = module.Config
    return model


def _switchable(tenant: Tenant, plugin: str) -> Manifest:
    manifest = manifest_of(tenant, plugin)
    if manifest.switched_by == "operator":
        raise Forbidden(
            f"{manifest.name} is switched by the operator.",
            "ask the operator of this installation",
            code="operator_switched",
        )
    return manifest


def _stored(tenant: Tenant, plugin: str) -> dict[str, Any]:
    with tenant.read() as db:
        row = db.scalar(select(PluginSwitch).where(PluginSwitch.plugin == plugin))
    return open_config(tenant, plugin, config_model(tenant, plugin), row.config if row else {})


def check(tenant: Tenant, plugin: str, values: Mapping[str, Any] | None = None) -> list[Problem]:
    """Try a configuration (the stored one when `values` is None); what is wrong with it, field by field."""
    manifest_of(tenant, plugin)
    model = config_model(tenant, plugin)
    try:
        config = model.model_validate(_stored(tenant, plugin) if values is None else dict(values))
    except ValidationError as error:
        return [
            Problem(e["msg"], ".".join(str(p) for p in e["loc"]))
            for e in error.errors(include_url=False, include_input=False)
        ]
    with calling(plugin, tenant, hosts_of(config)):
        found: list[Problem] | None = tenant.platform.registry.only(plugin).call(
            "plugin_check", tenant=tenant, config=config
        )
    return found or []


def hosts_of(config: BaseModel) -> frozenset[str]:
    """The hosts that a tenant entered in a configuration: those of its fields that hold an address."""
    urls = (urlsplit(str(value)) for _, value in config if isinstance(value, (str, AnyUrl)))
    return frozenset(canonical_host(u.hostname) for u in urls if u.scheme in ("http", "https") and u.hostname)


def entered_hosts(platform: Platform, plugin: str, tenant_id: int | None) -> frozenset[str]:
    """The hosts in a plugin's stored configuration for a tenant; none without a tenant."""
    if tenant_id is None:
        return frozenset()
    tenant = load_tenant(platform, tenant_id=tenant_id)
    return hosts_of(tenant.config(config_model(tenant, plugin)))


def enable(tenant: Tenant, plugin: str, actor: str = "command line") -> None:
    """Switch a plugin on. Raises InvalidRequest with the first problem of its configuration."""
    _switchable(tenant, plugin)
    _refuse(check(tenant, plugin))
    _switch(tenant, plugin, True, actor)


def disable(tenant: Tenant, plugin: str, actor: str = "command line") -> None:
    """Switch a plugin off; what it keeps stays until it is erased."""
    _switchable(tenant, plugin)
    _switch(tenant, plugin, False, actor)


def _refuse(problems: Sequence[Problem]) -> None:
    if problems:
        raise InvalidRequest(
            problems[0].message,
            problems[0].cure or f"correct {problems[0].field or 'it'}",
            code="plugin_problem",
            field=problems[0].field or None,
        )


def _switch(tenant: Tenant, plugin: str, on: bool, actor: str) -> None:
    with tenant.write() as db:
        row = db.scalar(select(PluginSwitch).where(PluginSwitch.plugin == plugin))
        if row is None:
            row = PluginSwitch(plugin=plugin, config={})
            db.add(row)
        row.enabled = on
        audit.record(db, actor, "plugin.enabled" if on else "plugin.disabled", plugin)


def configure(tenant: Tenant, plugin: str, changes: Mapping[str, Any], actor: str = "command line") -> None:
    """Change fields of a plugin's configuration, after trying the whole. Raises InvalidRequest naming the field."""
    _switchable(tenant, plugin)
    model = config_model(tenant, plugin)
    unknown = [k for k in changes if k not in model.model_fields]
    if unknown:
        known = ", ".join(model.model_fields) or "nothing"
        raise InvalidRequest(f"{plugin} has no setting {unknown[0]}.", f"it has: {known}", field=unknown[0])
    values = {**_stored(tenant, plugin), **changes}
    _refuse(check(tenant, plugin, values))
    with tenant.write() as db:
        row = db.scalar(select(PluginSwitch).where(PluginSwitch.plugin == plugin))
        if row is None:
            row = PluginSwitch(plugin=plugin, enabled=False)
            db.add(row)
        row.config = seal_config(tenant, plugin, model.model_validate(values))
        audit.record(db, actor, "plugin.configured", plugin, fields=sorted(changes))
    tenant.forget_config(plugin)


def read_values(pairs: Sequence[str], stdin: TextIO) -> dict[str, Any]:
    """`key=value` pairs: `@FILE` and `-` read the value, JSON is read as JSON, all else is text."""
    out: dict[str, Any] = {}
    for pair in pairs:
        key, sign, value = pair.partition("=")
        if not sign:
            raise InvalidRequest(f"{pair!r} is not KEY=VALUE.", "write for example max_pages=50")
        if value == "-":
            out[key] = stdin.readline().rstrip("\n")
        elif value.startswith("@"):
            try:
                out[key] = Path(value[1:]).read_text(encoding="utf-8").strip()
            except (OSError, ValueError):
                raise InvalidRequest(f"The file {value[1:]} cannot be read.", "check the path", field=key) from None
        else:
            try:
                out[key] = json.loads(value)
            except ValueError:
                out[key] = value
    return out
