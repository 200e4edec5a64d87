"""The kinds of personal data that a pattern can tell, as a table: what it looks like, what proves it, what announces it.

All patterns meet text whose digits, blanks and dashes are ASCII already. A pattern with a group `v` marks that group.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass

from . import checksums


@dataclass(frozen=True)
class Kind:
    """One kind. `check` proves a match; where it fails, `cue` shortly before it will do (people mistype).

    `needs` are words in small letters, or names of `SIGNS`: a text without any of them is not searched.
    """

    label: str
    pattern: re.Pattern[str]
    check: Callable[[str], bool] | None = None
    cue: re.Pattern[str] | None = None
    needs: tuple[str, ...] = ("a long number",)


SIGNS = {
    "a digit": re.compile(r"\d"),
    "a long number": re.compile(r"(?:\d[ \-/.()]{0,3}){5}\d"),
    "a code": re.compile(r"[A-Za-z]\d{4}[A-Za-z]"),
}


def _cue(words: str) -> re.Pattern[str]:
    """Words that announce a number, at the start of a word and at most two dozen signs before it."""
    return re.compile(rf"(?i)(?<![^\W\d_])(?:{words})[^\n\d]{{0,24}}$")


def _plain(value: str) -> str:
    return re.sub(r"[^0-9A-Za-z]", "", value).upper()


def _by(check: Callable[[str], bool]) -> Callable[[str], bool]:
    return lambda value: check(_plain(value))


def _address(value: str) -> bool:
    """An IP address of somebody: no loopback, no wildcard, no part of a program such as `a::b`."""
    try:
        found = ipaddress.ip_address(value)
    except ValueError:
        return False
    parts = [p for p in value.split(":") if p]
    return not (found.is_loopback or found.is_unspecified or found.is_multicast) and ("." in value or len(parts) > 2)


def _mixed(value: str) -> bool:
    return any(c.isdigit() for c in value) and any(c.isalpha() for c in value)


_STATES = (
    "AN|AP|AR|AS|BR|CG|CH|DD|DL|DN|GA|GJ|HP|HR|JH|JK|KA|KL|LA|LD|MH|ML|MN|MP|MZ|NL|OD|OR|PB|PY|RJ|SK|TN|TR|TS|UK|UP|WB"
)
_UPI = "ok(?:axis|hdfcbank|icici|sbi)|ybl|ibl|axl|paytm|pt[a-z]{3,4}|upi|apl|yapl|[a-z]{2,8}bank|barodampay|kotak|sbi|icici"
_BORN = r"geboren(?: am)?|geb\.|geburtsdatum|geburtstag|date of birth|d\.?o\.?b\.?|born(?: on)?|birthday|जन्म ?(?:तिथि|दिन|तारीख)"
_DATE = r"\d{1,2}[./-] ?\d{1,2}[./-] ?(?:19|20)?\d{2}|(?:19|20)\d{2}-\d{2}-\d{2}|\d{1,2}\.? [^\W\d_]{3,12}\.? (?:19|20)\d{2}"
_DATE += r"|[^\W\d_]{3,12} \d{1,2},? (?:19|20)\d{2}"

KINDS = (
    Kind(
        "EMAIL",
        re.compile(
            r"(?<![\w.+-])[\w!#$%&'*+/=?^`{|}~-][\w.!#$%&'*+/=?^`{|}~-]{0,63}@(?:\w(?:[\w-]{0,61}\w)?\.)+[^\W\d_][\w-]*\w"
        ),
        needs=("@",),
    ),
    Kind("UPI", re.compile(rf"(?<![\w.@-])[\w.-]{{2,64}}@(?:{_UPI})(?![\w.]*\w)"), needs=("@",)),
    Kind(
        "IBAN",
        re.compile(r"(?i)(?<![^\W_])[a-z]{2}\d{2}(?: ?[a-z0-9]{4}){2,7}(?: ?[a-z0-9]{1,4})?(?![^\W_])"),
        _by(checksums.iban),
        _cue(r"iban|konto\w*|account|खाता"),
    ),
    Kind(
        "AADHAAR",
        re.compile(r"(?<!\d)\d{4}[ -]?\d{4}[ -]?\d{4}(?!\d)"),
        _by(checksums.aadhaar),
        _cue(r"aa?dh?aa?r|uidai?|आधार"),
    ),
    Kind(
        "CARD",
        re.compile(r"(?<![\d.,-])\d(?:[ -]?\d){11,18}(?![\d-])"),
        _by(checksums.card),
        _cue(r"\w*karte|(?:credit|debit)? ?card|visa|master ?card|amex|rupay|कार्ड"),
    ),
    Kind(
        "TAX_ID",
        re.compile(r"(?<!\d)[1-9]\d ?\d{3} ?\d{3} ?\d{3}(?!\d)"),
        _by(checksums.german_tax_id),
        _cue(r"steuer\w*|st\.?-?nr|id\.?-?nr|idnr|tax id|tin"),
    ),
    Kind(
        "TAX_ID",
        re.compile(r"(?<![^\W_])DE ?\d{3} ?\d{3} ?\d{3}(?!\w)"),
        lambda value: checksums.mod_11_10(_plain(value)[2:]),
        _cue(r"ust|umsatzsteuer\w*|vat|mwst"),
    ),
    Kind(
        "TAX_ID",
        re.compile(r"(?i)(?<![^\W_])\d{2}[a-z]{5}\d{4}[a-z][1-9a-z]z[0-9a-z](?!\w)"),
        _by(checksums.gstin),
        _cue(r"gst\w*|जीएसटी"),
        needs=("a code",),
    ),
    Kind(
        "PAN",
        re.compile(r"(?<![^\W_])[A-Z]{3}[ABCEFGHJLPT][A-Z](?!0000)\d{4}[A-Z](?!\w)"),
        needs=("a code",),
    ),
    Kind(
        "PAN",
        re.compile(r"(?i)(?<![^\W\d_])(?:pan|पैन)[^\d\n]{0,16}?(?<![^\W_])(?P<v>[a-z]{5}\d{4}[a-z])(?!\w)"),
        needs=("a code",),
    ),
    Kind(
        "PASSPORT",
        re.compile(
            r"(?i)(?:passport|पासपोर्ट|reisepass|passnummer|personalausweis\w*)[^\d\n]{0,20}?(?<!\w)"
            r"(?P<v>[a-z] ?[1-9]\d{6}|[cfghjklmnprtvwxyz][0-9cfghjklmnprtvwxyz]{8})(?!\w)"
        ),
        needs=("pass", "ausweis", "पासपोर्ट"),
    ),
    Kind(
        "VOTER_ID",
        re.compile(r"(?i)(?<![^\W\d_])(?:voter|epic|मतदाता)[^\d\n]{0,20}?(?<!\w)(?P<v>[a-z]{3} ?\d{7})(?!\w)"),
    ),
    Kind(
        "PLATE",
        re.compile(
            r"(?i:kennzeichen|kfz|fahrzeug|auto|plate|wagen)[^\d\n]{0,12}?(?<!\w)"
            r"(?P<v>[A-ZÄÖÜ]{1,3}[- ][A-Z]{1,2} ?\d{1,4}[EH]?|[a-zäöü]{1,3}-[a-z]{1,2} ?\d{1,4}[eh]?)(?!\w)"
        ),
        needs=("kennzeichen", "kfz", "fahrzeug", "auto", "plate", "wagen"),
    ),
    Kind(
        "PLATE",
        re.compile(rf"(?<!\w)(?:{_STATES})[ -]?\d{{1,2}}[ -]?[A-Z]{{1,3}}[ -]?\d{{4}}(?!\w)"),
        needs=("a digit",),
    ),
    Kind(
        "BIRTHDATE",
        re.compile(rf"(?i)(?<![^\W\d_])(?:{_BORN})\W{{0,4}}(?:ist |is |am |on |है )?(?P<v>{_DATE})(?!\d)"),
        needs=("geb", "birth", "born", "dob", "d.o.b", "जन्म"),
    ),
    Kind("SSN", re.compile(r"(?<![\w-])(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\w-])")),
    Kind(
        "IP",
        re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.]*\d)"),
        _address,
        needs=("a digit",),
    ),
    Kind(
        "IP",
        re.compile(r"(?<![\w:.])(?:[0-9a-fA-F]{0,4}:){2,7}[0-9a-fA-F]{0,4}(?![\w:])"),
        _address,
        needs=(":",),
    ),
    Kind(
        "MAC",
        re.compile(r"(?<![\w:-])(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}(?![\w:-])"),
        needs=("a digit",),
    ),
    Kind(
        "SECRET",
        re.compile(
            r"(?<!\w)(?:sk-[\w-]{16,}|[sr]k_(?:live|test)_\w{10,}|AIza[\w-]{30,}|EAA[A-Za-z0-9]{30,}|gh[pousr]_\w{30,}"
            r"|xox[abpr]-[\w-]{10,}|AKIA[0-9A-Z]{16}|eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]{10,})"
        ),
        _mixed,
        needs=("sk-", "k_live_", "k_test_", "aiza", "eaa", "gh", "xox", "akia", "eyj"),
    ),
    Kind(
        "SECRET",
        re.compile(r"(?i)[?&](?:token|key|api_?key|sig|signature|access_token|password|auth)=(?P<v>[^&\s\"'<>]{6,})"),
        needs=("token=", "key=", "sig=", "signature=", "password=", "auth="),
    ),
    Kind(
        "SECRET",
        re.compile(
            r"(?i)(?<![^\W\d_])(?:pass ?wor[dt]|kennwort|passcode|पासवर्ड)\s*(?:is|ist|lautet|है|:|=|-)+\s*(?P<v>[^\s\"'<>]{6,64})"
        ),
        _mixed,
        needs=("pass", "kennwort", "पासवर्ड"),
    ),
)
NOT_PERSONAL = re.compile(
    r"(?i)(?<![^\W\d_])(?:ean|gtin|isbn|issn|upc|imei|doi|sku|order|bestell\w*|auftrag\w*|sendung\w*|tracking|artikel\w*"
    r"|serien\w*|serial|invoice|rechnung\w*|ticket|version|vorgang\w*|kunden(?:nummer|nr)\w*|timestamp|commit|ऑर्डर|बिल)"
    r"[^\n\d]{0,20}$"
)
"""What announces a number of a thing. Numbers of people that are announced too, or proven, are found nevertheless."""
THING_BEHIND = re.compile(r"(?i)^[^\n\d]{0,12}(?<![^\W\d_])(?:ean|gtin|isbn|upc)(?![^\W\d_])")
