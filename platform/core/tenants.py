"""The tenant as core functions and plugins see it, and the platform they run in."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, get_args

from pydantic import BaseModel, SecretStr
from sqlalchemy import select

from .db.database import Database
from .db.tenants import PluginSwitch, TenantRow
from .errors import InvalidRequest, NotFound, Unavailable
from .secrets import PREFIX as SEALED
from .secrets import SecretBox
from .settings import Settings
from .tenancy import TenantSession, system_scope, tenant_scope
from .vault import PersonalSpan, Vault

if TYPE_CHECKING:
    from .chunks import ChunkStore
    from .registry import Hooks, Registry

Config = TypeVar("Config", bound=BaseModel)
OPERATOR = "platform"
"""The slug of the operator's own tenant."""


@dataclass(frozen=True)
class Problem:
    """Something wrong with a configuration: a sentence, the field it is about, what to do."""

    message: str
    field: str = ""
    cure: str = ""


@dataclass(frozen=True)
class Health:
    """The state of one part: `ok`, `degraded` (works with less) or `down`, with a sentence and a cure."""

    state: str
    message: str
    cure: str = ""


@dataclass(frozen=True)
class HealthCheck:
    """A named part and how to look at it; `run` must answer within a second."""

    name: str
    run: Callable[[], Health]


class Blobs(Protocol):
    """Where bytes are kept; see `stores.blobs`."""

    def put(self, tenant_id: int, data: bytes) -> str: ...
    def get(self, tenant_id: int, key: str) -> bytes: ...
    def delete(self, tenant_id: int, key: str) -> None: ...
    def sweep(self, tenant_id: int, named: Set[str], seconds: float) -> int: ...
    def delete_tenant(self, tenant_id: int) -> None: ...


@dataclass
class Platform:
    """One process's parts. `ring` tells the workers that jobs are due (ids only); it may do nothing."""

    settings: Settings
    database: Database
    registry: Registry
    chunks: ChunkStore
    blobs: Blobs
    secret_box: SecretBox
    ring: Callable[[list[str]], None] = field(default=lambda ids: None)


@dataclass(frozen=True)
class Tenant:
    """A tenant, with everything a function may do for it. Two are equal when their ids are."""

    id: int
    slug: str = field(compare=False)
    name: str = field(compare=False)
    locale: str = field(compare=False)
    enabled: frozenset[str] = field(compare=False)
    platform: Platform = field(compare=False, repr=False)
    _configs: dict[str, BaseModel] = field(default_factory=dict, compare=False, repr=False)

    @property
    def hooks(self) -> Hooks:
        """The hooks of the plugins that are on for this tenant, those the operator switched included."""
        return self.platform.registry.enabled(self.enabled)

    @contextlib.contextmanager
    def read(self) -> Iterator[TenantSession]:
        """A session in this tenant's scope, to read."""
        with tenant_scope(self.id), self.platform.database.read() as session:
            yield session

    @contextlib.contextmanager
    def write(self) -> Iterator[TenantSession]:
        """A session in this tenant's scope, committed at the end."""
        with tenant_scope(self.id), self.platform.database.write() as session:
            yield session

    def config(self, model: type[Config]) -> Config:
        """The configuration of the plugin whose `config.py` defines `model`; defaults where nothing was saved.

        Read once per Tenant object: those live for a request, a batch of jobs, or two seconds of chat.
        """
        plugin = model.__module__.split(".")[-2]
        known = self._configs.get(plugin)
        if not isinstance(known, model):
            with self.read() as db:
                row = db.scalar(select(PluginSwitch).where(PluginSwitch.plugin == plugin))
            known = self._configs[plugin] = model.model_validate(
                open_config(self, plugin, model, row.config if row else {})
            )
        return known

    def forget_config(self, plugin: str) -> None:
        """Read a plugin's configuration anew the next time: it was changed."""
        self._configs.pop(plugin, None)

    def vault(self) -> Vault:
        """An empty vault for one turn, which asks the tenant's plugins what is personal."""
        return Vault(self._find_personal_data)

    def _find_personal_data(self, text: str, language: str) -> list[PersonalSpan] | None:
        from .registry import HookFailed

        try:
            found = self.hooks.call("find_personal_data", tenant=self, text=text, language=language)
        except HookFailed as error:  # nothing may leave that nobody looked at
            names = ", ".join(plugin for plugin, _ in error.failures)
            raise Unavailable(
                "Personal data cannot be replaced at the moment.", f"switch off or repair the plugin {names}"
            ) from None
        return [span for _, spans in found for span in spans] if found else None


