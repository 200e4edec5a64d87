"""Installed plugins, and the hooks of one set of them. Enabling is an allow-list: what is not named does not run."""

from __future__ import annotations

import functools
import importlib
import inspect
import logging
import threading
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

from pluggy import HookImpl, PluginManager

from . import hookspecs
from .egress import calling
from .hookspecs import PROJECT, Spec
from .manifest import Manifest, ManifestError, read_manifest

log = logging.getLogger(__name__)
SPECS: dict[str, Spec] = {n: f.spec for n, f in vars(hookspecs).items() if hasattr(f, "spec")}
GROUP = "webchatagent.plugins"


class HookFailed(Exception):
    """One or more plugins failed in a hook where that must not pass; `failures` is `[(plugin, error)]`.

    `results` has what the others gave, as `[(plugin, value)]`.
    """

    def __init__(
        self, hook: str, failures: list[tuple[str, Exception]], results: Sequence[tuple[str, Any]] = ()
    ) -> None:
        super().__init__(f"{hook}: " + "; ".join(f"{plugin}: {type(error).__name__}" for plugin, error in failures))
        self.hook, self.failures, self.results = hook, failures, list(results)


class PluginRefused(Exception):
    """The plugin breaks a rule of the hooks, so it is not loaded."""


class Hooks:
    """The hooks of a fixed set of plugins. `failures` counts, per (plugin, hook), what was left out."""

    failures: ClassVar[Counter[tuple[str, str]]] = Counter()
    _lock = threading.Lock()

    def __init__(self, plugins: Mapping[str, ModuleType], scope: str) -> None:
        self._manager = PluginManager(PROJECT)
        self._manager.add_hookspecs(hookspecs)
        for name, plugin in plugins.items():
            self._manager.register(plugin, name)
        self._manager.check_pending()  # refuses a misspelt hook, and nothing else does
        self._implementations: dict[str, tuple[HookImpl, ...]] = {}  # the set is fixed: looked up once, not per call
        for name, spec in SPECS.items():
            self._implementations[name] = tuple(reversed(getattr(self._manager.hook, name).get_hookimpls()))
            for impl in self._implementations[name]:
                if (impl.wrapper or impl.hookwrapper) and spec.kind != "first":
                    raise PluginRefused(f"{impl.plugin_name}: {name} is a {spec.kind} hook and takes no wrapper")
                if impl.kwargnames:
                    raise PluginRefused(f"{impl.plugin_name}: {name} gives its arguments defaults {impl.kwargnames}")
                if hasattr(impl.function, "needs_consent") and not {"consented", "subject"} & arguments_of(name):
                    raise PluginRefused(f"{impl.plugin_name}: {name} is about nobody who could consent")
        self._scope = scope
        self.plugins = tuple(plugins)

    def call(self, name: str, **arguments: Any) -> Any:
        """Call one hook; what comes back depends on its kind (see `hookspecs`).

        Raises LookupError for a hook of another scope, HookFailed for a failed `require` hook.
        """
        spec = SPECS[name]
        if spec.scope != self._scope:
            raise LookupError(f"{name} is a {spec.scope} hook, called as {self._scope}")
        implementations = self._implementations[name]
        tenant = arguments.get("tenant")
        if spec.kind in ("first", "fold"):
            return self._chain(spec, implementations, tenant, arguments)
        results, failures = [], []
        for impl in implementations:
            try:
                if not _consented(impl, tenant, arguments):
                    continue
                with calling(impl.plugin_name, tenant):
                    value = impl.function(*[arguments[a] for a in impl.argnames])
            except Exception as error:  # whatever a plugin raises is counted against it and harms no other
                log.exception("plugin %s failed in %s", impl.plugin_name, name)
                with self._lock:
                    self.failures[impl.plugin_name, name] += 1
                failures.append((impl.plugin_name, error))
            else:
                if value is not None:
                    results.append((impl.plugin_name, value))
        if spec.kind == "require" and failures:
            raise HookFailed(name, failures, results)
        return None if spec.kind == "notify" else results

    @staticmethod
    def _chain(spec: Spec, implementations: tuple[HookImpl, ...], tenant: Any, arguments: dict[str, Any]) -> Any:
        for impl in implementations:
            if not _consented(impl, tenant, arguments):
                continue
            with calling(impl.plugin_name, tenant):
                value = impl.function(*[arguments[a] for a in impl.argnames])
            if spec.kind == "fold":
                arguments[spec.fold] = value
            elif value is not None:
                return value
        return arguments[spec.fold] if spec.kind == "fold" else None

    def each(self, name: str, **arguments: Any) -> list[tuple[str, Any]]:
        """Call a collect or require hook whose values are lists; one row per item, with the plugin's name."""
        return [(plugin, item) for plugin, items in self.call(name, **arguments) for item in items]


