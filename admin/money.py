"""Money and times as they are shown, in the reader's way of writing."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from babel.numbers import format_currency
from flask_babel import format_decimal, get_locale, gettext

from webchatagent.core.prices import MICRO


def money(amount: int, currency: str) -> str:
    """An amount such as `€12.30`; with four more signs below one unit, so that a single answer is not nothing."""
    value = Decimal(amount) / MICRO
    digits = Decimal("0.01") if abs(value) >= 1 or not value else Decimal("0.0001")
    if 0 < abs(value) < Decimal("0.0001"):
        digits = Decimal("0.000001")
    return format_currency(
        value.quantize(digits), currency, locale=get_locale() or "en", currency_digits=False, decimal_quantization=False
    )


def costs(by_currency: Mapping[str, int]) -> str:
    """Amounts of several currencies beside each other; a dash for none."""
    return " + ".join(money(amount, currency) for currency, amount in sorted(by_currency.items())) or "–"


def milliseconds(value: int | None) -> str:
    """A time such as `340 ms` or `2.1 s`; a dash for none."""
    if value is None:
        return "–"
    if value < 1000:
        return gettext("%(n)s ms", n=format_decimal(value))
    return gettext("%(n)s s", n=format_decimal(round(value / 1000, 1)))
