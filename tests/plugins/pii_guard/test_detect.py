"""What the guard finds, and what it leaves alone: oracles that are not its own code, hard negatives, real texts."""

from __future__ import annotations

import json
import string
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from stdnum import iban, luhn, verhoeff
from stdnum.de import idnr
from stdnum.in_ import aadhaar, gstin, pan
from stdnum.iso7064 import mod_11_10

from webchatagent.core.placeholders import LABELS
from webchatagent.plugins.pii_guard import checksums, detect, names
from webchatagent.plugins.pii_guard.config import Config
from webchatagent.plugins.pii_guard.kinds import KINDS

from .conftest import PHRASES, People

REGIONS = Config().regions
WANTED = 0.98  # of what a check digit proves, of e-mail addresses and of phone numbers
HARMED = 0.01  # of the negatives at most


def find(text, mode="standard"):
    return detect.find(text, mode, REGIONS)


def covered(text, value, mode="standard"):
    """Whether the guard found a value from its first sign to its last."""
    start = text.index(value)
    return any(a <= start and b >= start + len(value) for a, b, _ in find(text, mode))


def values(length, alphabet=string.digits):
    return st.text(alphabet, min_size=length, max_size=length)


# -- check digits ------------------------------------------------------------------------------------------------


@given(st.integers(9, 19).flatmap(values))
def test_sums_agree_with_an_independent_library(digits):
    assert checksums.luhn(digits) == luhn.is_valid(digits)
    assert checksums.mod_11_10(digits) == mod_11_10.is_valid(digits)
    assert checksums.verhoeff(digits) == verhoeff.is_valid(digits)


@settings(max_examples=300)
@given(values(10).filter(lambda v: v[0] != "0"), values(11))
def test_german_and_indian_numbers_agree(start, eleven):
    german = start + mod_11_10.calc_check_digit(start)
    assert checksums.german_tax_id(german) == idnr.is_valid(german)
    indian = eleven + verhoeff.calc_check_digit(eleven)
    assert checksums.aadhaar(indian) == aadhaar.is_valid(indian)


@settings(max_examples=300)
@given(st.integers(1, 35), values(3, string.ascii_uppercase), values(4, "123456789"), values(1, string.digits + "ABZ"))
def test_gstin_agrees(state, letters, digits, last):
    value = f"{state:02d}{letters}PX{digits}Q1Z{last}"
    if pan.is_valid(value[2:12]):
        assert checksums.gstin(value) == gstin.is_valid(value)


@given(values(18))
def test_iban_agrees(account):
    right = f"DE{iban.calc_check_digits('DE00' + account)}{account}"
    wrong = f"DE{(int(right[2:4]) + 1) % 100:02d}{account}"
    assert checksums.iban(right) and not checksums.iban(wrong)


# -- what is found -----------------------------------------------------------------------------------------------


@pytest.mark.seed("SR-063")
@pytest.mark.parametrize("kind", PHRASES)
def test_a_value_is_found_in_sentences_of_three_languages(kind, people):
    make, phrases = PHRASES[kind]
    missed = []
    for number in range(100):
        value = make(people)
        text = phrases[number % len(phrases)].format(value)
        if not covered(text, value):
            missed.append(text)
    assert len(missed) <= 100 * (1 - WANTED), missed


@pytest.mark.parametrize("kind", ["card", "IBAN", "phone", "tax id", "Aadhaar"])
def test_digits_and_blanks_of_another_script_hide_nothing(kind, people):
    from .conftest import DEVANAGARI

    make, phrases = PHRASES[kind]
    for phrase in phrases[:2]:
        value = make(people).replace(" ", "\u00a0").translate(DEVANAGARI)
        assert covered(phrase.format(value), value), phrase.format(value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Aadhaar 2345 6789 0123", "2345 6789 0123"),
        ("meine IBAN ist DE12 3456 7890 1234 5678 90", "DE12 3456 7890 1234 5678 90"),
        ("Kreditkarte: 4111 1111 1111 1112", "4111 1111 1111 1112"),
        ("Steuer-ID 12345678901", "12345678901"),
        ("USt-IdNr. DE123456789", "DE123456789"),
        ("my pan is abcde1234f", "abcde1234f"),
        ("9876543210", "9876543210"),
        (" 0176 12345678\n", "0176 12345678"),
        ("es ist 017612345678, danke", "017612345678"),
        ("In order to reach me: 0521448125", "0521448125"),
        ("Kennzeichen bi-ab 1234", "bi-ab 1234"),
        ("Personalausweis L01X00T47", "L01X00T47"),
        ("born on May 5, 1990", "May 5, 1990"),
    ],
)
def test_a_mistyped_number_is_found_behind_its_name(text, value):
    assert covered(text, value)


