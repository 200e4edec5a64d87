"""Days and times as people say them in English, German and Hindi, read from a local date.

Whatever cannot be read for certain is None, so that the visitor is asked.
"""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date, timedelta

WEEKDAYS = (
    "monday mon montag mo सोमवार",
    "tuesday tue tues dienstag di मंगलवार",
    "wednesday wed weds mittwoch mi बुधवार",
    "thursday thu thur thurs donnerstag do गुरुवार बृहस्पतिवार",
    "friday fri freitag fr शुक्रवार",
    "saturday sat samstag sonnabend sa शनिवार",
    "sunday sun sonntag so रविवार इतवार",
)
MONTHS = (
    "january jan januar jänner जनवरी",
    "february feb februar फरवरी फ़रवरी",
    "march mar märz मार्च",
    "april apr अप्रैल",
    "may mai मई",
    "june jun juni जून",
    "july jul juli जुलाई",
    "august aug अगस्त",
    "september sep sept सितंबर सितम्बर",
    "october oct oktober okt अक्टूबर अक्तूबर",
    "november nov नवंबर नवम्बर",
    "december dec dezember dez दिसंबर दिसम्बर",
)
NUMBERS = (
    "one ein eins eine einem einer एक",
    "two zwei दो",
    "three drei तीन",
    "four vier चार",
    "five fünf पांच पाँच",
    "six sechs छह छः",
    "seven sieben सात",
    "eight acht आठ",
    "nine neun नौ",
    "ten zehn दस",
    "eleven elf ग्यारह",
    "twelve zwölf बारह",
)
WEEKDAY = {word: n for n, row in enumerate(WEEKDAYS) for word in row.split()}
MONTH = {word: n for n, row in enumerate(MONTHS, 1) for word in row.split()}
NUMBER = {word: n for n, row in enumerate(NUMBERS, 1) for word in row.split()}
TODAY = frozenset("today heute आज tonight now jetzt अभी".split())
TOMORROW = frozenset("tomorrow morgen".split())
AFTER = re.compile(r"day after tomorrow|übermorgen|परसों")
FOLLOWING = frozenset(
    "next following nächste nächsten nächster nächstem kommende kommenden kommender अगले अगला अगली".split()
)
UNITS = {
    **dict.fromkeys("day days tag tage tagen दिन दिनों".split(), 1),
    **dict.fromkeys("week weeks woche wochen हफ्ते हफ़्ते हफ्तों सप्ताह".split(), 7),
}
ISO = re.compile(r"\b(\d{4})[-/](\d{1,2})[-/](\d{1,2})\b")
DOTTED = re.compile(r"\b(\d{1,2})\.\s?(\d{1,2})\.(?:\s?(\d{4}|\d{2})\b)?")
SLASHED = re.compile(r"\b(\d{1,2})/(\d{1,2})/(\d{4}|\d{2})\b")
WORD = re.compile(r"[^\W\d_](?:[^\W\d_]|[\u0900-\u0963\u0966-\u097f])*|\d+")
DIGITS = str.maketrans("०१२३४५६७८९", "0123456789")


def _plain(text: str) -> str:
    return text.lower().translate(DIGITS).replace("’", "'")


def _words(text: str) -> list[str]:
    spaced = re.sub(r"(\d)(st|nd|rd|th)\b", r"\1", text)
    return WORD.findall(spaced)


def read_day(text: str, today: date) -> date | None:
    """The date that is meant, never one before today. A day without a month or a year is the next one."""
    text = _plain(text)
    if AFTER.search(text):
        return today + timedelta(days=2)
    return _written(text, today) or _by_month(_words(text), today) or _relative(text, today)


def _written(text: str, today: date) -> date | None:
    if match := ISO.search(text):
        return _date(int(match[1]), int(match[2]), int(match[3]))
    if match := DOTTED.search(text):
        return _next(int(match[1]), int(match[2]), _year(match[3]), today)
    if match := SLASHED.search(text):  # 24/12 and 12/24 are certain, 3/4 is not
        a, b, year = int(match[1]), int(match[2]), _year(match[3])
        if a == b or a > 12:
            return _next(a, b, year, today)
        return _next(b, a, year, today) if b > 12 else None
    return None


def _year(text: str | None) -> int:
    return 0 if not text else int(text) + (2000 if len(text) == 2 else 0)


def _by_month(words: list[str], today: date) -> date | None:
    """`the 3rd of May`, `May 3, 2027`."""
    for i, word in enumerate(words):
        month = MONTH.get(word)
        if month is None:
            continue
        years = [int(w) for w in words if w.isdigit() and len(w) == 4]
        near = [w for w in (*words[i + 1 : i + 3], *reversed(words[max(0, i - 3) : i])) if w.isdigit() and len(w) < 3]
        if near:
            return _next(int(near[0]), month, years[0] if years else 0, today)
    return None


def _relative(text: str, today: date) -> date | None:
    words = _words(text)
    if found := _counted(words, today):
        return found
    for i, word in enumerate(words):
        if word in TOMORROW and not (word == "morgen" and i and words[i - 1] in {"am", "heute", *WEEKDAY}):
            return today + timedelta(days=1)
        if word == "कल":  # yesterday or tomorrow: an appointment is never yesterday
            return today + timedelta(days=1)
    for word in words:
        if (word in WEEKDAY and len(word) > 2) or (word in ("mo", "mi", "fr", "sa") and len(words) == 1):
            ahead = (WEEKDAY[word] - today.weekday()) % 7
            return today + timedelta(days=ahead or 7 if set(words) & FOLLOWING else ahead)
    if set(words) & TODAY or "this evening" in text or "this afternoon" in text:
        return today
    return _day_of_month(text, words, today)


