"""Hooks run for the plugins that are on, and for no others."""

from __future__ import annotations

import random
import threading
import types
from collections.abc import Callable
from typing import Any

import pytest

from webchatagent.core import registry as registry_module
from webchatagent.core.hookspecs import hookimpl
from webchatagent.core.manifest import Manifest
from webchatagent.core.registry import HookFailed, Hooks, PluginRefused, Registry, Spec, load_plugins


def plug(name: str, **functions: Callable[..., Any]) -> types.ModuleType:
    """A plugin module with these hooks."""
    module = types.ModuleType(name)
    for hook, function in functions.items():
        setattr(module, hook, hookimpl(function))
    return module


def manifest(name: str, **fields: Any) -> Manifest:
    """A manifest with the required fields."""
    return Manifest(id=name, name=name, summary="A test.", category="model", **fields)


def make(*modules: types.ModuleType, **options: Any) -> Registry:
    """A registry of modules."""
    return Registry({m.__name__: (manifest(m.__name__), m) for m in modules}, **options)


def model_plugin(name: str) -> types.ModuleType:
    """A plugin whose chat models are its own name."""

    def chat_models(tenant):
        return [name]

    return plug(name, chat_models=chat_models)


def called(registry: Registry, *names: str) -> list[tuple[str, Any]]:
    """What `chat_models` gives for a set of names."""
    found: list[tuple[str, Any]] = registry.enabled(frozenset(names)).call("chat_models", tenant=None)
    return found


def test_only_the_plugins_that_are_on_run():
    registry = make(*(model_plugin(f"p{n}") for n in "abcd"))
    assert sorted(called(registry, "pa", "pc")) == [("pa", ["pa"]), ("pc", ["pc"])]
    assert called(registry) == []


def test_a_name_that_nobody_installed_is_ignored():
    registry = make(model_plugin("pa"))
    assert registry.enabled({"zz"}).plugins == ()
    with pytest.raises(KeyError):
        registry.module("zz")


def test_the_same_set_is_one_object_whoever_asks():
    registry = make(model_plugin("pa"), model_plugin("pb"))
    assert registry.enabled(["pa", "pb"]) is registry.enabled(frozenset(["pb", "pa"]))


def test_core_takes_part_in_every_set():
    registry = make(model_plugin("pa"), always={"core": model_plugin("core")})
    assert called(registry) == [("core", ["core"])]


def test_plugins_that_are_on_for_everybody_are_named():
    registry = Registry(
        {
            "op": (manifest("op", switched_by="operator", default=True), model_plugin("op")),
            "te": (manifest("te"), model_plugin("te")),
        }
    )
    assert registry.operator_switched == {"op"}


def test_an_implementation_under_another_name_does_not_leak():
    module = types.ModuleType("sly")

    def other(tenant):
        return ["leak"]

    module.other = hookimpl(specname="chat_models")(other)
    registry = make(module, model_plugin("pa"))
    assert called(registry, "pa") == [("pa", ["pa"])]


def test_collect_survives_a_plugin_that_fails(caplog):
    def broken(tenant):
        raise ValueError("boom")

    before = Hooks.failures["bad", "chat_models"]
    registry = make(plug("bad", chat_models=broken), model_plugin("good"))
    assert called(registry, "bad", "good") == [("good", ["good"])]
    assert "plugin bad failed in chat_models" in caplog.text
    assert Hooks.failures["bad", "chat_models"] == before + 1


def test_each_gives_one_row_an_item():
    def chat_models(tenant):
        return ["m1", "m2"]

    registry = make(plug("pa", chat_models=chat_models))
    assert registry.enabled({"pa"}).each("chat_models", tenant=None) == [("pa", "m1"), ("pa", "m2")]


def test_require_runs_all_and_then_raises():
    ran = []

    def broken(tenant, subject):
        raise ValueError("boom")

    def good(tenant, subject):
        ran.append(subject)

    registry = make(plug("bad", subject_erase=broken), plug("good", subject_erase=good))
    with pytest.raises(HookFailed, match="bad: ValueError") as caught:
        registry.enabled({"bad", "good"}).call("subject_erase", tenant=None, subject=7)
    assert ran == [7]
    assert [plugin for plugin, _ in caught.value.failures] == ["bad"]


def test_first_takes_the_first_answer_and_raises_failures():
    def nothing(tenant, blob):
        return None

    def text(tenant, blob):
        return blob

    def broken(tenant, blob):
        raise ValueError("boom")

    registry = make(plug("p1", extract_text=nothing), plug("p2", extract_text=text), plug("p3", extract_text=broken))
    assert registry.enabled({"p1", "p2"}).call("extract_text", tenant=None, blob="b") == "b"
    assert registry.enabled({"p1"}).call("extract_text", tenant=None, blob="b") is None
    with pytest.raises(ValueError, match="boom"):
        registry.enabled({"p3"}).call("extract_text", tenant=None, blob="b")


