"""Values of people who do not exist, from oracles that are not the guard's own code."""

from __future__ import annotations

import random
import string
from collections.abc import Callable

import phonenumbers
import pytest
from stdnum import iban, luhn, verhoeff
from stdnum.de import idnr
from stdnum.in_ import aadhaar, gstin, pan
from stdnum.iso7064 import mod_11_10

DEVANAGARI = str.maketrans("0123456789", "०१२३४५६७८९")
FIRST = ["Anna", "Jürgen", "Priya", "Rahul", "Maria", "Sunita", "Ole"]
LAST = ["Schmidt", "Müller", "Sharma", "Gupta", "O'Neill", "Weber-Klein"]
HOSTS = ["example.org", "firma-gmbh.de", "müller.de", "xn--mller-kva.de", "mail.example.co.in", "example.photography"]


class People:
    """Makes values; the same ones for the same seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def digits(self, count: int) -> str:
        return "".join(self.random.choice(string.digits) for _ in range(count))

    def letters(self, count: int) -> str:
        return "".join(self.random.choice(string.ascii_uppercase) for _ in range(count))

    def _spaced(self, value: str, size: int = 4, signs: str = " -") -> str:
        sign = self.random.choice(["", *signs])
        return sign.join(value[i : i + size] for i in range(0, len(value), size))

    def email(self) -> str:
        first, last = self.random.choice(FIRST).lower(), self.random.choice(LAST).lower().replace("'", "")
        user = self.random.choice([f"{first}.{last}", f"{first[0]}{last}", f"{last}+shop", f"{first}_{self.digits(2)}"])
        return f"{user}@{self.random.choice(HOSTS)}"

    def phone(self) -> str:
        """A number that libphonenumber gives as an example or varies validly, national or international."""
        region = self.random.choice(["DE", "IN", "AT", "CH", "GB", "US"])
        kind = self.random.choice([phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE])
        example = phonenumbers.example_number_for_type(region, kind)
        for _ in range(50):
            last = self.digits(4)
            number = phonenumbers.PhoneNumber(example.country_code, int(str(example.national_number)[:-4] + last))
            if phonenumbers.is_valid_number(number):
                break
        form = self.random.choice([phonenumbers.PhoneNumberFormat.INTERNATIONAL, phonenumbers.PhoneNumberFormat.NATIONAL,
                                   phonenumbers.PhoneNumberFormat.E164])  # fmt: skip
        return phonenumbers.format_number(number, form)

    def phone_devanagari(self) -> str:
        return f"{self.random.choice('6789')}{self.digits(9)}".translate(DEVANAGARI)

    def iban(self) -> str:
        account = {"DE": self.digits(18), "AT": self.digits(16), "GB": "NWBK" + self.digits(14)}
        country = self.random.choice(sorted(account))
        return self._spaced(
            f"{country}{iban.calc_check_digits(country + '00' + account[country])}{account[country]}", 4, " "
        )

    def card(self) -> str:
        start = self.random.choice(["4" + self.digits(14), "5" + self.random.choice("12345") + self.digits(13),
                                    "2" + str(self.random.randint(300, 699)) + self.digits(11)])  # fmt: skip
        return self._spaced(start + luhn.calc_check_digit(start))

    def tax_id(self) -> str:
        while True:
            start = self.random.choice("123456789") + self.digits(9)
            number = start + mod_11_10.calc_check_digit(start)
            if idnr.is_valid(number):
                return self.random.choice([number, f"{number[:2]} {number[2:5]} {number[5:8]} {number[8:]}"])

    def vat(self) -> str:
        start = self.random.choice("123456789") + self.digits(7)
        return self.random.choice(["DE", "DE "]) + start + mod_11_10.calc_check_digit(start)

    def aadhaar(self) -> str:
        while True:
            start = self.random.choice("23456789") + self.digits(10)
            number = start + verhoeff.calc_check_digit(start)
            if aadhaar.is_valid(number):
                return self._spaced(number)

    def pan(self) -> str:
        while True:
            number = (
                self.letters(3) + self.random.choice("ABCFGHJLPT") + self.letters(1) + self.digits(4) + self.letters(1)
            )
            if pan.is_valid(number):
                return number

    def gstin(self) -> str:
        while True:
            start = self.random.choice(["27", "29", "07", "33"]) + self.pan() + self.random.choice("123456789") + "Z"
            for last in string.digits + string.ascii_uppercase:
                if gstin.is_valid(start + last):
                    return start + last

    def upi(self) -> str:
        return f"{self.random.choice(FIRST).lower()}{self.digits(2)}@{self.random.choice(['okicici', 'ybl', 'paytm', 'upi'])}"

    def passport(self) -> str:
        return self.letters(1) + self.random.choice("123456789") + self.digits(6)

    def voter_id(self) -> str:
        return self.letters(3) + self.digits(7)

    def ipv4(self) -> str:
        return ".".join(str(self.random.randint(1, 126)) for _ in range(4))

    def ipv6(self) -> str:
        return ":".join(f"{self.random.randint(1, 65535):x}" for _ in range(8))

    def plate(self) -> str:
        return self.random.choice(["BI-AB 1234", "HH XY 912", "M-A 1", "MH 12 AB 1234", "KA-05-MN-4321"])

    def birth_date(self) -> str:
        day, month, year = self.random.randint(1, 28), self.random.randint(1, 12), self.random.randint(1950, 2005)
        return self.random.choice(
            [f"{day:02d}.{month:02d}.{year}", f"{year}-{month:02d}-{day:02d}", f"{day}/{month}/{year}"]
        )

    def name(self) -> str:
        return f"{self.random.choice(['', 'Dr. '])}{self.random.choice(FIRST)} {self.random.choice(LAST)}"

    def secret(self) -> str:
        tail = "".join(self.random.choice(string.ascii_letters + string.digits) for _ in range(36))
        return self.random.choice(["sk-proj-", "ghp_", "sk_live_", "AIza"]) + tail


PHRASES: dict[str, tuple[Callable[[People], str], list[str]]] = {
    "e-mail": (
        People.email,
        ["Schreiben Sie an {} für Rückfragen.", "कृपया {} पर लिखें।", "Mail:{};", "<{}>", "({}).", "{}"],
    ),
    "phone": (
        People.phone,
        ["Telefon: {}", "Rufen Sie {} an.", "Tel. {} (Mo-Fr)", "call {} please", "फ़ोन {}", "WhatsApp {}"],
    ),
    "phone, Devanagari": (People.phone_devanagari, ["मोबाइल: {}", "संपर्क {} पर करें", "कॉल करें {}।"]),
    "IBAN": (People.iban, ["Bitte überweisen Sie auf {}.", "IBAN: {}", "Transfer to {} by Friday", "खाता {} है"]),
    "card": (People.card, ["Kreditkarte {} gültig bis 12/27", "card no. {} exp 01/28", "Zahlung mit {} erfolgt"]),
    "tax id": (People.tax_id, ["Steuer-ID {}", "Meine IdNr ist {}.", "es ist die {}"]),
    "VAT id": (People.vat, ["USt-IdNr. {}", "VAT ID {}", "unsere ist {}"]),
    "Aadhaar": (People.aadhaar, ["Aadhaar {}", "आधार संख्या {}", "UID: {}", "{} है"]),
    "PAN": (People.pan, ["PAN {}", "पैन कार्ड {}", "it is {}."]),
    "GSTIN": (People.gstin, ["GSTIN: {}", "जीएसटी {}", "number {}"]),
    "UPI": (People.upi, ["UPI {}", "pay to {}"]),
    "passport": (People.passport, ["passport no {}", "पासपोर्ट {}"]),
    "voter id": (People.voter_id, ["voter id {}", "EPIC {}"]),
    "IPv4": (People.ipv4, ["IP {}", "from {} at 10:00"]),
    "IPv6": (People.ipv6, ["IP {}", "client {} connected"]),
    "plate": (People.plate, ["Kennzeichen {}", "Auto {}", "my number plate is {}"]),
    "birth date": (People.birth_date, ["geboren am {}", "Geburtsdatum: {}", "date of birth {}", "जन्म तिथि {}"]),
    "cued name": (People.name, ["Ansprechpartner ist {}.", "Mein Name ist {}.", "Contact: {}", "मेरा नाम {} है"]),
    "secret": (People.secret, ["my key is {}", "Schlüssel: {}"]),
}


@pytest.fixture
def people() -> People:
    """Values with a fixed seed."""
    return People(20261124)
