"""Free slots against a checker that looks at every minute, over random calendars and the days when clocks change."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from webchatagent.plugins.calendar.slots import Rules, free_slots, is_free

CALENDARS = 10_000
MINUTE = timedelta(minutes=1)
DST = {
    "Europe/Berlin": (date(2026, 3, 29), date(2026, 10, 25)),
    "America/New_York": (date(2026, 3, 8), date(2026, 11, 1)),
    "Asia/Kolkata": (date(2026, 3, 29), date(2026, 10, 25)),
    "Australia/Lord_Howe": (date(2026, 4, 5), date(2026, 10, 4)),
}


@cache
def clocks(zone: str, day: date) -> tuple[datetime, np.ndarray, np.ndarray]:
    """The first of the minutes around a date, and of each the date (as a number) and the minute that its clock says."""
    begin = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=14)
    local = [(begin + n * MINUTE).astimezone(ZoneInfo(zone)) for n in range(54 * 60)]
    return begin, np.array([x.toordinal() for x in local]), np.array([x.hour * 60 + x.minute for x in local])


def by_minutes(rules: Rules, day: date, busy, now) -> list[datetime]:
    """The free slots of a date, found by asking each minute on its own what its clock says."""
    today = now.astimezone(rules.zone).date()
    if not today <= day <= today + timedelta(days=rules.horizon):
        return []
    begin, days, walls = clocks(rules.zone.key, day)
    number = np.arange(len(days))
    good, on_grid = np.zeros(len(days), bool), np.zeros(len(days), bool)
    for ordinal in set(days.tolist()):
        d = date.fromordinal(ordinal)
        for a, b in rules.exceptions.get(d, rules.weekly[d.weekday()]):
            inside = (days == ordinal) & (a <= walls) & (walls < b)
            good |= inside
            on_grid |= inside & (d == day) & ((walls - a) % rules.step == 0)
    for s, e in busy:
        if s < e:
            low, high = (s - rules.gap - begin) // MINUTE, (e + rules.gap - begin) // MINUTE
            good &= ~((low <= number) & (number < high))
    bad = np.concatenate([[0], np.cumsum(~good)])
    whole = np.zeros(len(days), bool)
    whole[: -rules.duration] = bad[rules.duration : -1] == bad[: -rules.duration - 1]
    late = number >= -((begin - now - timedelta(minutes=rules.notice)) // MINUTE)
    return [begin + int(n) * MINUTE for n in np.flatnonzero(on_grid & whole & late)]


def a_calendar(rng: random.Random) -> tuple[Rules, date, list, datetime]:
    zone = rng.choice(list(DST))
    day = rng.choice(DST[zone]) + timedelta(days=rng.choice((0, 0, 0, -1, 1, 9)))

    def ranges() -> tuple:
        cuts = sorted(rng.sample(range(97), 2 * rng.choice((1, 1, 2, 3))))
        return tuple((a * 15, b * 15) for a, b in zip(cuts[::2], cuts[1::2], strict=True))

    rules = Rules(
        ZoneInfo(zone),
        [ranges() if rng.random() < 0.9 else () for _ in range(7)],
        {day: ranges() if rng.random() < 0.8 else ()} if rng.random() < 0.3 else {},
        duration=rng.choice((10, 15, 20, 30, 45, 60, 90)),
        step=rng.choice((10, 15, 20, 30, 60)),
        before=rng.choice((0, 0, 5, 15)),
        after=rng.choice((0, 0, 10, 30)),
        notice=rng.choice((0, 0, 120, 1440)),
        horizon=rng.choice((0, 1, 30)),
    )
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    now = midnight + rng.randrange(-30 * 60, 12 * 60) * MINUTE
    busy = []
    for _ in range(rng.randrange(5)):
        start = midnight + rng.randrange(-12 * 60, 36 * 60) * MINUTE
        busy.append((start, start + rng.choice((0, 5, 30, 60, 300)) * MINUTE))
    return rules, day, busy, now


@pytest.mark.parametrize("part", range(4))
def test_random_calendars_are_as_a_look_at_each_minute_says(part):
    rng = random.Random(part)
    some = 0
    for number in range(CALENDARS // 4):
        rules, day, busy, now = a_calendar(rng)
        found = list(free_slots(rules, day, day, busy, now))
        assert found == by_minutes(rules, day, busy, now), f"calendar {number} of part {part}: {rules} {day} {busy}"
        some += bool(found)
        for start in found[:3]:
            assert is_free(rules, start, busy, now)
            assert not is_free(rules, start + MINUTE * 7, busy, now) or start + MINUTE * 7 in found
    print(f"part {part}: {CALENDARS // 4} calendars, {some} with free times, 0 differences")
    assert some > CALENDARS // 16


@pytest.mark.parametrize("part", range(4))
def test_booking_until_nothing_is_free_never_books_twice(part):
    rng = random.Random(100 + part)
    booked = 0
    for _ in range(250):
        rules, day, busy, now = a_calendar(rng)
        mine: list = []
        while start := next(free_slots(rules, day, day, [*busy, *mine], now), None):
            assert all(start >= e or start + rules.length <= s for s, e in [*busy, *mine] if s < e)
            mine.append((start, start + rules.length))
        booked += len(mine)
    assert booked > 250


def wall(zone: str, day: date, hours=((60, 240),), **rules) -> list[str]:
    made = Rules(ZoneInfo(zone), [hours] * 7, duration=30, step=30, horizon=400, **rules)
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return [s.astimezone(made.zone).strftime("%H:%M%z") for s in free_slots(made, day, day, [], now)]


def test_a_day_that_loses_an_hour_and_one_that_gets_one():
    assert wall("Europe/Berlin", date(2026, 3, 29)) == ["01:00+0100", "01:30+0100", "03:00+0200", "03:30+0200"]
    assert wall("Europe/Berlin", date(2026, 10, 25)) == [
        *("01:00+0200", "01:30+0200", "02:00+0200", "02:30+0200"),
        *("02:00+0100", "02:30+0100", "03:00+0100", "03:30+0100"),
    ]
    assert wall("America/New_York", date(2026, 3, 8)) == ["01:00-0500", "01:30-0500", "03:00-0400", "03:30-0400"]
    assert len(wall("America/New_York", date(2026, 11, 1))) == 8
    assert len(wall("Asia/Kolkata", date(2026, 3, 29))) == len(wall("Asia/Kolkata", date(2026, 10, 25))) == 6


def test_hours_that_the_clock_skips_do_not_exist():
    assert wall("Europe/Berlin", date(2026, 3, 29), ((120, 180),)) == []
    assert wall("Europe/Berlin", date(2026, 3, 29), ((150, 240),)) == ["03:00+0200", "03:30+0200"]
