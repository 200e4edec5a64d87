"""Problems of a configuration in the language of the person, at the fields they belong to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _

from webchatagent.core.tenants import Problem

from .schemaforms import SettingsForm, target_of

NUMBER = _("Please enter a number.")
WHOLE = _("Please enter a whole number.")
TIME = _("Please enter a date or a time.")
SENTENCES: dict[str, Any] = {
    "missing": _("Please fill in this field."),
    "string_type": _("Please fill in this field."),
    "int_type": WHOLE,
    "int_parsing": WHOLE,
    "int_from_float": WHOLE,
    "float_type": NUMBER,
    "float_parsing": NUMBER,
    "finite_number": NUMBER,
    "decimal_type": NUMBER,
    "decimal_parsing": NUMBER,
    "greater_than": _("Please enter more than %(gt)s."),
    "greater_than_equal": _("Please enter at least %(ge)s."),
    "less_than": _("Please enter less than %(lt)s."),
    "less_than_equal": _("Please enter at most %(le)s."),
    "multiple_of": _("Please enter a multiple of %(multiple_of)s."),
    "string_too_short": _("Please enter at least %(min_length)s characters."),
    "string_too_long": _("Please enter at most %(max_length)s characters."),
    "string_pattern_mismatch": _("This does not have the right form."),
    "too_short": _("Please enter at least %(min_length)s entries."),
    "too_long": _("Please enter at most %(max_length)s entries."),
    "literal_error": _("Please choose one of the offered values."),
    "enum": _("Please choose one of the offered values."),
    "bool_type": _("Please choose one of the offered values."),
    "bool_parsing": _("Please choose one of the offered values."),
    "url_type": _("Please enter a web address such as https://www.example.org."),
    "url_parsing": _("Please enter a web address such as https://www.example.org."),
    "url_scheme": _("The address must begin with %(expected_schemes)s."),
    "url_too_long": _("Please enter at most %(max_length)s characters."),
    "date_parsing": TIME,
    "date_from_datetime_parsing": TIME,
    "datetime_parsing": TIME,
    "datetime_from_date_parsing": TIME,
    "time_parsing": TIME,
    "time_delta_parsing": TIME,
    "extra_forbidden": _("There is no such setting."),
    "dict_type": _("Please enter a JSON object."),
    "model_type": _("Please enter a JSON object."),
    "list_type": _("Please enter a JSON list."),
    "check_timeout": _(
        "The settings could not be tried within %(seconds)s seconds. See whether the other side answers, and try again."
    ),
    "secret_again": _("The address changed, so please enter this secret again."),
}
"""By pydantic's kind of error; what is not here keeps the words of the model or the plugin."""


def explain_problem(problem: Problem) -> str:
    """The sentence for a problem. It never holds what was typed, which may be a secret."""
    sentence = SENTENCES.get(problem.kind)
    if sentence is not None:
        try:
            return str(sentence) % {k: v for k, v in problem.values.items() if isinstance(v, int | float | str)}
        except (KeyError, TypeError, ValueError):
            return gettext("This does not have the right form.")
    text = problem.message.removeprefix("Value error, ").removeprefix("Assertion failed, ")
    cure = gettext(problem.cure) if problem.cure else ""
    return f"{gettext(text)} ({cure})" if cure else gettext(text)


def place_problems(form: SettingsForm, problems: Sequence[Problem]) -> None:
    """Put each problem at its field; those of no field stand above the form."""
    for problem in problems:
        target = target_of(form, problem.field)
        if target is None:
            form.problems.append(explain_problem(problem))
        else:
            target.errors = [*target.errors, explain_problem(problem)]
