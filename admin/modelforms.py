"""The forms of the model control panel: what is set on answers, limits, prices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from babel.numbers import get_decimal_symbol
from flask_babel import get_locale, gettext
from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import Field, HiddenField, IntegerField, SelectField, StringField, TextAreaField, ValidationError
from wtforms.validators import InputRequired, Length, NumberRange, Optional

from webchatagent.core.bots import BotSettings
from webchatagent.core.caps import FEWEST_TOKENS, NAMES, Caps
from webchatagent.core.offered import Offered
from webchatagent.core.prices import MICRO

from .forms import REQUIRED

TOO_LONG = _("This is too long.")
AUTOMATIC = _("Automatic: a model that is switched on")
NOBODY = _("Nobody")
RESIDENCY = (("any", _("Anywhere")), ("eu", _("In the EU, or on this server")), ("house", _("On this server only")))
MOST_FALLBACKS = 4


class NumberField(StringField):  # type: ignore[misc]
    """A decimal number, written with a comma or a point; `number` is the Decimal."""

    number: Decimal | None = None

    def process_formdata(self, valuelist: Sequence[str]) -> None:
        """Read what was typed. Raises ValueError for what is no number."""
        super().process_formdata(valuelist)
        self.number = parse_decimal(self.data or "")


def parse_decimal(text: str) -> Decimal | None:
    """A number as people write it: 1.5, 1,5 or 1 500,25; None for nothing. Raises ValueError."""
    text = text.replace("\u00a0", "").replace("\u202f", "").replace(" ", "").replace("'", "")
    if not text:
        return None
    comma, point = text.rfind(","), text.rfind(".")
    if comma >= 0 and point >= 0:  # the last one parts the fraction
        text = text.replace("." if comma > point else ",", "")
    try:
        found = Decimal(text.replace(",", "."))
    except InvalidOperation:
        found = Decimal("NaN")
    if not found.is_finite():
        raise ValueError(gettext("Please enter a number."))
    return found


def plain_number(value: float | Decimal) -> str:
    """A number to type over, in the reader's way of writing: no blanks, no zeros at its end."""
    text = f"{value:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return text.replace(".", get_decimal_symbol(get_locale() or "en"))


class ModelForm(FlaskForm):  # type: ignore[misc]
    """What decides how a bot answers. Fallbacks are added by `make_model_form`."""

    chat_model = SelectField(_("Model"))
    residency = SelectField(
        _("Questions may go"),
        choices=list(RESIDENCY),
        description=_("Models that work elsewhere are never asked, not even when all others fail."),
    )
    temperature = NumberField(
        _("Temperature"),
        [InputRequired(REQUIRED)],
        description=_("0 keeps to the sources and repeats itself; higher is freer."),
        render_kw={"inputmode": "decimal", "autocomplete": "off"},
    )
    max_tokens = IntegerField(
        _("Longest answer, in tokens"),
        [InputRequired(REQUIRED), NumberRange(50, 8000, message=_("Please enter a number from 50 to 8000."))],
        description=_("A token is about four letters."),
        render_kw={"inputmode": "numeric", "autocomplete": "off"},
    )
    instructions = TextAreaField(
        _("Instructions"),
        [Optional(), Length(max=8000, message=TOO_LONG)],
        description=_("Tone and rules for the answers, such as: use formal language, keep it short."),
        render_kw={"rows": 9},
    )
    note = StringField(
        _("Why?"),
        [Optional(), Length(max=300, message=TOO_LONG)],
        description=_("For your colleagues, beside the version."),
    )
    expected = HiddenField()
    fallbacks: Sequence[Field] = ()

    def validate_temperature(self, field: NumberField) -> None:
        """Refuse what no model takes."""
        if field.number is None or not 0 <= field.number <= 2:
            raise ValidationError(gettext("Please enter a number from 0 to 2."))

    def values(self) -> dict[str, Any]:
        """The settings, as `BotSettings` names them."""
        assert self.temperature.number is not None
        return {
            "chat_model": self.chat_model.data or "",
            "fallback_models": [f.data for f in self.fallbacks if f.data],
            "residency": self.residency.data,
            "temperature": float(self.temperature.number),
            "max_tokens": self.max_tokens.data,
            "instructions": (self.instructions.data or "").strip().replace("\r\n", "\n"),
        }


def make_model_form(settings: BotSettings, version: int, offered: Mapping[str, Offered]) -> ModelForm:
    """The form for what is set, with a choice of the models that are offered; a model that is gone stays to be seen."""
    named = [settings.chat_model, *settings.fallback_models]
    names = [(o.info.id, o.info.name) for o in offered.values()]
    gone = [(n, gettext("%(name)s (not offered any more)", name=n)) for n in named if n and n not in offered]
    many = min(MOST_FALLBACKS, max(len(offered) - 1, len(settings.fallback_models)))
    fields = {f"fallback_{n}": SelectField(str(_fallback_label(n))) for n in range(many)}
    stored = {f"fallback_{n}": name for n, name in enumerate(settings.fallback_models)}
    form: ModelForm = type("BotModelForm", (ModelForm,), fields)(
        data={
            **settings.model_dump(include={"chat_model", "residency", "max_tokens", "instructions"}),
            **stored,
            "temperature": plain_number(settings.temperature),
            "expected": str(version),
        }
    )
    form.fallbacks = [form[name] for name in fields]
    form.chat_model.choices = [("", str(AUTOMATIC)), *names, *gone]
    for field in form.fallbacks:
        field.choices = [("", str(NOBODY)), *names, *gone]
    return form


def _fallback_label(number: int) -> Any:
    return (_("When it fails"), _("Then"), _("After that"), _("At last"))[number]


class CapsForm(FlaskForm):  # type: ignore[misc]
    """The most that may be used; an empty field is no limit."""

    session_messages = IntegerField(_("Per conversation a day"))
    day_messages = IntegerField(_("Questions a day"))
    month_messages = IntegerField(_("Questions a month"))
    day_tokens = IntegerField(_("Tokens a day"))
    month_tokens = IntegerField(_("Tokens a month"))
    month_money = NumberField(_("Money a month"))
    at_limit = SelectField(
        _("When a limit is reached"),
        choices=[
            ("refuse", _("Say politely that no more questions can be answered")),
            ("offline", _("Answer offline")),
        ],
    )

    def __init__(self, caps: Caps) -> None:
        money = plain_number(Decimal(caps.month_money) / MICRO) if caps.month_money else ""
        whole = {name: getattr(caps, name) or None for name in NAMES if name != "month_money"}
        super().__init__(data={**whole, "month_money": money, "at_limit": caps.at_limit})
        for name in NAMES:
            self[name].validators = [Optional()]
            self[name].flags.optional = True
            self[name].render_kw = {"inputmode": "decimal", "autocomplete": "off", "placeholder": gettext("No limit")}

    def values(self) -> Caps | None:
        """The caps, or None when a number is not possible; its field says so then."""
        values: dict[str, Any] = {name: self[name].data or 0 for name in NAMES if name != "month_money"}
        values["month_money"] = int((self.month_money.number or 0) * MICRO)
        most = {n: next(m.le for m in Caps.model_fields[n].metadata if hasattr(m, "le")) for n in NAMES}
        good = True
        for name in NAMES:
            least = FEWEST_TOKENS if name.endswith("tokens") else 0
            if not (values[name] == 0 or least <= values[name] <= most[name]):
                text = gettext("Please enter at least %(n)s.", n=least) if least else gettext("Please enter a number.")
                self[name].errors = [*self[name].errors, text]
                good = False
        return Caps.model_validate({**values, "at_limit": self.at_limit.data}) if good else None