@pytest.mark.parametrize(
    "text",
    [
        "Call (0521) 448125.",
        "reach me at 0521 448125 ",
        "Tel.0521/448125-0,",
        "Tel:0521 448125",
        "+49 (0)521 448125 (mobile)",
    ],
)
def test_a_phone_number_begins_and_ends_with_its_own_signs(text):
    (span,) = [s for s in find(text) if s[2] == "PHONE"]
    found = text[span[0] : span[1]]
    assert found[0] in "+(0" and found[-1].isdigit() and found.count("(") == found.count(")")


def test_a_greedy_iban_gives_the_next_word_back():
    text = "auf DE89370400440532013000 bis Freitag"
    assert [text[a:b] for a, b, label in find(text) if label == "IBAN"] == ["DE89370400440532013000"]
    spaced = "DE89 3704 0044 0532 0130 00 BITTE"
    assert [spaced[a:b] for a, b, label in find(spaced) if label == "IBAN"] == ["DE89 3704 0044 0532 0130 00"]
    mistyped = "IBAN DE12 3704 0044 0532 0130 00 bis Mai"
    assert [mistyped[a:b] for a, b, label in find(mistyped) if label == "IBAN"] == ["DE12 3704 0044 0532 0130 00"]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("My name is Rubija", "Rubija"),
        ("my name is anna schmidt", "anna schmidt"),
        ("Ich heiße Jürgen von Weber.", "Jürgen von Weber"),
        ("Sehr geehrte Frau Dr. Schmidt,", "Dr. Schmidt"),
        ("Mein Name ist Dipl.-Ing. Lena Dallinger.", "Lena Dallinger"),
        ("Mein Name ist Univ.Prof. Bäck.", "Bäck"),
        ("My name is Mrs. Yesenia Vang", "Yesenia Vang"),
        ("Viele Grüße\nAnna Schmidt", "Anna Schmidt"),
        ("श्रीमती सुनीता शर्मा जी से मिलें", "सुनीता शर्मा"),
    ],
)
def test_a_name_is_found_behind_its_cue(text, name):
    assert covered(text, name)


# -- what is left alone ------------------------------------------------------------------------------------------

NEGATIVES = [
    lambda p: f"Artikelnummer {p.digits(8)} kostet {p.digits(2)},{p.digits(2)} EUR.",
    lambda p: f"Bestellnummer {p.digits(10)} vom {p.birth_date()}",
    lambda p: f"Öffnungszeiten Mo-Fr {p.random.randint(8, 10)}:00-{p.random.randint(16, 20)}:00 Uhr",
    lambda p: f"Order #{p.digits(12)} shipped",
    lambda p: f"ISBN 978-3-{p.digits(3)}-{p.digits(5)}-{p.digits(1)}",
    lambda p: f"Version {p.random.randint(1, 9)}.{p.random.randint(0, 20)}.{p.random.randint(0, 99)}.1 released",
    lambda p: f"§ {p.random.randint(1, 400)} BGB, Art. 6(1)(f) GDPR",
    lambda p: f"PLZ {p.digits(5)} Bielefeld",
    lambda p: f"Invoice INV-{p.digits(6)} total {p.digits(4)}.00 USD",
    lambda p: f"Tracking {p.digits(20)}",
    lambda p: f"Preis: {p.random.randint(1, 99)}.{p.digits(3)},{p.digits(2)} €",
    lambda p: f"Maße {p.digits(3)} x {p.digits(3)} x {p.digits(2)} mm",
    lambda p: f"कीमत ₹{p.digits(5)} है",
    lambda p: f"commit {''.join(p.random.choice('0123456789abcdef') for _ in range(40))}",
    lambda p: f"SKU {p.letters(3)}{p.digits(4)}-{p.letters(2)}",
    lambda p: f"Seriennummer {p.letters(2)}{p.digits(9)}",
    lambda p: f"{p.digits(13)} ist die EAN",
    lambda p: f"EAN 4{p.digits(12)}",
    lambda p: f"Am {p.birth_date()} um {p.random.randint(8, 19)}:30 Uhr",
    lambda p: "Follow @webchat on social",
    lambda p: f"ticket {p.digits(7)} closed",
    lambda p: f"Kundennummer {p.digits(6)}",
    lambda p: f"timestamp {p.random.randint(1700000000, 1790000000)}",
    lambda p: "call std::string::size or a::b, then localhost 127.0.0.1 and ::1",
    lambda p: "my name is not important, and I am in Berlin; ich bin Kunde",
    lambda p: f"Der Pass kostet {p.digits(2)} Euro, die Bearbeitung {p.digits(1)} Wochen.",
    lambda p: f"The call takes {p.digits(2)} minutes and costs 0.{p.digits(2)} per minute.",
    lambda p: f"Das Auto bleibt bis zu {p.digits(1)} Tage, der Wagen ab {p.digits(3)} Euro.",
    lambda p: "Contact us for the season 2024-2025, or call on 24.11.26 about order 12345678.",
    lambda p: f"They are called receptors (around 200–300), call it {p.digits(2)}.{p.digits(6)}, contact -119.329261",
    lambda p: p.random.choice("12") + p.digits(7),
    lambda p: f"it was 00{p.digits(4)} of {p.digits(9)} and 9{p.digits(9)} tons",
    lambda p: "pip install sk-learn-contrib-package, see task-oriented-dialogues; श्री लंका एक द्वीप है",
    lambda p: f"between 19{p.digits(2)}-20{p.digits(2)} and 2026-11-24T10:30:00",
]