def arguments_of(hook: str) -> frozenset[str]:
    """The names of a hook's arguments."""
    return frozenset(inspect.signature(getattr(hookspecs, hook)).parameters)


def _consented(impl: HookImpl, tenant: Any, arguments: Mapping[str, Any]) -> bool:
    """Whether an implementation may be called: always, unless it is bound to a purpose that was not agreed to."""
    purpose = getattr(impl.function, "needs_consent", "")
    if not purpose:
        return True
    if "consented" in arguments:
        return purpose in arguments["consented"]
    from .consents import is_granted  # it tells plugins of withdrawals, so it imports this module

    return is_granted(tenant, arguments["subject"], purpose)


class Registry:
    """Every installed plugin: `manifests` by id, `broken` with the reason of each that could not be loaded.

    `always` are modules of core itself that take part in every set (core keeps data, so it answers the privacy hooks).
    """

    def __init__(
        self,
        plugins: Mapping[str, tuple[Manifest, ModuleType]],
        always: Mapping[str, ModuleType] | None = None,
        broken: Mapping[str, str] | None = None,
    ) -> None:
        self._always = dict(always or {})
        self._plugins = {name: module for name, (_, module) in sorted(plugins.items())}
        self.manifests = {name: manifest for name, (manifest, _) in sorted(plugins.items())}
        self.broken = dict(broken or {})
        self.operator_switched = frozenset(
            n for n, m in self.manifests.items() if m.switched_by == "operator" and m.default
        )
        self.everywhere = frozenset(n for n, m in self.manifests.items() if m.everywhere)
        self.platform = Hooks({**self._always, **self._plugins}, "platform")
        self._for = functools.lru_cache(maxsize=256)(self._build)
        self._one = functools.lru_cache(maxsize=None)(lambda name: Hooks({name: self._plugins[name]}, "plugin"))

        modules = {**self._always, **self._plugins}
        self._alone = functools.lru_cache(maxsize=None)(lambda name: Hooks({name: modules[name]}, "tenant"))

    def _build(self, enabled: frozenset[str]) -> Hooks:
        return Hooks({**self._always, **{n: p for n, p in self._plugins.items() if n in enabled}}, "tenant")

    def enabled(self, names: Iterable[str]) -> Hooks:
        """The hooks of the named plugins that are installed; names nobody installed are ignored."""
        return self._for(frozenset(names).intersection(self._plugins))

    def only(self, name: str) -> Hooks:
        """The plugin-scope hooks of one plugin. Raises KeyError when it is not installed."""
        return self._one(name)

    def alone(self, name: str) -> Hooks:
        """The tenant hooks of one plugin, or of `core`, whether it is on or off. Raises KeyError."""
        return self._alone(name)

    def migrations(self) -> list[Path]:
        """The folders of the migrations of the installed plugins that have tables, on or off."""
        files = (getattr(module, "__file__", None) for module in self._plugins.values())  # one made in a test has none
        folders = (Path(file).parent / "migrations" for file in files if file)
        return [folder for folder in folders if folder.is_dir()]

    def module(self, name: str) -> ModuleType:
        """A plugin's module. Raises KeyError when it is not installed."""
        return self._plugins[name]


def load_plugins(always: Mapping[str, ModuleType] | None = None) -> Registry:
    """Every plugin that has an entry point; one that fails is listed in `broken` and harms nothing."""
    found: dict[str, tuple[Manifest, ModuleType]] = {}
    broken: dict[str, str] = {}
    for point in sorted(entry_points(group=GROUP), key=lambda p: p.name):
        try:
            module = importlib.import_module(point.value)
            folder = Path(str(module.__file__)).parent
            manifest = read_manifest(folder / "plugin.toml")
            if manifest.id != point.name:
                raise ManifestError(f"entry point {point.name!r} names a plugin with the id {manifest.id!r}")
            Hooks({point.name: module}, "plugin")
            if (folder / "models.py").is_file():  # its tables are known before the first statement of anybody
                importlib.import_module(f"{point.value}.models")
        except Exception as error:  # importing runs a plugin's own code; the platform starts without it
            log.exception("plugin %s is not loaded", point.name)
            broken[point.name] = f"{type(error).__name__}: {error}"
        else:
            found[point.name] = (manifest, module)
    return Registry(found, always, broken)
