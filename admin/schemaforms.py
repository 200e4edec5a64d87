"""Forms from pydantic models: one field a setting, nested models as groups, secrets that are only written."""

from __future__ import annotations

import datetime
import enum
import json
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from flask_babel import gettext
from flask_wtf import FlaskForm
from pydantic import AnyUrl, BaseModel
from pydantic.fields import FieldInfo
from wtforms import BooleanField, Field, PasswordField, SelectField, StringField, TextAreaField

from webchatagent.core.config_model import is_a, is_secret, pick, put, unwrap, walk
from webchatagent.core.manifest import FieldText

PREFIX = "c_"
"""In front of every field's name, so that a setting called `data` does not replace a part of the form."""
LINES = (list, set, frozenset, tuple)
TYPES: tuple[tuple[type, dict[str, Any]], ...] = (
    (bool, {}),
    (int, {"type": "number", "step": "1", "inputmode": "numeric"}),
    (float, {"type": "number", "step": "any", "inputmode": "decimal"}),
    (Decimal, {"type": "number", "step": "any", "inputmode": "decimal"}),
    (AnyUrl, {"type": "url", "inputmode": "url", "spellcheck": "false"}),
    (datetime.datetime, {"type": "datetime-local", "step": "1"}),
    (datetime.date, {"type": "date"}),
    (datetime.time, {"type": "time", "step": "1"}),
)
"""How single values are typed in; the first that fits. All else is a line of text."""


@dataclass
class Setting:
    """One setting of a form: its path (nested: `limits.daily`), pydantic's field, and the type without `| None`."""

    path: str
    info: FieldInfo
    kind: Any
    optional: bool
    secret: bool
    name: str = field(init=False)

    def __post_init__(self) -> None:
        self.name = PREFIX + self.path.replace(".", "__")

    @property
    def choices(self) -> list[Any] | None:
        """The values of a Literal or an Enum; None for any other type."""
        if typing.get_origin(self.kind) is Literal:
            return list(typing.get_args(self.kind))
        return [e.value for e in self.kind] if is_a(self.kind, enum.Enum) else None

    @property
    def shape(self) -> str:
        """`bool`, `choice`, `lines`, `json`, `text` (several lines) or `line`."""
        origin = typing.get_origin(self.kind) or self.kind
        inner = [unwrap(a)[0] for a in typing.get_args(self.kind) if a is not Ellipsis]
        plain = all(not is_a(a, BaseModel, dict) and typing.get_origin(a) not in (dict, *LINES) for a in inner)
        extra = self.info.json_schema_extra if isinstance(self.info.json_schema_extra, dict) else {}
        if self.kind is bool:
            return "bool"
        if self.choices is not None:
            return "choice"
        if origin in LINES:
            return "lines" if plain else "json"
        if origin is dict or is_a(self.kind, BaseModel) or self.kind is Any:
            return "json"
        return "text" if self.kind is str and extra.get("widget") == "textarea" else "line"


def settings_of(model: type[BaseModel]) -> list[Setting]:
    """The settings of a model, nested ones included, in their order."""
    return [Setting(path, info, *unwrap(info.annotation), is_secret(info)) for path, info in walk(model)]


class SettingsForm(FlaskForm):  # type: ignore[misc]
    """The base of forms from models. `problems` are those of the whole; `groups` are (title, field names)."""

    settings: tuple[Setting, ...] = ()
    groups: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def __init__(self, *args: Any, **values: Any) -> None:
        self.problems: list[str] = []
        super().__init__(*args, **values)


def make_form(
    model: type[BaseModel],
    stored: Mapping[str, Any],
    kept: frozenset[str],
    texts: Mapping[str, FieldText],
    typed: bool = True,
) -> SettingsForm:
    """A form with the stored values; `kept` are the paths of secrets that are set; `texts` the words of the settings.

    What the request sent counts instead, unless `typed` is False.
    """
    settings = settings_of(model)
    attributes: dict[str, Any] = {"settings": tuple(settings)}
    groups: dict[str, list[str]] = {}
    for setting in settings:
        for name, made in _fields(setting, setting.path in kept, texts.get(setting.path, FieldText())).items():
            attributes[name] = made
            group = setting.path.rpartition(".")[0]
            groups.setdefault(group, []).append(name)
    attributes["groups"] = tuple(
        (_words(g.rpartition(".")[2]) if g else "", tuple(names)) for g, names in groups.items()
    )
    cls = type(f"{model.__name__}Form", (SettingsForm,), attributes)
    sent = {} if typed else {"formdata": None}
    return cls(data={s.name: _shown(s, stored) for s in settings if not s.secret}, **sent)  # type: ignore[no-any-return]