def _counted(words: list[str], today: date) -> date | None:
    """`in 3 days`, `two weeks from now`, `next week`."""
    for i, word in enumerate(words):
        if word not in UNITS or not i:
            continue
        count = int(words[i - 1]) if words[i - 1].isdigit() else NUMBER.get(words[i - 1], 0)
        if words[i - 1] == "a" or (words[i - 1] in FOLLOWING and UNITS[word] == 7):
            count = 1
        if 0 < count < 400:
            if words[i - 1] in FOLLOWING:
                day = next((WEEKDAY[w] for w in words if w in WEEKDAY and len(w) > 2), 0)
                return today + timedelta(days=7 - today.weekday() + day)
            return today + timedelta(days=count * UNITS[word])
    return None


def _day_of_month(text: str, words: list[str], today: date) -> date | None:
    match = re.search(r"\b(\d{1,2})(?:st|nd|rd|th)\b", text) or re.search(
        r"\b(?:the|am|den)\s+(\d{1,2})\b\.?(?!:)", text
    )
    match = match or re.search(r"\b(\d{1,2})\s*(?:तारीख|को)", text)
    if match is None:
        return None
    day, month, year = int(match[1]), today.month, today.year
    for _ in range(3):
        if 1 <= day <= monthrange(year, month)[1] and date(year, month, day) >= today:
            return date(year, month, day)
        month, year = (1, year + 1) if month == 12 else (month + 1, year)
    return None


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _next(day: int, month: int, year: int, today: date) -> date | None:
    if year:
        return _date(year, month, day)
    found = _date(today.year, month, day)
    return found if found is None or found >= today else _date(today.year + 1, month, day)


# -- times ----------------------------------------------------------------------------------------------------

PARTS = (
    (re.compile(r"\bnoon\b|\bmidday\b|\bmittags?\b|दोपहर"), (660, 840)),
    (re.compile(r"forenoon|\bmorning\b|vormittags?|\bmorgens\b|am morgen|\bfrüh\b|सुबह|सवेरे"), (360, 720)),
    (re.compile(r"afternoon|nachmittags?"), (720, 1080)),
    (re.compile(r"evening|tonight|\bnight\b|abends?|शाम|रात"), (1020, 1380)),
)
LATE = re.compile(r"afternoon|evening|tonight|\bnight\b|nachmittags?|abends?|शाम|रात")
NOON = re.compile(r"\bnoon\b|\bmidday\b|\bmittags?|दोपहर")
MORNING = re.compile(r"\bmorning\b|vormittags?|\bmorgens\b|\bfrüh\b|सुबह|सवेरे")
PM, AM = (
    re.compile(r"\d\s*p\.?\s?m\b|\bp\.m|\bpm\b|p\.m\."),
    re.compile(r"\d\s*a\.?\s?m\b|\ba\.m|\bam\b(?!\s+\w)|a\.m\."),
)
CLOCK = re.compile(r"\b(\d{1,2})(?:[:.](\d{2})|\s*uhr(?:\s*(\d{1,2}))?|\s*h\b)")


def read_time(text: str) -> int | tuple[int, int] | None:
    """The minute of the day that is meant, or a part of the day as (from, up to); None when it cannot be read."""
    text = re.sub(r"(\d)\s*(?=[ap]\.?\s?m\b|ish\b)", r"\1 ", _plain(text))
    clock = _clock(text)
    if clock is None:
        return (
            720 if re.search(r"\b(at )?(noon|midday)\b", text) else next((p for r, p in PARTS if r.search(text)), None)
        )
    minute, certain = clock
    if minute >= 13 * 60 or certain:
        return minute if minute < 1440 else None
    if PM.search(text) or LATE.search(text) or (NOON.search(text) and minute < 11 * 60):
        return minute % 720 + 720
    if AM.search(text) or MORNING.search(text):
        return minute % 720
    return minute


def _clock(text: str) -> tuple[int, bool] | None:
    """The minute that a text names, and whether it needs no part of the day; None for a text without one."""
    words = _words(text)
    if spoken := _spoken(words):
        return spoken, False
    if match := CLOCK.search(text):
        hour, minute = int(match[1]), int(match[2] or match[3] or 0)
        return (
            (hour * 60 + minute, len(match[1]) == 2 and match[1].startswith("0") and not PM.search(text))
            if (hour < 24 and minute < 60)
            else None
        )
    if match := re.search(r"\b(\d{3,4})\b", text):
        hour, minute = divmod(int(match[1]), 100)
        return (hour * 60 + minute, False) if hour < 24 and minute < 60 else None
    if match := re.search(r"\b(\d{1,2})\b", text):
        return (int(match[1]) * 60, False) if int(match[1]) < 24 else None
    found = next((NUMBER[w] for w in words if w in NUMBER), None)
    return None if found is None else (found * 60, False)


def _spoken(words: list[str]) -> int | None:
    """`half past 3`, `quarter to four`, `halb vier`, `साढ़े तीन`."""
    number = [int(w) if w.isdigit() and int(w) < 25 else NUMBER.get(w) for w in words]
    for i, word in enumerate(words):
        hour = next((n for n in number[i + 1 :] if n is not None), None)
        if hour is None:
            continue
        if word == "half" and "past" in words[i:]:
            return hour * 60 + 30
        if word == "halb":
            return hour * 60 - 30
        if word in ("quarter", "viertel"):
            return hour * 60 + (-15 if set(words[i:]) & {"to", "before", "vor", "till"} else 15)
        if word in ("साढ़े", "साढ़े"):
            return hour * 60 + 30
        if word == "सवा":
            return hour * 60 + 15
        if word in ("पौने",):
            return hour * 60 - 15
    return None