def test_at_most_one_in_a_hundred_hard_negatives_is_touched(people):
    texts = [make(people) for make in NEGATIVES for _ in range(50)]
    touched = [t for t in texts if find(t)]
    assert len(touched) <= HARMED * len(texts), touched


def test_nothing_is_found_when_it_is_off():
    assert find("me@example.org", "off") is None


# -- strict ------------------------------------------------------------------------------------------------------


@pytest.mark.seed("SR-066")
def test_strict_finds_streets_and_the_names_of_an_installed_recogniser(monkeypatch):
    text = "Besuchen Sie Schmidt in der Alten Hauptstraße 12a oder 24 Clarke Avenue."
    monkeypatch.setattr(
        names, "recognisers", lambda: (lambda text: [(text.index("Schmidt"), text.index("Schmidt") + 7)],)
    )
    assert find(text) == []
    assert covered(text, "Hauptstraße 12a", "strict") and covered(text, "24 Clarke Avenue", "strict")
    assert covered(text, "Schmidt", "strict")


def test_a_recogniser_is_an_entry_point(monkeypatch):
    class Point:
        def load(self):
            return lambda text: [(0, 4)]

    monkeypatch.setattr(names, "entry_points", lambda group: [Point()] if group == names.GROUP else [])
    names.recognisers.cache_clear()
    try:
        assert list(names.find_recognised("Anna says hello")) == [(0, 4)]
    finally:
        names.recognisers.cache_clear()


# -- cost and memory ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "a" * 8000,
        "1 " * 4000,
        "a@" * 4000,
        "a@a." * 2000,
        "(" * 8000,
        "+" * 8000,
        "DE00" * 2000,
        "pass" + "a" * 8000,
        ":" * 8000,
        "1." * 4000,
        "my name is " * 700,
        "A" * 8000,
        "Herr " * 1600,
        "१" * 8000,
        "Kennzeichen " * 700,
        "geboren " * 1000,
        "password: " * 800,
        "0521 448125 " * 660,
    ],
)
def test_no_text_takes_long(text):
    detect.find("call 0521 448125", "strict", REGIONS)  # the first number loads the tables of countries
    began = time.process_time()
    detect.find(text[:8000], "strict", REGIONS)
    assert time.process_time() - began < 1.0


def test_what_is_kept_of_a_text_does_not_hold_it():
    find("my secret address is canary@example.org")
    assert detect._kept and "canary" not in repr(detect._kept)
    assert len(detect._kept) <= detect.KEPT


# -- real texts --------------------------------------------------------------------------------------------------

TYPES = {
    "PHONE_NUMBER": "phone",
    "CREDIT_CARD": "card",
    "IBAN_CODE": "IBAN",
    "EMAIL_ADDRESS": "e-mail",
    "IP_ADDRESS": "IP",
}
UNTOUCHED = {"GPE", "ORGANIZATION", "DATE_TIME", "AGE", "NRP", "TITLE", "LOCATION"}


@pytest.mark.seed("SR-063")
def test_texts_of_others_are_masked_where_it_matters(evaldata):
    rows = [json.loads(line) for line in (evaldata / "pii" / "presidio.dev.jsonl").open(encoding="utf-8")]
    found: dict[str, list[bool]] = {}
    for row in rows:
        spans = find(row["text"])
        for s in row["spans"]:
            hit = any(a <= s["start"] and b >= s["end"] for a, b, _ in spans)
            found.setdefault(s["type"], []).append(hit)
    clean = [r["text"] for r in rows if {s["type"] for s in r["spans"]} <= UNTOUCHED]
    touched = [t for t in clean if find(t)]
    print(table(found, len(touched), len(clean)))
    for kind in TYPES:
        assert sum(found[kind]) >= WANTED * len(found[kind]), kind
    assert len(touched) <= HARMED * len(clean), touched


def table(found, touched, clean):
    """The figures as Markdown."""
    lines = ["", "| Kind | Found | Of |", "|---|---|---|"]
    lines += [
        f"| {k} | {sum(v) / len(v):.1%} | {len(v)} |"
        for k, v in sorted(found.items(), key=lambda i: -sum(i[1]) / len(i[1]))
    ]
    return "\n".join([*lines, f"| texts without personal data that are touched | {touched / clean:.1%} | {clean} |"])


def test_every_kind_has_a_label_that_core_knows():
    assert {kind.label for kind in KINDS} < set(LABELS)


def test_regions_are_countries():
    assert Config(regions=("de", " in")).regions == ("DE", "IN")
    with pytest.raises(ValidationError, match="such as DE"):
        Config(regions=("Germany",))


def test_values_come_from_a_seed():
    assert People(1).email() == People(1).email()
