"""Check digits: a number that only looks like an account or a paper is left alone. All take digits without blanks."""

from __future__ import annotations

from collections import Counter

_BASE36 = {c: i for i, c in enumerate("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")}
_FIVE = tuple(  # the dihedral group of order ten, as Verhoeff's method multiplies in it
    tuple((a + b) % 5 if b < 5 else 5 + (a + b) % 5 for b in range(10))
    if a < 5
    else tuple(5 + (a - b) % 5 if b < 5 else (a - b) % 5 for b in range(10))
    for a in range(10)
)
_TURN = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)
CARDS = (  # first digits from, to, and the lengths of such card numbers
    ("4", "4", (13, 16, 19)),
    ("51", "55", (16,)),
    ("2221", "2720", (16,)),
    ("34", "34", (15,)),
    ("37", "37", (15,)),
    ("300", "305", (14,)),
    ("36", "36", (14,)),
    ("38", "39", (14,)),
    ("3528", "3589", (16,)),
    ("6011", "6011", (16, 19)),
    ("644", "659", (16, 19)),
    ("60", "60", (16,)),  # RuPay
    ("62", "62", (16, 17, 18, 19)),
    ("81", "82", (16,)),  # RuPay
    ("2131", "2131", (15,)),
    ("1800", "1800", (15,)),
    *((m, m, tuple(range(12, 20))) for m in ("5018", "5020", "5038", "5893", "6304", "6759", "6761", "6762", "6763")),
)


def luhn(digits: str) -> bool:
    """The sum of ISO/IEC 7812, as on payment cards."""
    values = [int(d) for d in reversed(digits)]
    return (sum(values[0::2]) + sum(sum(divmod(2 * v, 10)) for v in values[1::2])) % 10 == 0


def card(digits: str) -> bool:
    """A payment card: a known issuer with its length, and the right sum (an EAN has it once in ten)."""
    known = any(low <= digits[: len(low)] <= high and len(digits) in lengths for low, high, lengths in CARDS)
    return known and len(set(digits)) > 2 and luhn(digits)


def iban(value: str) -> bool:
    """ISO 13616: the remainder by 97 is 1."""
    moved = value[4:] + value[:4]
    return len(value) >= 15 and int("".join(str(_BASE36[c]) for c in moved)) % 97 == 1


def mod_11_10(digits: str) -> bool:
    """ISO 7064, MOD 11,10."""
    check = 5
    for digit in digits:
        check = ((check or 10) * 2 % 11 + int(digit)) % 10
    return check == 1


def german_tax_id(digits: str) -> bool:
    """The Steuer-Identifikationsnummer: among its first ten digits exactly one stands twice or thrice."""
    repeated = [n for n in Counter(digits[:10]).values() if n > 1]
    return digits[0] != "0" and len(repeated) == 1 and repeated[0] in (2, 3) and mod_11_10(digits)


def verhoeff(digits: str) -> bool:
    """Verhoeff's sum, over the dihedral group."""
    check = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit)
        for _ in range(place % 8):
            value = _TURN[value]
        check = _FIVE[check][value]
    return check == 0


def aadhaar(digits: str) -> bool:
    """The Indian identity number: from 2 on, no palindrome, and Verhoeff's sum."""
    return digits[0] not in "01" and digits != digits[::-1] and verhoeff(digits)


def gstin(value: str) -> bool:
    """The Indian tax number of a business: a state, a PAN and a sum over 36 signs."""
    total = sum(sum(divmod(_BASE36[c] * (1 + place % 2), 36)) for place, c in enumerate(value))
    return "01" <= value[:2] <= "38" and total % 36 == 0
