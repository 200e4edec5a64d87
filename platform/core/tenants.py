"""The tenant as core functions and plugins see it, and the platform they run in."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from pydantic import BaseModel
from sqlalchemy import or_, select

from .audit import current_actor
from .caps import NO_CAPS, Caps
from .config_model import pick, put, secret_paths
from .db.database import Database
from .db.records import AuditEntry
from .db.sources import EmbeddingChoice
from .db.tenants import PluginSwitch, TenantRow
from .entitlements import EVERYTHING, Entitlements, read_entitlements
from .errors import Forbidden, InvalidRequest, NotFound, Unavailable
from .prices import FREE, Prices
from .secrets import PREFIX as SEALED
from .secrets import SecretBox
from .settings import Settings
from .tenancy import TenantSession, system_scope, tenant_scope
from .vault import PersonalSpan, Vault

if TYPE_CHECKING:
    from .chunks import ChunkStore
    from .registry import Hooks, Registry

Config = TypeVar("Config", bound=BaseModel)
Made = TypeVar("Made")
MAX_RETENTION = 3650
"""The longest time that conversations may be kept, in days; 0 means until they are deleted."""
_STORED = "settings of plugins"
OPERATOR = "platform"
"""The slug of the operator's own tenant."""


@dataclass(frozen=True)
class Problem:
    """Something wrong with a configuration: a sentence, the field it is about (nested: `limits.daily`), what to do.

    `kind` and `values` are pydantic's, where it found the problem, so that it can be said in any language.
    """

    message: str
    field: str = ""
    cure: str = ""
    kind: str = ""
    values: Mapping[str, Any] = dataclasses.field(default_factory=dict)


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
    """One process's parts. `ring` tells the workers that jobs are due (ids only); it may do nothing.

    `forget` drops what this process keeps of bots and tenants: something of them was changed.
    """

    settings: Settings
    database: Database
    registry: Registry
    chunks: ChunkStore
    blobs: Blobs
    secret_box: SecretBox
    ring: Callable[[list[str]], None] = field(default=lambda ids: None)
    forget: Callable[[], None] = field(default=lambda: None)


@dataclass(frozen=True)
class Tenant:
    """A tenant, with everything a function may do for it. Two are equal when their ids are."""

    id: int
    slug: str = field(compare=False)
    name: str = field(compare=False)
    locale: str = field(compare=False)
    enabled: frozenset[str] = field(compare=False)
    platform: Platform = field(compare=False, repr=False)
    prices: Prices = field(default=FREE, compare=False, repr=False)
    caps: Caps = field(default=NO_CAPS, compare=False, repr=False)
    """The narrower of the tenant's own caps and the plan's."""
    own_caps: Caps = field(default=NO_CAPS, compare=False, repr=False)
    entitlements: Entitlements = field(default=EVERYTHING, compare=False, repr=False)
    erase_at: datetime | None = field(default=None, compare=False)
    """Set for a tenant that is closed: from when on it is erased."""
    _configs: dict[str, BaseModel] = field(default_factory=dict, compare=False, repr=False)
    _remembered: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)

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
            stored = self.remembered(_STORED, self._read_configs).get(plugin, {})
            known = self._configs[plugin] = model.model_validate(open_config(self, plugin, model, stored))
        return known

    def _read_configs(self) -> dict[str, dict[str, Any]]:
        """What is stored for each plugin, sealed secrets included: one statement for all of them."""
        with self.read() as db:
            rows = db.execute(select(PluginSwitch.plugin, PluginSwitch.config)).all()
        return {plugin: dict(stored or {}) for plugin, stored in rows}

    def remembered(self, name: str, make: Callable[[], Made]) -> Made:
        """What `make` gives, made once per Tenant object, as `config` is read once."""
        if name not in self._remembered:
            self._remembered[name] = make()
        made: Made = self._remembered[name]
        return made

    def forget(self, name: str) -> None:
        """Make it anew the next time: it was changed."""
        self._remembered.pop(name, None)

    def forget_config(self, plugin: str) -> None:
        """Read a plugin's configuration anew the next time: it was changed."""
        self._configs.pop(plugin, None)
        self.forget(_STORED)

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
        found = db.execute(
            select(TenantRow, EmbeddingChoice.space)
            .outerjoin(EmbeddingChoice, EmbeddingChoice.tenant_id == TenantRow.id)
            .where(wanted)
        ).first()
        if found is None:
            raise NotFound(
                f"There is no tenant {slug or tenant_id}.", "see `webchatagent tenant list`", code="tenant_not_found"
            )
        row, space = found
        on = frozenset(db.scalars(_switched_on(platform, row.id))) | platform.registry.operator_switched
        allowed = read_entitlements(row.plan, on)
        caps = Caps.model_validate(row.caps) if row.caps else NO_CAPS
        return Tenant(
            row.id,
            row.slug,
            row.name,
            row.locale,
            on,
            platform,
            Prices.model_validate(row.prices) if row.prices else FREE,
            allowed.capped(caps),
            caps,
            allowed,
            row.erase_at,
            _remembered={"embedding": space or ""},
        )


def _switched_on(platform: Platform, tenant_id: int) -> Any:
    """The plugins that a tenant switched on, and those that the operator switched on for everybody."""
    mine = PluginSwitch.tenant_id == tenant_id
    everywhere = platform.registry.everywhere
    if everywhere:
        operator = select(TenantRow.id).where(TenantRow.slug == OPERATOR).scalar_subquery()
        mine = or_(mine, PluginSwitch.plugin.in_(everywhere) & (PluginSwitch.tenant_id == operator))
    return select(PluginSwitch.plugin).where(mine, PluginSwitch.enabled)


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
        db.add(AuditEntry(tenant_id=row.id, actor=current_actor(), action="tenant.created", target=slug, detail={}))
    made = load_tenant(platform, slug=slug)
    made.hooks.call("tenant_created", tenant=made)
    return load_tenant(platform, slug=slug) if platform.registry.everywhere & made.enabled else made