def load_tenant(platform: Platform, *, slug: str = "", tenant_id: int = 0) -> Tenant:
    """A tenant by slug or id. Raises NotFound."""
    with system_scope("find a tenant and its plugins"), platform.database.read() as db:
        wanted = TenantRow.slug == slug if slug else TenantRow.id == tenant_id
        row = db.scalar(select(TenantRow).where(wanted))
        if row is None:
            raise NotFound(
                f"There is no tenant {slug or tenant_id}.", "see `webchatagent tenant list`", code="tenant_not_found"
            )
        on = db.scalars(select(PluginSwitch.plugin).where(PluginSwitch.tenant_id == row.id, PluginSwitch.enabled))
        return Tenant(
            row.id, row.slug, row.name, row.locale, frozenset(on) | platform.registry.operator_switched, platform
        )


def list_tenants(platform: Platform) -> list[Tenant]:
    """All tenants, by slug."""
    with system_scope("list tenants"), platform.database.read() as db:
        slugs = list(db.scalars(select(TenantRow.slug).order_by(TenantRow.slug)))
    return [load_tenant(platform, slug=slug) for slug in slugs]


def create_tenant(platform: Platform, slug: str, name: str, locale: str = "en") -> Tenant:
    """Make a tenant with the default plugins on. Raises InvalidRequest for a bad or taken slug."""
    check_slug(slug)
    with system_scope("make a tenant"), platform.database.write() as db:
        if db.scalar(select(TenantRow.id).where(TenantRow.slug == slug)):
            raise InvalidRequest(
                f"The tenant {slug} exists already.", "choose another slug", code="slug_taken", field="slug"
            )
        row = TenantRow(slug=slug, name=name, locale=locale)
        db.add(row)
        db.flush()
        defaults = [n for n, m in platform.registry.manifests.items() if m.default and m.switched_by == "tenant"]
        db.add_all(PluginSwitch(tenant_id=row.id, plugin=plugin) for plugin in defaults)
    return load_tenant(platform, slug=slug)


def ensure_operator(platform: Platform) -> None:
    """Make the operator's own tenant when it is missing."""
    with system_scope("see whether the operator's tenant exists"), platform.database.read() as db:
        if db.scalar(select(TenantRow.id).where(TenantRow.slug == OPERATOR)):
            return
    create_tenant(platform, OPERATOR, "WebChatAgent")


def check_slug(slug: str) -> None:
    """Refuse what is not 1 to 63 lower-case letters, digits and inner dashes. Raises InvalidRequest."""
    plain = slug.replace("-", "")
    if not (slug and len(slug) <= 63 and plain.isascii() and plain.isalnum() and slug == slug.lower().strip("-")):
        raise InvalidRequest(f"{slug!r} is not a slug.", "use lower-case letters, digits and dashes", field="slug")


def secret_fields(model: type[BaseModel]) -> frozenset[str]:
    """The fields of a configuration that are declared as SecretStr, or as an optional one."""
    return frozenset(
        name
        for name, field in model.model_fields.items()
        if SecretStr in (field.annotation, *get_args(field.annotation))
    )


def seal_config(tenant: Tenant, plugin: str, config: BaseModel) -> dict[str, Any]:
    """A configuration as it is stored: plain JSON, each secret sealed for its tenant, plugin and field."""
    plain = config.model_dump(mode="json")
    for name in secret_fields(type(config)):
        value = getattr(config, name)
        text = value.get_secret_value() if value is not None else ""
        plain[name] = tenant.platform.secret_box.seal(text, f"{tenant.id}|{plugin}|{name}") if text else ""
    return plain


def open_config(tenant: Tenant, plugin: str, model: type[BaseModel], stored: dict[str, Any]) -> dict[str, Any]:
    """Undo `seal_config`, as input for the model. A field that is no secret is text, whatever it begins with."""
    secret = secret_fields(model)
    return {
        name: tenant.platform.secret_box.open(value, f"{tenant.id}|{plugin}|{name}")
        if name in secret and isinstance(value, str) and value.startswith(SEALED)
        else value
        for name, value in stored.items()
    }
