"""Which days of a year a recurrence rule names: the same in every year of the same shape, so they are kept by shape."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import accumulate, pairwise
from typing import Final

_LENGTHS: Final = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_LEAP_LENGTHS: Final = (31, 29, *_LENGTHS[2:])


@dataclass(frozen=True, slots=True)
class DayFilter:
    """The parts of a rule that name days; an empty one names every day.

    `counts_by_month`: an ordinal such as the first Monday is one of the month and not of the year.
    """

    months: frozenset[int]
    month_days: frozenset[int]
    year_days: frozenset[int]
    week_numbers: frozenset[int]
    weekdays: frozenset[tuple[int, int]]
    counts_by_month: bool
    week_start: int

    def days_of(self, year: int) -> tuple[int, ...]:
        """Return the named days of a year, in order, the first of January being 0."""
        length, before = _length(year), _length(year - 1)
        return _named(self, _Shape(length, before, date(year, 1, 1).weekday()))


@dataclass(frozen=True, slots=True)
class _Shape:
    """All that matters of a year: its length and that of the one before, and its first weekday."""

    length: int
    length_before: int
    first_weekday: int

    @property
    def months(self) -> list[tuple[int, int]]:
        """Return where each month begins and where the next one does."""
        return list(pairwise(accumulate(_LEAP_LENGTHS if self.length == 366 else _LENGTHS, initial=0)))


def _length(year: int) -> int:
    return 366 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 365


@lru_cache(maxsize=4096)
def _named(wanted: DayFilter, shape: _Shape) -> tuple[int, ...]:
    days = set(range(shape.length))
    if wanted.months:
        days &= {day for month in wanted.months for day in range(*shape.months[month - 1])}
    if wanted.month_days:
        days &= {day for span in shape.months for day in _in_span(span, wanted.month_days)}
    if wanted.year_days:
        days &= set(_in_span((0, shape.length), wanted.year_days))
    if wanted.week_numbers:
        days &= set(_in_weeks(shape, wanted.week_numbers, wanted.week_start))
    if wanted.weekdays:
        days &= set(_on_weekdays(shape, wanted))
    return tuple(sorted(days))


def _in_span(span: tuple[int, int], numbers: frozenset[int]) -> Iterator[int]:
    """Yield the days of a month or year by their number, from its end when negative."""
    first, end = span
    for number in numbers:
        day = first + number - 1 if number > 0 else end + number
        if first <= day < end:
            yield day


def _on_weekdays(shape: _Shape, wanted: DayFilter) -> Iterator[int]:
    spans = shape.months if wanted.counts_by_month else [(0, shape.length)]
    for weekday, ordinal in wanted.weekdays:
        for first, end in spans:
            days = range(first + (weekday - shape.first_weekday - first) % 7, end, 7)
            if ordinal == 0:
                yield from days
            elif -len(days) <= ordinal <= len(days):
                yield days[ordinal - 1 if ordinal > 0 else ordinal]


def _in_weeks(shape: _Shape, numbers: frozenset[int], week_start: int) -> Iterator[int]:
    """Yield the days of weeks by their number; week 1 is the first with four days in the year (ISO 8601).

    The days before the first week belong to the last one of the year before, and count as dateutil counts them.
    """
    offset = (week_start - shape.first_weekday) % 7
    begins = offset - 7 if offset >= 4 else offset
    weeks, left = divmod(shape.length - begins, 7)
    weeks += left // 4
    named = {number if number > 0 else weeks + 1 + number for number in numbers} & set(range(1, weeks + 1))
    if 1 in numbers:
        named.add(weeks + 1)
    for week in named:
        yield from range(max(0, begins + 7 * (week - 1)), min(begins + 7 * week, shape.length))
    if begins > 0 and (-1 in numbers or _last_week_before(shape, offset) in numbers):
        yield from range(begins)


def _last_week_before(shape: _Shape, offset: int) -> int:
    before = (offset + shape.length_before) % 7
    left = shape.length_before + 7 - before if before >= 4 else shape.length - offset
    return 52 + left % 7 // 4
