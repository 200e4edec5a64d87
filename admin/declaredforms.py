"""Forms of declared screens: made by hand, or from the pydantic model that a plugin gives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from webchatagent.core.manifest import FieldText
from webchatagent.core.tenants import Problem

from .languages import localised
from .schemaerrors import place_problems
from .schemaforms import SettingsForm, make_form, read_changes, target_of


def open_form(kind: type[Any], labels: Mapping[str, Any], data: Mapping[str, Any] | None = None) -> Any:
    """The form to show; of a model it has a field for each of its fields, called as the screen calls them."""
    if not issubclass(kind, BaseModel):
        return kind(data=data)
    texts = {name: FieldText(label=str(localised(labels[name]))) for name in kind.model_fields if name in labels}
    return make_form(kind, data or {}, frozenset(), texts)


def sent_form(form: Any, kind: type[Any]) -> Any:
    """What was sent, when it is sound: the form itself, or the model. None otherwise; each problem is at its field."""
    if not form.validate_on_submit():
        return None
    if not isinstance(form, SettingsForm):
        return form
    changes = read_changes(form)
    if changes is None:
        return None
    try:
        return kind.model_validate(changes)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        place_problems(
            form,
            [
                Problem(e["msg"], ".".join(map(str, e["loc"])), kind=e["type"], values=dict(e.get("ctx", {})))
                for e in found
            ],
        )
        return None


def field_of(form: Any, name: str) -> Any:
    """The field that an error names, or None."""
    if isinstance(form, SettingsForm):
        return target_of(form, name)
    return form[name] if name and name in form else None
