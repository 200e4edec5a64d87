"""Switching plugins on and off for a tenant, and configuring them."""

from __future__ import annotations

import importlib
import json
import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextvars import copy_context
from pathlib import Path
from typing import Any, TextIO, TypeVar
from urllib.parse import urlsplit

from pydantic import AnyUrl, BaseModel, ValidationError
from sqlalchemy import select

from . import audit
from .addresses import canonical_host
from .config_values import merged, moved_secrets, only_secrets, secrets_in, without
from .db.tenants import PluginSwitch
from .egress import calling
from .entitlements import check_plugin
from .errors import Forbidden, InvalidRequest, NotFound, WebChatAgentError
from .manifest import Manifest
from .stopping import Receipt, kinds_of, stop
from .tenancy import TenantSession
from .tenants import OPERATOR, Platform, Problem, Tenant, load_tenant, open_config, seal_config

log = logging.getLogger(__name__)
T = TypeVar("T")
CHECK_SECONDS = 10.0
"""How long a person waits for `plugin_check`."""
CHECKS = 16
"""How many checks run at once in a process."""
_checks = threading.BoundedSemaphore(CHECKS)


class NoConfig(BaseModel):
    """The configuration of a plugin that has none."""


class PluginProblems(InvalidRequest):
    """A configuration does not work; `problems` has all that is wrong, the error itself says the first."""

    code = "plugin_problem"

    def __init__(self, problems: Sequence[Problem]) -> None:
        first = problems[0]
        super().__init__(first.message, first.cure or f"correct {first.field or 'it'}", field=first.field or None)
        self.problems = tuple(problems)


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


def may_switch(tenant: Tenant, manifest: Manifest) -> bool:
    """Whether a plugin is switched and set in this tenant: those of the operator in the operator's own only."""
    return manifest.switched_by == "tenant" or (tenant.slug == OPERATOR and not manifest.default)


def _switchable(tenant: Tenant, plugin: str) -> Manifest:
    manifest = manifest_of(tenant, plugin)
    if not may_switch(tenant, manifest):
        raise Forbidden(
            f"{manifest.name} is switched by the operator.",
            "ask the operator of this installation",
            code="operator_switched",
        )
    return manifest


def _row(db: TenantSession, plugin: str) -> PluginSwitch | None:
    return db.scalar(select(PluginSwitch).where(PluginSwitch.plugin == plugin))


def _stored(tenant: Tenant, plugin: str) -> dict[str, Any]:
    with tenant.read() as db:
        row = _row(db, plugin)
    return open_config(tenant, plugin, config_model(tenant, plugin), row.config if row else {})


def shown_config(tenant: Tenant, plugin: str) -> tuple[dict[str, Any], frozenset[str]]:
    """What a form may show: the stored values without secrets, and the paths of the secrets that are set."""
    stored, model = _stored(tenant, plugin), config_model(tenant, plugin)
    kept = secrets_in(model, stored)
    return without(stored, kept), frozenset(path for path, value in kept.items() if value)


def check(tenant: Tenant, plugin: str, values: Mapping[str, Any] | None = None) -> list[Problem]:
    """Try a configuration (the stored one when `values` is None); what is wrong with it, field by field."""
    manifest_of(tenant, plugin)
    model = config_model(tenant, plugin)
    try:
        config = model.model_validate(_stored(tenant, plugin) if values is None else dict(values))
    except ValidationError as error:
        return [
            Problem(e["msg"], ".".join(str(p) for p in e["loc"]), kind=e["type"], values=dict(e.get("ctx", {})))
            for e in error.errors(include_url=False, include_input=False)
        ]
    try:
        return _within(CHECK_SECONDS, lambda: _tried(tenant, plugin, config)) or []
    except TimeoutError:
        return [
            Problem(
                f"The settings could not be tried within {CHECK_SECONDS:g} seconds.",
                cure="see whether the other side answers, and try again",
                kind="check_timeout",
                values={"seconds": f"{CHECK_SECONDS:g}"},
            )
        ]
    except WebChatAgentError as error:
        return [Problem(error.message, error.field or "", error.cure)]
    except Exception as error:  # a plugin that fails must say something that a person can use
        log.exception("plugin %s failed in plugin_check", plugin)
        return [Problem(f"The plugin could not try its settings ({type(error).__name__}).", cure="tell its publisher")]