@pytest.fixture
def folding(monkeypatch):
    """`extract_text` as a fold of `blob`, since no hook of today is one."""
    monkeypatch.setitem(registry_module.SPECS, "extract_text", Spec("fold", "tenant", "blob"))


def test_fold_chains_and_fails_closed(folding):
    def add_a(tenant, blob):
        return blob + "a"

    def add_b(tenant, blob):
        return blob + "b"

    def broken(tenant, blob):
        raise ValueError("boom")

    registry = make(plug("pa", extract_text=add_a), plug("pb", extract_text=add_b), plug("px", extract_text=broken))
    assert sorted(registry.enabled({"pa", "pb"}).call("extract_text", tenant=None, blob="-")) == ["-", "a", "b"]
    with pytest.raises(ValueError, match="boom"):
        registry.enabled({"pa", "pb", "px"}).call("extract_text", tenant=None, blob="-")


def test_scopes_are_kept_apart():
    registry = make(model_plugin("pa"))
    for hooks, name in (
        (registry.platform, "chat_models"),
        (registry.enabled({"pa"}), "health_checks"),
        (registry.only("pa"), "chat_models"),
        (registry.enabled({"pa"}), "plugin_check"),
    ):
        with pytest.raises(LookupError):
            hooks.call(name, tenant=None)


def test_a_misspelt_hook_is_refused():
    def chat_modelz(tenant): ...

    with pytest.raises(Exception, match="chat_modelz"):
        make(plug("pa", chat_modelz=chat_modelz))


def test_defaults_are_refused():
    def chat_models(tenant=None): ...

    with pytest.raises(PluginRefused, match="defaults"):
        make(plug("pa", chat_models=chat_models))


def test_wrappers_are_allowed_only_where_one_answer_wins():
    def wrap(tenant):
        return (yield)

    module = types.ModuleType("pw")
    module.chat_models = hookimpl(wrapper=True)(wrap)
    with pytest.raises(PluginRefused, match="takes no wrapper"):
        make(module)


def test_threads_never_see_the_plugins_of_others():
    names = [f"p{n}" for n in range(12)]
    registry, wrong = make(*(model_plugin(name) for name in names)), []

    def work(seed):
        dice = random.Random(seed)
        for _ in range(500):
            on = frozenset(dice.sample(names, 2))
            if {value for _, (value,) in called(registry, *on)} != on:
                wrong.append(on)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


class Point:
    """An entry point of a test."""

    def __init__(self, name, value):
        self.name, self.value = name, value


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """A function that writes plugin packages and makes them the only installed ones."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def install(**packages: dict[str, str]) -> Registry:
        for name, files in packages.items():
            (tmp_path / name).mkdir()
            for file, text in files.items():
                (tmp_path / name / file).write_text(text, encoding="utf-8")
        points = [Point(name.removeprefix("wca_"), name) for name in packages]
        monkeypatch.setattr(registry_module, "entry_points", lambda group: points)
        return load_plugins()

    return install


TOML = 'id = "{}"\nname = "N"\nsummary = "S"\ncategory = "model"\n'
HOOK = "from webchatagent.core.api import hookimpl\n\n\n@hookimpl\ndef {}(tenant{}):\n    return [1]\n"


def test_a_broken_plugin_is_listed_with_its_reason_and_harms_nothing(installed):
    registry = installed(
        wca_fine={"__init__.py": HOOK.format("chat_models", ""), "plugin.toml": TOML.format("fine")},
        wca_noimport={"__init__.py": "import no_such_module_at_all\n", "plugin.toml": TOML.format("noimport")},
        wca_nomanifest={"__init__.py": ""},
        wca_wrongid={"__init__.py": "", "plugin.toml": TOML.format("other")},
        wca_badfield={"__init__.py": "", "plugin.toml": TOML.format("badfield") + "colour = 'red'\n"},
        wca_misspelt={"__init__.py": HOOK.format("chat_modelz", ""), "plugin.toml": TOML.format("misspelt")},
        wca_default={"__init__.py": HOOK.format("chat_models", "=None"), "plugin.toml": TOML.format("default")},
    )
    assert list(registry.manifests) == ["fine"]
    assert called(registry, "fine", "default", "misspelt") == [("fine", [1])]
    reasons = registry.broken
    assert set(reasons) == {"noimport", "nomanifest", "wrongid", "badfield", "misspelt", "default"}
    assert "no_such_module_at_all" in reasons["noimport"] and "plugin.toml is missing" in reasons["nomanifest"]
    assert "other" in reasons["wrongid"] and "colour" in reasons["badfield"]
    assert "chat_modelz" in reasons["misspelt"] and "defaults" in reasons["default"]
