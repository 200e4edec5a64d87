"""Forms of declared screens: a WTForms class of core's own, or a pydantic model of a plugin, both asked in one way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from webchatagent.core.manifest import FieldText
from webchatagent.core.tenants import Problem

from ..languages import localised
from ..schemaerrors import place_problems
from ..schemaforms import make_form, read_changes, target_of


def declared_form(declared: type[Any], values: Mapping[str, Any], labels: Mapping[str, Any]) -> Any:
    """The form, with the values that are there; `labels` are the words of the screen's columns."""
    if not issubclass(declared, BaseModel):
        return declared(data=dict(values) or None)
    texts = {name: FieldText(label=str(localised(label))) for name, label in labels.items()}
    return make_form(declared, values, frozenset(), texts)


def typed(declared: type[Any], form: Any) -> Any:
    """What was sent and is right: the form itself, or an object of the model; None else, with errors at their fields."""
    if not form.validate_on_submit():
        return None
    if not issubclass(declared, BaseModel):
        return form
    changes = read_changes(form)
    if changes is None:
        return None
    try:
        return declared.model_validate(changes)
    except ValidationError as error:
        place_problems(
            form,
            [
                Problem(e["msg"], ".".join(str(p) for p in e["loc"]), kind=e["type"], values=dict(e.get("ctx", {})))
                for e in error.errors(include_url=False, include_input=False)
            ],
        )
        return None


def field_named(form: Any, name: str) -> Any:
    """The field that an error is about, or None."""
    return form[name] if name in form else target_of(form, name)
