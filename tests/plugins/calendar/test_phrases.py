"""Days and times as people say them: dialogues of others, where two ways to say one thing must mean one thing."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from webchatagent.plugins.calendar.phrases import read_day, read_time

DATA = Path(__file__).resolve().parents[4] / "shared/evaldata/booking"
TODAY = date(2026, 11, 30)  # a Monday
SGD_TODAY = date(2019, 3, 1)
"""The day on which the dialogues play: `next Thursday` is March 7th in them."""

DAYS = [
    ("today", 0),
    ("tomorrow at 3", 1),
    ("the day after tomorrow", 2),
    ("Friday", 4),
    ("next Monday", 7),
    ("in two weeks", 14),
    ("2026-12-24", 24),
    ("the 3rd", 3),
    ("heute", 0),
    ("morgen Nachmittag", 1),
    ("übermorgen", 2),
    ("am Donnerstag", 3),
    ("nächsten Montag", 7),
    ("am 24.12.", 24),
    ("am 3. Dezember", 3),
    ("in drei Tagen", 3),
    ("in einer Woche", 7),
    ("heute Morgen", 0),
    ("am Freitag morgen", 4),
    ("आज", 0),
    ("कल", 1),
    ("परसों", 2),
    ("शुक्रवार को", 4),
    ("अगले सोमवार", 7),
    ("३ दिसंबर", 3),
    ("तीन दिन बाद", 3),
    ("दो हफ्ते बाद", 14),
    ("5 तारीख", 5),
]
TIMES = [
    ("3 pm", 900),
    ("half past 3 in the afternoon", 930),
    ("quarter to four pm", 945),
    ("noon", 720),
    ("12 am", 0),
    ("9:30", 570),
    ("in the morning", (360, 720)),
    ("um 15 Uhr", 900),
    ("halb vier nachmittags", 930),
    ("viertel nach neun", 555),
    ("viertel vor zehn vormittags", 585),
    ("9 Uhr 30", 570),
    ("vormittags", (360, 720)),
    ("nachmittags", (720, 1080)),
    ("दोपहर 3 बजे", 900),
    ("सुबह दस बजे", 600),
    ("साढ़े तीन बजे दोपहर", 930),
    ("शाम को 6 बजे", 1080),
    ("सवा नौ बजे सुबह", 555),
    ("पौने दस बजे सुबह", 585),
    ("सुबह", (360, 720)),
]


@pytest.mark.parametrize(("text", "days"), DAYS)
def test_a_day_in_english_german_and_hindi(text, days):
    found = read_day(text, TODAY)
    assert found is not None and (found - TODAY).days == days


@pytest.mark.parametrize(("text", "expected"), TIMES)
def test_a_time_in_english_german_and_hindi(text, expected):
    assert read_time(text) == expected


@pytest.mark.parametrize("text", ["whenever it rains", "31.2.", "3/4/2027", "bald", "जल्दी", "soon"])
def test_a_day_that_is_not_certain_is_asked_for(text):
    assert read_day(text, TODAY) is None


@pytest.mark.parametrize("text", ["soon", "25:70", "bald", "जल्दी"])
def test_a_time_that_is_not_certain_is_asked_for(text):
    assert read_time(text) is None


def variants():
    """(kind, the ways in which one value is said) of the dialogues."""
    with gzip.open(DATA / "sgd.dev.jsonl.gz", "rt") as lines:
        for line in lines:
            for turn in json.loads(line)["turns"]:
                for frame in turn["frames"]:
                    for slot, values in frame.get("slots", {}).items():
                        if len(values) > 1 and slot.split("_")[-1] in ("date", "time") and "alarm" not in slot:
                            yield slot.split("_")[-1], tuple(values)


@pytest.mark.skipif(not DATA.exists(), reason="the dialogues are absent")
def test_two_ways_to_say_one_thing_mean_one_thing():
    good, bad, examples = Counter(), Counter(), Counter()
    for kind, values in variants():
        read = {read_day(v, SGD_TODAY) if kind == "date" else read_time(v) for v in values}
        right = len(read) == 1 and None not in read
        good[kind] += right
        bad[kind] += not right
        if not right:
            examples[values] += 1
    for kind in ("date", "time"):
        print(f"{kind}: {good[kind]} of {good[kind] + bad[kind]} alike")
    print(examples.most_common(12))
    for kind in ("date", "time"):
        assert good[kind] > 300 and good[kind] / (good[kind] + bad[kind]) >= 0.97


@pytest.mark.skipif(not DATA.exists(), reason="the phrases are absent")
def test_most_phrases_of_a_restaurant_are_read():
    today, read, unread = date(2018, 4, 20), Counter(), Counter()
    for line in (DATA / "restaurant8k.dev.jsonl").read_text().splitlines():
        row = json.loads(line)
        for label in row.get("labels", []):
            if label["slot"] in ("date", "time"):
                span = label["valueSpan"]
                text = row["userInput"]["text"][span.get("startIndex", 0) : span["endIndex"]]
                found = read_day(text, today) if label["slot"] == "date" else read_time(text)
                read[label["slot"]] += found is not None
                if found is None:
                    unread[label["slot"], text] += 1
    for slot in ("date", "time"):
        missing = sum(n for (s, _), n in unread.items() if s == slot)
        print(f"{slot}: {read[slot]} of {read[slot] + missing} read")
        assert read[slot] / (read[slot] + missing) >= 0.95
    print(unread.most_common(25))