def _tried(tenant: Tenant, plugin: str, config: BaseModel) -> list[Problem] | None:
    with calling(plugin, tenant, hosts_of(config)):
        found: list[Problem] | None = tenant.platform.registry.only(plugin).call(
            "plugin_check", tenant=tenant, config=config
        )
    return found


def _within(seconds: float, work: Callable[[], T]) -> T:
    """What `work` returns or raises. Raises TimeoutError after `seconds`; the work itself goes on in its thread.

    A thread cannot be stopped; at most CHECKS of them hang, and then a further check is refused the same way.
    """
    end = time.monotonic() + seconds
    slots = _checks
    if not slots.acquire(timeout=seconds):
        raise TimeoutError
    answer: Future[T] = Future()
    context = copy_context()

    def run() -> None:
        try:
            answer.set_result(context.run(work))
        except BaseException as error:  # handed over to the one who waits
            answer.set_exception(error)
        finally:
            slots.release()

    threading.Thread(target=run, name="plugin_check", daemon=True).start()
    return answer.result(max(0.0, end - time.monotonic()))


def hosts_of(config: BaseModel) -> frozenset[str]:
    """The hosts that a tenant entered in a configuration: those of its fields that hold an address, nested ones too."""
    found: set[str] = set()
    for _, value in config:
        if isinstance(value, BaseModel):
            found |= hosts_of(value)
        elif isinstance(value, (str, AnyUrl)):
            url = urlsplit(str(value))
            found |= {canonical_host(url.hostname)} if url.scheme in ("http", "https") and url.hostname else set()
    return frozenset(found)


def entered_hosts(platform: Platform, plugin: str, tenant_id: int | None) -> frozenset[str]:
    """The hosts in a plugin's stored configuration for a tenant; none without a tenant."""
    if tenant_id is None:
        return frozenset()
    tenant = load_tenant(platform, tenant_id=tenant_id)
    return hosts_of(tenant.config(config_model(tenant, plugin)))


def enable(tenant: Tenant, plugin: str) -> None:
    """Switch a plugin on. Raises PluginProblems with what is wrong with its configuration."""
    _switchable(tenant, plugin)
    check_plugin(tenant, plugin)
    _refuse(check(tenant, plugin))
    with tenant.write() as db:
        _switch(db, plugin, True)
        audit.record(db, audit.current_actor(), "plugin.enabled", plugin)


def disable(tenant: Tenant, plugin: str) -> Receipt:
    """Switch a plugin off; what it keeps stays until it is erased. Returns what was stopped."""
    _switchable(tenant, plugin)
    kinds = kinds_of(tenant, plugin)
    with tenant.write() as db:
        _switch(db, plugin, False)
        receipt = stop(db, tenant, plugin, kinds)
        audit.record(db, audit.current_actor(), "plugin.disabled", plugin, **receipt.stopped)
    return receipt


def _refuse(problems: Sequence[Problem]) -> None:
    if problems:
        raise PluginProblems(problems)


def _switch(db: TenantSession, plugin: str, on: bool) -> None:
    row = _row(db, plugin)
    if row is None:
        row = PluginSwitch(plugin=plugin, config={})
        db.add(row)
    row.enabled = on


def configure(tenant: Tenant, plugin: str, changes: Mapping[str, Any], *, whole: bool = False) -> None:
    """Change fields of a plugin's configuration, after trying the whole. Raises PluginProblems naming the fields.

    With `whole`, `changes` are all values but secrets: what they leave out has its default, and a secret that they
    leave out stays.
    """
    _switchable(tenant, plugin)
    model = config_model(tenant, plugin)
    unknown = [k for k in changes if k not in model.model_fields]
    if unknown:
        known = ", ".join(model.model_fields) or "nothing"
        raise InvalidRequest(f"{plugin} has no setting {unknown[0]}.", f"it has: {known}", field=unknown[0])
    stored = _stored(tenant, plugin)
    values = merged(only_secrets(model, stored) if whole else stored, changes)
    _refuse(moved_secrets(model, stored, values, changes))
    _refuse(check(tenant, plugin, values))
    with tenant.write() as db:
        row = _row(db, plugin)
        if row is None:
            row = PluginSwitch(plugin=plugin, enabled=False)
            db.add(row)
        row.config = seal_config(tenant, plugin, model.model_validate(values))
        audit.record(db, audit.current_actor(), "plugin.configured", plugin, fields=sorted(changes))
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