def ensure_operator(platform: Platform) -> None:
    """Make the operator's own tenant when it is missing."""
    with system_scope("see whether the operator's tenant exists"), platform.database.read() as db:
        if db.scalar(select(TenantRow.id).where(TenantRow.slug == OPERATOR)):
            return
    create_tenant(platform, OPERATOR, "WebChatAgent")


def tenant_row(tenant: Tenant) -> TenantRow:
    """The tenant's own row, with what is set on it."""
    with tenant.read() as db:
        row: TenantRow | None = db.get(TenantRow, tenant.id)
    if row is None:
        raise NotFound("There is no such tenant.", code="tenant_not_found")
    return row


def change_tenant(tenant: Tenant, name: str, locale: str, retention_days: int, controller: Mapping[str, str]) -> None:
    """Write what an owner set on the workspace. Raises InvalidRequest naming the field."""
    if not name:
        raise InvalidRequest("The workspace needs a name.", "enter one", code="name_missing", field="name")
    if not 0 <= retention_days <= MAX_RETENTION:
        raise InvalidRequest(
            f"Conversations are kept for 0 to {MAX_RETENTION} days.",
            "choose a number between",
            code="retention_wrong",
            field="retention_days",
        )
    with tenant.write() as db:
        row = db.get(TenantRow, tenant.id)
        before = (row.name, row.locale, row.retention_days, row.controller)
        row.name, row.locale, row.retention_days = name[:200], locale, retention_days
        row.controller = {key: value[:500] for key, value in controller.items() if value}
        after = (row.name, row.locale, row.retention_days, row.controller)
        names = ("name", "locale", "retention_days", "controller")
        changed = [n for n, b, a in zip(names, before, after, strict=True) if b != a]
        if changed:
            db.add(
                AuditEntry(actor=current_actor(), action="tenant.changed", target=row.slug, detail={"fields": changed})
            )


def change_prices(tenant: Tenant, prices: Prices) -> None:
    """Write the tenant's price table; it counts for questions from now on."""
    _change_table(tenant, "prices", prices.model_dump(mode="json"))


def change_caps(tenant: Tenant, caps: Caps) -> None:
    """Set how much all bots of the tenant together may use."""
    _change_table(tenant, "caps", caps.model_dump(mode="json", exclude_defaults=True))


def _change_table(tenant: Tenant, name: str, values: dict[str, Any]) -> None:
    with tenant.write() as db:
        row = db.get(TenantRow, tenant.id)
        if row is None:
            raise NotFound("There is no such tenant.", code="tenant_not_found")
        if getattr(row, name) != values:
            setattr(row, name, values)
            db.add(
                AuditEntry(actor=current_actor(), action="tenant.changed", target=row.slug, detail={"fields": [name]})
            )
    tenant.platform.forget()


def operator_tenant(platform: Platform) -> Tenant:
    """The operator's own tenant, made when it is missing."""
    ensure_operator(platform)
    return load_tenant(platform, slug=OPERATOR)


def own_tenant(operator: Tenant, tenant_id: int) -> Tenant:
    """A tenant of the operator's installation, for what the operator's plugins do. Raises NotFound, Forbidden."""
    _check_operator(operator)
    return load_tenant(operator.platform, tenant_id=tenant_id)


def all_tenants(operator: Tenant) -> list[Tenant]:
    """All tenants of the operator's installation. Raises Forbidden."""
    _check_operator(operator)
    return list_tenants(operator.platform)


def _check_operator(tenant: Tenant) -> None:
    if tenant.slug != OPERATOR:
        raise Forbidden("Only the operator's own workspace reaches others.")


def check_slug(slug: str) -> None:
    """Refuse what is not 1 to 63 lower-case letters, digits and inner dashes. Raises InvalidRequest."""
    plain = slug.replace("-", "")
    if not (slug and len(slug) <= 63 and plain.isascii() and plain.isalnum() and slug == slug.lower().strip("-")):
        raise InvalidRequest(f"{slug!r} is not a slug.", "use lower-case letters, digits and dashes", field="slug")


def seal_config(tenant: Tenant, plugin: str, config: BaseModel) -> dict[str, Any]:
    """A configuration as it is stored: plain JSON, each secret sealed for its tenant, plugin and field."""
    plain = config.model_dump(mode="json")
    for path in secret_paths(type(config)):
        value: Any = config
        for name in path.split("."):
            value = getattr(value, name)
        if value is not None:
            text = value.get_secret_value()
            put(plain, path, tenant.platform.secret_box.seal(text, f"{tenant.id}|{plugin}|{path}") if text else "")
    return plain


def open_config(tenant: Tenant, plugin: str, model: type[BaseModel], stored: dict[str, Any]) -> dict[str, Any]:
    """Undo `seal_config`, as input for the model. A field that is no secret is text, whatever it begins with."""
    values = copy.deepcopy(stored)
    for path in secret_paths(model):
        sealed = pick(values, path)
        if isinstance(sealed, str) and sealed.startswith(SEALED):
            put(values, path, tenant.platform.secret_box.open(sealed, f"{tenant.id}|{plugin}|{path}"))
    return values
