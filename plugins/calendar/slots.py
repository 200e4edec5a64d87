"""Which times are free: opening hours in, busy times in, slots out. Pure; all moments are aware and in UTC.

A moment is open when its wall time in the calendar's zone lies in the hours of its day. So a clock that is put forward
takes time away, and one that is put back gives an hour twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)
Range = tuple[int, int]
"""Minutes of the wall clock since midnight: from, and up to."""
Span = tuple[datetime, datetime]
"""A stretch of time: from, and up to but without."""


@dataclass(frozen=True)
class Rules:
    """When appointments can be made. `weekly` begins with Monday; `exceptions` replace the hours of a date.

    All lengths are minutes but `horizon`, which is days. `step` is the distance of possible beginnings.
    """

    zone: ZoneInfo
    weekly: Sequence[Sequence[Range]]
    exceptions: Mapping[date, Sequence[Range]] = field(default_factory=dict)
    duration: int = 30
    step: int = 30
    before: int = 0
    after: int = 0
    notice: int = 0
    horizon: int = 60

    @property
    def length(self) -> timedelta:
        """How long an appointment takes."""
        return timedelta(minutes=self.duration)

    @property
    def gap(self) -> timedelta:
        """What has to lie between two appointments: the second's time before, and the first's time after."""
        return timedelta(minutes=max(self.before, self.after))

    def hours(self, day: date) -> Sequence[Range]:
        """The opening hours of a date."""
        return self.exceptions.get(day, self.weekly[day.weekday()])


def free_slots(rules: Rules, first: date, last: date, busy: Sequence[Span], now: datetime) -> Iterator[datetime]:
    """The beginnings of all free slots from one local date to another, in order."""
    taken = sorted(busy)
    for start in starts(rules, first, last, now):
        if not collides(rules, start, taken):
            yield start


def is_free(rules: Rules, start: datetime, busy: Sequence[Span], now: datetime) -> bool:
    """Whether an appointment can begin then: the same test that `free_slots` makes."""
    day = start.astimezone(rules.zone).date()
    return start in set(starts(rules, day, day, now)) and not collides(rules, start, busy)


def collides(rules: Rules, start: datetime, busy: Sequence[Span]) -> bool:
    """Whether a busy time lies in an appointment that begins then, or nearer than the gap."""
    low, high = start - rules.gap, start + rules.length + rules.gap
    return any(begin < high and low < end for begin, end in busy if begin < end)


def starts(rules: Rules, first: date, last: date, now: datetime) -> Iterator[datetime]:
    """The beginnings that hours, notice and horizon allow, whatever is busy."""
    today = now.astimezone(rules.zone).date()
    earliest = now + timedelta(minutes=rules.notice)
    day, last = max(first, today), min(last, today + timedelta(days=rules.horizon))
    while day <= last:
        following = day + timedelta(days=1)
        spans = _merged([(low, high) for d in (day, following) for low, high, _ in _pieces(rules, d)])
        for start in _grid(rules, day):
            if start >= earliest and any(low <= start and start + rules.length <= high for low, high in spans):
                yield start
        day = following


def is_open(rules: Rules, moment: datetime) -> bool:
    """Whether the hours of its day hold a moment."""
    local = moment.astimezone(rules.zone)
    return any(low <= local.hour * 60 + local.minute < high for low, high in rules.hours(local.date()))


def _grid(rules: Rules, day: date) -> list[datetime]:
    """The moments of a date whose wall time lies on the grid that one of its opening hours begins."""
    found: set[datetime] = set()
    step = rules.step * MINUTE
    for low, high, opening in _pieces(rules, day):
        moment = low + (opening - low) % step
        while moment < high:
            found.add(moment)
            moment += step
    return sorted(found)


def _pieces(rules: Rules, day: date) -> Iterator[tuple[datetime, datetime, datetime]]:
    """The opening hours of a date: from, up to, and where the hours would begin if clocks were never changed."""
    for low, high in rules.hours(day):
        for begin, end, offset in _same_offset(rules.zone, day):
            midnight = datetime.combine(day, time(), UTC) - offset
            opening = midnight + low * MINUTE
            start, stop = max(begin, opening), min(end, midnight + high * MINUTE)
            if start < stop:
                yield start, stop, opening


@lru_cache(maxsize=4096)
def _same_offset(zone: ZoneInfo, day: date) -> tuple[tuple[datetime, datetime, timedelta], ...]:
    """The stretches around a date in which the zone keeps its distance from UTC."""
    noon = datetime.combine(day, time(12), UTC)
    low, end = noon - timedelta(hours=40), noon + timedelta(hours=40)
    found = []
    while low < end:
        offset, high = _offset(zone, low), low + timedelta(hours=1)
        while high < end and _offset(zone, high) == offset:
            high += timedelta(hours=1)
        if high < end:
            high = _change(zone, high - timedelta(hours=1), high)
        found.append((low, high, offset))
        low = high
    return tuple(found)


def _change(zone: ZoneInfo, low: datetime, high: datetime) -> datetime:
    """The first minute with another offset than `low`, up to `high`."""
    before = _offset(zone, low)
    while high - low > MINUTE:
        middle = low + (high - low) // 2 // MINUTE * MINUTE
        low, high = (middle, high) if _offset(zone, middle) == before else (low, middle)
    return high


def _offset(zone: ZoneInfo, moment: datetime) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta()


def _merged(spans: Sequence[Span]) -> list[Span]:
    """The same time in stretches that do not touch."""
    found: list[Span] = []
    for low, high in sorted(spans):
        if found and low <= found[-1][1]:
            found[-1] = (found[-1][0], max(high, found[-1][1]))
        else:
            found.append((low, high))
    return found
