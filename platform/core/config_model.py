"""The model of a plugin's configuration: its settings by dotted path, nested models included, and which are secrets."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, SecretBytes, SecretStr
from pydantic.fields import FieldInfo


def unwrap(annotation: Any) -> tuple[Any, bool]:
    """`X | None` as (X, True); anything else as it is, with False."""
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        inner = [a for a in typing.get_args(annotation) if a is not type(None)]
        if len(inner) == 1 and len(typing.get_args(annotation)) == 2:
            return inner[0], True
    return annotation, False


def is_a(annotation: Any, *kinds: type) -> bool:
    """Whether an annotation is a class below one of `kinds`."""
    return isinstance(annotation, type) and issubclass(annotation, kinds)


def walk(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Every setting that is not a model itself, by its dotted path."""
    for name, field in model.model_fields.items():
        inner, optional = unwrap(field.annotation)
        if is_a(inner, BaseModel) and not optional:
            yield from walk(inner, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", field


def is_secret(field: FieldInfo) -> bool:
    """Whether a setting is declared as a secret, or as an optional one."""
    return is_a(unwrap(field.annotation)[0], SecretStr, SecretBytes)


def secret_paths(model: type[BaseModel]) -> tuple[str, ...]:
    """The paths of the secrets."""
    return tuple(path for path, field in walk(model) if is_secret(field))


def pick(values: Mapping[str, Any], path: str) -> Any:
    """The value at a dotted path, or None."""
    found: Any = values
    for name in path.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def put(values: dict[str, Any], path: str, value: Any) -> None:
    """Set the value at a dotted path."""
    *above, last = path.split(".")
    for name in above:
        values = values.setdefault(name, {})
    values[last] = value
