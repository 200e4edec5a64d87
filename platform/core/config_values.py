"""The values of a plugin's configuration as plain dicts: merging changes, and which of them are secrets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import AnyUrl, BaseModel
from pydantic.fields import FieldInfo

from .config_model import is_a, pick, put, secret_paths, unwrap, walk
from .tenants import Problem

ENDPOINT_NAMES = ("url", "host", "endpoint", "server")


def merged(stored: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """`changes` over `stored`, nested dicts included."""
    out = dict(stored)
    for name, value in changes.items():
        before = out.get(name)
        out[name] = merged(before, value) if isinstance(before, dict) and isinstance(value, Mapping) else value
    return out


def secrets_in(model: type[BaseModel], values: Mapping[str, Any]) -> dict[str, Any]:
    """The secrets among values, by path."""
    return {path: pick(values, path) for path in secret_paths(model)}


def only_secrets(model: type[BaseModel], values: Mapping[str, Any]) -> dict[str, Any]:
    """The values that are secrets and set, nested as they were."""
    out: dict[str, Any] = {}
    for path, value in secrets_in(model, values).items():
        if value:
            put(out, path, value)
    return out


def without(values: Mapping[str, Any], paths: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """The values without those at some paths."""
    return {
        name: without(value, paths, f"{prefix}{name}.") if isinstance(value, Mapping) else value
        for name, value in values.items()
        if f"{prefix}{name}" not in paths
    }


def _is_endpoint(path: str, field: FieldInfo) -> bool:
    name = path.rpartition(".")[2]
    return is_a(unwrap(field.annotation)[0], AnyUrl) or name.split("_")[-1] in ENDPOINT_NAMES


def _effective(values: Mapping[str, Any], path: str, field: FieldInfo) -> str:
    """The value that counts, as text: the given one, else the default."""
    found = pick(values, path)
    if found is None and not field.is_required():
        found = field.get_default(call_default_factory=True)
    return str(found or "").rstrip("/")


def moved_secrets(
    model: type[BaseModel], stored: Mapping[str, Any], values: Mapping[str, Any], changes: Mapping[str, Any]
) -> list[Problem]:
    """Secrets that would go to another host than the one they were entered for: they must be entered again.

    Else somebody who may change the address, but does not know the key, could have it sent to a server of theirs.
    """
    places = [(path, field) for path, field in walk(model) if _is_endpoint(path, field)]
    if all(_effective(stored, p, field) == _effective(values, p, field) for p, field in places):
        return []
    return [
        Problem("The address changed, so this secret must be entered again.", path, kind="secret_again")
        for path, value in secrets_in(model, stored).items()
        if value and pick(changes, path) is None and pick(values, path)
    ]