def _words(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _fields(setting: Setting, is_set: bool, text: FieldText) -> dict[str, Any]:
    """The field of a setting; a secret that is set and may be empty has a box to erase it beside it."""
    label = text.label or setting.info.title or _words(setting.path.rpartition(".")[2])
    words: dict[str, Any] = {"label": label, "description": text.help or setting.info.description or ""}
    if setting.secret:
        shown = gettext("Stored. Leave it empty to keep it.") if is_set else ""
        made = PasswordField(**words, render_kw={"autocomplete": "new-password", "placeholder": shown})
        erase = BooleanField(gettext("Erase what is stored: %(label)s", label=label))
        may_erase = is_set and not setting.info.is_required()
        return {setting.name: made, **({f"{setting.name}__erase": erase} if may_erase else {})}
    return {setting.name: _field(setting, words, text.choices)}


def _field(setting: Setting, words: dict[str, Any], called: Mapping[str, str]) -> Any:
    shape, needed = setting.shape, setting.info.is_required()
    if shape == "bool":
        return BooleanField(**words)
    if shape == "choice":
        nothing = [("", "–")] if setting.optional or needed else []
        choices = [(str(v), called.get(str(v), str(v).replace("_", " "))) for v in setting.choices or []]
        return SelectField(**words, choices=[*nothing, *choices], validate_choice=False)
    if shape in ("lines", "json", "text"):
        if shape == "lines":
            words["description"] = " ".join(filter(None, [words["description"], gettext("One a line.")]))
        mono = {} if shape == "text" else {"class": "mono", "spellcheck": "false"}
        return TextAreaField(**words, render_kw={"rows": 5 if shape == "json" else 4, **mono})
    return StringField(**words, render_kw=_attributes(setting))


def _attributes(setting: Setting) -> dict[str, Any]:
    is_address = setting.kind is str and setting.path.rpartition(".")[2].endswith("url")
    kind = AnyUrl if is_address else setting.kind
    found = next((dict(more) for known, more in TYPES if is_a(kind, known)), {})
    for limit in setting.info.metadata:
        for name, attribute in (
            ("ge", "min"),
            ("gt", "min"),
            ("le", "max"),
            ("lt", "max"),
            ("max_length", "maxlength"),
        ):
            value = getattr(limit, name, None)
            if value is not None and (attribute == "maxlength" or found.get("type") == "number"):
                found[attribute] = str(value)
    return found


def _shown(setting: Setting, stored: Mapping[str, Any]) -> Any:
    """What stands in a field: the stored value, else the default."""
    value = pick(stored, setting.path)
    if value is None and not setting.info.is_required() and not _holds(stored, setting.path):
        value = setting.info.get_default(call_default_factory=True)
    if isinstance(value, enum.Enum):
        value = value.value
    if setting.shape == "bool":
        return bool(value)
    if value is None:
        return ""
    if setting.shape == "lines":
        return "\n".join(str(v) for v in value)
    if setting.shape == "json":
        plain = value.model_dump(mode="json") if isinstance(value, BaseModel) else value
        return json.dumps(plain, indent=2, ensure_ascii=False, default=str)
    return str(value)


def _holds(stored: Mapping[str, Any], path: str) -> bool:
    above, _, last = path.rpartition(".")
    found = pick(stored, above) if above else stored
    return isinstance(found, Mapping) and last in found


def read_changes(form: SettingsForm) -> dict[str, Any] | None:
    """What was typed, as changes for `core.plugins.configure(…, whole=True)`. None when JSON cannot be read.

    A secret that was left blank is left out, so that it stays; one to be erased is empty.
    """
    changes: dict[str, Any] = {}
    sound = True
    for setting in form.settings:
        typed = form[setting.name].data
        if setting.secret:
            erase = f"{setting.name}__erase" in form and form[f"{setting.name}__erase"].data
            if typed:
                put(changes, setting.path, typed)
            elif erase:
                put(changes, setting.path, None if setting.optional else "")
            continue
        if setting.shape == "bool":
            put(changes, setting.path, bool(typed))
            continue
        text = (typed or "").strip()
        if setting.shape == "json" and text:
            try:
                put(changes, setting.path, json.loads(text))
            except ValueError:
                form[setting.name].errors = [gettext("This is not valid JSON.")]
                sound = False
        elif setting.shape == "lines":
            put(changes, setting.path, [line.strip() for line in text.splitlines() if line.strip()])
        elif text or (setting.kind is str and not setting.info.is_required() and not setting.optional):
            put(changes, setting.path, _choice(setting, text))
        elif setting.optional:
            put(changes, setting.path, None)
    return changes if sound else None


def _choice(setting: Setting, text: str) -> Any:
    """A chosen value in its own type: the form sends text, a Literal may hold numbers."""
    return next((c for c in setting.choices or [] if str(c) == text), text)


def target_of(form: SettingsForm, path: str) -> Field | None:
    """The field that a problem at a path belongs to: the setting itself, or the one it is a part of."""
    while path:
        name = PREFIX + path.replace(".", "__")
        if name in form:
            return form[name]
        path = path.rpartition(".")[0]
    return None
